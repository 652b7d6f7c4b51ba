"""A real server that is down and would not start again: the last lines of its log say what to repair."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import services
from tests.integration import postgres_service
from tests.integration.postgres_case import Look, look, settings_with_log
from tests.integration.postgres_service import Server

pytestmark = pytest.mark.postgres
Harm = Callable[[Server], None]


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server that was stopped in order; what a test breaks of it is its own."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    with postgres_service.running(postgres_service.INSTALLATIONS[-1]) as started:
        started.stop(signal.SIGINT)
        (started.data / "log").write_text("")
        yield started


def seen_after_a_start(server: Server) -> Look:
    """Start in vain, and look."""
    with pytest.raises(AssertionError):
        server.start()
    return look(settings_with_log(server))


def add_setting(line: str) -> Harm:
    def change(server: Server) -> None:
        with (server.data / "postgresql.conf").open("a") as file:
            file.write(f"{line}\n")

    return change


def lose_the_log(server: Server) -> None:
    for path in (server.data / "pg_wal").iterdir():
        if path.is_file():
            path.unlink()


def open_to_all(server: Server) -> None:
    server.data.chmod(0o777)


def another_version(server: Server) -> None:
    (server.data / "PG_VERSION").write_text("9\n")


def break_the_rules(server: Server) -> None:
    (server.data / "pg_hba.conf").write_text("host all all nonsense\n")


@pytest.mark.parametrize(
    ("harm", "hypothesis", "repair"),
    [
        (add_setting("shared_bufers = '16MB'"), "db-cannot-start", "Correct the line"),
        (add_setting("shared_preload_libraries = 'gone'"), "db-cannot-start", "shared_preload_libraries"),
        (break_the_rules, "db-cannot-start", "Correct the line"),
        (open_to_all, "db-cannot-start", "0700"),
        (another_version, "db-cannot-start", "pg_upgrade"),
        (lose_the_log, "db-damaged", "backup"),
    ],
    ids=["setting", "library", "rules", "rights", "version", "log"],
)
def test_where_a_start_would_fail_again_the_repair_is_named(
    server: Server, harm: Harm, hypothesis: str, repair: str
) -> None:
    harm(server)
    found = seen_after_a_start(server)
    assert "postgres.connection.refused" in found.ids()
    assert (found.first.id, found.first.target) == (hypothesis, "db")
    assert repair in found.first.first_action
    assert not found.first.first_action.lower().startswith(("start", "restart"))
    assert "start it" not in found.first.first_action


def test_a_port_that_is_taken(server: Server) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        found = seen_after_a_start(server)
    assert (found.first.id, found.first.target) == ("db-cannot-start", "db")
    assert "ss -ltnp" in found.first.first_action
    assert not found.first.first_action.lower().startswith(("start", "restart"))


def test_a_server_that_was_stopped_in_order_may_be_started(server: Server) -> None:
    server.start()
    server.stop(signal.SIGINT)
    found = look(settings_with_log(server))
    assert found.first.id == "db-down"
    assert "start it" in found.first.first_action


def test_an_error_of_an_earlier_start_is_no_cause_once_it_runs(server: Server, tmp_path: Path) -> None:
    conf = server.data / "postgresql.conf"
    before = conf.read_text()
    conf.write_text(f"{before}\nshared_bufers = 1\n")
    with pytest.raises(AssertionError):
        server.start()
    conf.write_text(before)
    server.start()
    found = look(settings_with_log(server))
    assert found.hypothesis("db-cannot-start") is None
    assert found.hypothesis("db-down") is None
