"""Why there is no connection: each reason really made, each with a finding of its own."""

import signal
import time
from functools import partial

import pytest

from incident_lib.model import FindingSeverity
from tests.integration import postgres_service
from tests.integration.postgres_service import PASSWORD, Server
from tests.integration.postgres_triage import triage
from tests.integration.postgres_wire import say, serving

pytestmark = pytest.mark.postgres
server = postgres_service.server
any_server = postgres_service.any_server
settings = postgres_service.settings


def test_every_refusal_has_a_finding_of_its_own(server: Server) -> None:
    cases = {
        "denied": server.dsn(password="wrong-guess-1"),
        "refused": f"postgresql://app:{PASSWORD}@127.0.0.1:{postgres_service.free_port()}/shop",
        "name_not_resolved": f"postgresql://app:{PASSWORD}@no-such-host.invalid/shop",
        "tls": f"{server.dsn()}?sslmode=require",
    }
    for kind, dsn in cases.items():
        found = triage(settings(dsn))
        failure = found[f"connection.{kind}"]
        assert failure.severity is FindingSeverity.CRITICAL
        assert PASSWORD not in str(found)
        assert "wrong-guess-1" not in str(found)
        others = {one.severity for name, one in found.items() if not name.startswith("connection.")}
        assert others == {FindingSeverity.UNKNOWN}


def test_a_missing_database_is_told_from_another_one(server: Server) -> None:
    found = triage(server.settings(database="gone"), "saturation")
    assert found["connection.not_found"].title == "The database gone does not exist, while its server answers"
    assert found["saturation.ok"].severity is FindingSeverity.OK


def test_a_database_at_its_own_limit_is_told_from_another_one(server: Server) -> None:
    with server.connect(database="postgres") as admin, server.connect(role="postgres"):
        admin.execute("ALTER DATABASE shop CONNECTION LIMIT 0")
        try:
            found = triage(server.settings(), "databases")
        finally:
            admin.execute("ALTER DATABASE shop CONNECTION LIMIT -1")
    assert "has used all of its own connections" in found["connection.database_limit"].title


def test_a_dsn_that_is_not_set_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_DSN", raising=False)
    found = triage(settings("env:NO_SUCH_DSN", container="app-db"))
    assert found["connection.not_configured"].severity is FindingSeverity.UNKNOWN
    assert "NO_SUCH_DSN" in found["connection.not_configured"].title


@pytest.mark.parametrize("dsn", ["postgresql://app:secret-word-9@[::/x", "password secret-word-9 is no dsn"])
def test_a_dsn_that_cannot_be_read_shows_nothing_of_it(dsn: str) -> None:
    found = triage(settings(dsn))
    assert found["connection.not_configured"].severity is FindingSeverity.UNKNOWN
    assert "secret-word-9" not in str(found)


def test_a_silent_port_ends_within_the_bounds() -> None:
    with serving(say) as port:
        started = time.monotonic()
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop"))
        assert time.monotonic() - started < 6
    assert found["connection.timed_out"].severity is FindingSeverity.CRITICAL


def test_something_else_that_answers_is_told() -> None:
    with serving(partial(say, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop"))
    assert found["connection.wrong_peer"].severity is FindingSeverity.CRITICAL


def test_a_refusal_in_another_language_is_a_refusal() -> None:
    fields = b"SFATAL\0C53300\0Mtut mir leid, schon zu viele Clients\0\0"
    greeting = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with serving(partial(say, greeting=greeting)) as port:
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop?sslmode=disable"))
    assert found["connection.denied"].severity is FindingSeverity.CRITICAL
    assert "schon zu viele Clients" in found["connection.denied"].detail


def test_a_server_that_shuts_down_is_starting(any_server: Server) -> None:
    with postgres_service.running(postgres_service.INSTALLATIONS[-1]) as own, own.connect() as held:
        held.execute("BEGIN; SELECT 1")
        assert own.process is not None
        own.process.send_signal(signal.SIGTERM)  # smart shutdown: waits for `held`
        time.sleep(0.2)
        assert "connection.starting" in triage(own.settings())


def test_a_configured_superuser_is_warned_of_and_an_owner_told(server: Server) -> None:
    role = triage(server.settings(role="postgres"), "saturation")["connection.role"]
    assert role.severity is FindingSeverity.WARNING
    with server.connect(role="app") as owner:
        owner.execute("CREATE TABLE owned (id int)")
        told = triage(server.settings(role="app"), "saturation")["connection.role"]
        owner.execute("DROP TABLE owned")
    assert told.severity is FindingSeverity.INFO
    assert "which the application also uses" in told.title
