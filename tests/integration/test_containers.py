"""The four real containers, broken: the first hypothesis must name the cause."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
import redis

from incident_lib import config
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.snapshot import take_snapshot
from tests.integration import docker_service
from tests.integration.docker_service import Stack

pytestmark = [*docker_service.MARKS, pytest.mark.slow]
engine = docker_service.engine


@contextmanager
def in_use(engine) -> Iterator[Stack]:
    with docker_service.stack(engine, f"t{os.getpid()}-") as stack, under_load(stack):
        time.sleep(4)
        yield stack


@pytest.fixture
def shop(engine) -> Iterator[Stack]:
    with in_use(engine) as stack:
        yield stack


@contextmanager
def under_load(stack: Stack) -> Iterator[None]:
    """Ask the backend for what it offers, a few times a second, as its users would."""
    over = Event()
    paths = ("/health", "/health/ready", "/api/v1/")

    def use() -> None:
        while not over.is_set():
            for path in paths:
                with suppress(urllib.error.URLError, OSError):
                    urllib.request.urlopen(f"{stack.backend_url}{path}", timeout=5).read()
            over.wait(0.2)

    user = Thread(target=use, daemon=True)
    user.start()
    try:
        yield
    finally:
        over.set()
        user.join(timeout=30)


def triage(stack: Stack, where, since="20s") -> Case:
    path = where / "workbench.toml"
    path.write_text(stack.configuration())
    return take_snapshot(config.load(path), where / "snapshots", since, Watch())


def first(case: Case) -> tuple[str, str]:
    ranked = [(one.id, one.target) for one in case.analysis.hypotheses]
    bad = [f"{f.target}:{f.id}" for f in case.analysis.findings if f.severity.is_bad]
    assert ranked, bad
    return ranked[0]


@pytest.fixture(scope="module")
def healthy(engine, tmp_path_factory) -> tuple[Case, Path]:
    """What was seen of a healthy stack, and the folder that it is kept in."""
    folder = tmp_path_factory.mktemp("healthy")
    with in_use(engine) as stack:
        return triage(
            stack, folder, "4s"
        ), folder  # since they are ready: at the start each waits for the other


def test_a_healthy_stack_has_no_hypothesis(healthy):
    case, _ = healthy
    bad = {f"{f.target}:{f.id}": f"{f.title} {f.detail}" for f in case.analysis.findings if f.severity.is_bad}
    if bad.pop("host:host.load.high", None):  # this machine is no part of the stack, but may hold up a ping
        bad.pop("redis:redis.connection.latency", None)
    assert (bad, [f"{one.id} at {one.target}" for one in case.analysis.hypotheses]) == ({}, [])
    assert {one.target for one in case.evidence if one.has_rows} >= {"backend", "frontend", "db", "redis"}


def test_the_password_of_a_container_reaches_no_file(healthy):
    case, folder = healthy
    assert any(one.has_rows for one in case.of("postgres.connection"))
    secret = docker_service.PASSWORD.encode()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > len(case.evidence)
    assert [path for path in files if secret in path.read_bytes()] == []


def test_a_killed_backend_is_named(shop, tmp_path):
    shop.container("backend").kill()
    assert first(triage(shop, tmp_path)) == ("service-down", "backend")


def test_a_database_without_free_connections_is_named(shop, tmp_path):
    with ExitStack() as held:
        with suppress(psycopg.OperationalError):
            for _ in range(500):
                connection = psycopg.connect(shop.dsn, application_name="nightly-export", autocommit=True)
                held.enter_context(connection)
        time.sleep(3)
        case = triage(shop, tmp_path)
    assert first(case) == ("db-connections-exhausted", "db")


def test_redis_that_refuses_writes_is_named(shop, tmp_path):
    with redis.Redis.from_url(shop.redis_url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "4mb")
        over = Event()

        def fill() -> None:
            number = 0
            while not over.is_set():
                number += 1
                with suppress(redis.ResponseError):
                    client.set(f"cache:{number}", "x" * 50_000)
                over.wait(0.01)

        writer = Thread(target=fill, daemon=True)
        writer.start()
        time.sleep(3)
        try:
            case = triage(shop, tmp_path)
        finally:
            over.set()
            writer.join()
    assert first(case) == ("redis-out-of-memory", "redis")
