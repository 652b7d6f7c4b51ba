"""Logins that hang while the server runs: told apart from a server that is down."""

import signal
import time

import pytest

from incident_lib.hypotheses import rank
from incident_lib.investigation.setup import patterns_for
from incident_lib.model import FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue
from tests.integration import postgres_service
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge

pytestmark = pytest.mark.postgres
server = postgres_service.server


def test_a_locked_catalog_that_every_login_reads(server: Server) -> None:
    # Each look takes five seconds, so every version sees one of the two.
    catalog = "pg_database" if server.installation.major == 15 else "pg_authid"
    with server.connect(application_name="maintenance") as holder:
        holder.execute(f"BEGIN; LOCK TABLE {catalog} IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        found = judge(collect(server.settings())["connection"])
        assert time.monotonic() - started < 9
    assert [one.id for one in found] == ["postgres.connection.login_waits"]
    assert found[0].severity is FindingSeverity.CRITICAL
    assert "idle in a transaction there: postgres shop 127.0.0.1" in found[0].detail
    first = rank(
        tuple(found),
        Topology(kinds={"db": "postgres"}),
        patterns_for(postgres_service.settings()),
        catalogue(),
    )[0]
    assert (first.id, first.target) == ("lock-contention", "db")
    assert "db-down" not in {
        one.id
        for one in rank(tuple(found), Topology(), patterns_for(postgres_service.settings()), catalogue())
    }


def test_a_server_that_is_stopped_does_not_greet() -> None:
    with postgres_service.running(postgres_service.INSTALLATIONS[-1]) as own:
        assert own.process is not None
        own.process.send_signal(signal.SIGSTOP)
        try:
            found = judge(collect(own.settings())["connection"])
        finally:
            own.process.send_signal(signal.SIGCONT)
    assert [one.id for one in found] == ["postgres.connection.timed_out"]
