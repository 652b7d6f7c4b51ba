"""A real standby: in step, behind, gone."""

import time

import pytest

from incident_lib.model import EvidenceStatus, FindingSeverity
from tests.integration import postgres_service
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
any_server = postgres_service.any_server


def test_a_standby_in_step_behind_and_gone(any_server: Server) -> None:
    with postgres_service.standby_of(any_server) as standby:
        everything = collect(standby.settings())
        assert everything["connection"].rows[0].in_recovery is True
        unseen = {name for name, one in everything.items() if one.status is not EvidenceStatus.COLLECTED}
        assert unseen <= {"statements"}
        assert not [one for each in everything.values() for one in judge(each) if one.severity.is_bad]
        (row, slot) = collect(any_server.settings(), "replication")["replication"].rows
        assert (row.direction, row.name, row.state, slot.name) == (
            "downstream",
            "replica",
            "streaming",
            "standby",
        )

        with standby.connect() as paused, any_server.connect() as writer:
            paused.execute("SELECT pg_wal_replay_pause()")
            writer.execute("CREATE TABLE more AS SELECT generate_series(1, 1000) AS id")
            time.sleep(0.5)
            behind = collect(any_server.settings(), "replication")["replication"].rows[0]
            assert behind.lag_bytes > 0
            paused.execute("SELECT pg_wal_replay_resume()")
            writer.execute("DROP TABLE more")
    found = triage(any_server.settings(), "replication")
    assert found["replication.ok"].severity is FindingSeverity.OK
    rows = collect(any_server.settings(), "replication")["replication"].rows
    assert [(row.name, row.active) for row in rows] == [("standby", False)]
