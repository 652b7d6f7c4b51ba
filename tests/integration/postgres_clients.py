"""Clients of a test that make trouble on a real server, and are ended afterwards."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.integration.postgres_service import Server


@dataclass
class Clients:
    """Connections of a test; statements that block run in threads and end when the connections do."""

    server: Server
    stack: ExitStack
    threads: list[threading.Thread] = field(default_factory=list)
    idle: ExitStack = field(default_factory=ExitStack)  # closed first, so that an administrator finds room

    def open(self, application: str, **options: object) -> psycopg.Connection:
        """Return one more connection."""
        connection = self.server.connect(application_name=application, **options)
        (self.idle if application == "export" else self.stack).callback(connection.close)
        return connection

    def later(self, application: str, *statements: str) -> psycopg.Connection:
        """Return a connection on which `statements` run, the last of which is expected to wait."""
        connection = self.open(application)

        def run() -> None:
            try:
                for statement in statements:
                    connection.execute(statement.encode())
            except psycopg.Error:
                return  # cancelled, or cut off at the end of the test

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)
        return connection

    def waiting(self, count: int) -> None:
        """Return once `count` sessions wait for a lock."""
        watcher = self.open("watcher", dbname="postgres")
        ask = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        until(lambda: watcher.execute(ask.encode()).fetchone() == (count,))
        watcher.close()

    def end(self) -> None:
        """Terminate everybody, so that nothing waits any more."""
        self.idle.close()
        with self.server.connect(database="postgres") as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        for thread in self.threads:
            thread.join(5)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the case that the test makes did not come about"
        time.sleep(0.02)


@pytest.fixture
def clients(server: Server) -> Iterator[Clients]:
    """Yield a way to make trouble, and end it."""
    with ExitStack() as stack:
        made = Clients(server, stack)
        made.open("setup").execute(
            "DROP TABLE IF EXISTS stock; CREATE TABLE stock (id int PRIMARY KEY, n int);"
            "INSERT INTO stock SELECT i, 0 FROM generate_series(1, 10) i; ANALYZE stock"
        )
        yield made
        made.end()
