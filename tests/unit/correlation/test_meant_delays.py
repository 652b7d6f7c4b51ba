"""Standbys that are meant to be behind, as their primary sees them."""

from datetime import UTC, datetime

import pytest

from incident_lib.correlation.meant_delays import judge_meant_delays
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies.postgres.rows import PostgresStandby
from tests.unit.correlation.situations import judge_with

SHOP = Topology(kinds={"db": "postgres", "late": "postgres"}, addresses={"db": ("10.0.0.5:5432",)})


def _standby(*, delay: float = 3600.0, port: int = 5432, paused: bool = False) -> Evidence:
    row = PostgresStandby(
        direction="upstream", name="10.0.0.5", client_address=None, state="streaming", synchronous=None,
        lag_bytes=900, lag_seconds=90.0, delay_seconds=delay, upstream_port=port, is_paused=paused,
    )  # fmt: skip
    return Evidence(
        probe="postgres.replication", target="late", status=EvidenceStatus.COLLECTED, rows=(row,),
        source="SQL", collected_at=datetime(2026, 1, 15, 14, tzinfo=UTC), duration_seconds=0.0,
    )  # fmt: skip


def _late(*, is_replay: bool = True) -> Finding:
    return Finding(
        id="postgres.replication.lag", target="db", severity=FindingSeverity.WARNING, title="is 90 s behind",
        detail="", data={"late_part": "replay" if is_replay else "way"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "evidence", "severities"),
    [
        ((_late(),), (_standby(),), ["INFO"]),
        ((_late(),), (), ["WARNING"]),
        ((_late(),), (_standby(delay=0.0),), ["WARNING"]),
        ((_late(),), (_standby(port=5433),), ["WARNING"]),
        ((_late(is_replay=False),), (_standby(),), ["WARNING"]),
        ((_late(), _late()), (_standby(),), ["WARNING", "WARNING"]),
        ((_late(),), (_standby(delay=0.0, paused=True),), ["INFO"]),
        ((_late(),), (_standby(delay=0.0, paused=True, port=5433),), ["WARNING"]),
        ((_late(is_replay=False),), (_standby(delay=0.0, paused=True),), ["WARNING"]),
    ],
)
def test_what_is_meant_is_no_warning(
    late: tuple[Finding, ...], evidence: tuple[Evidence, ...], severities: list[str]
) -> None:
    found = judge_with(judge_meant_delays, late, topology=SHOP, evidence=evidence)
    assert [finding.severity.name for finding in found] == severities


def test_the_primary_says_which_standby_is_paused() -> None:
    found = judge_with(judge_meant_delays, (_late(),), topology=SHOP, evidence=(_standby(paused=True),))
    assert [finding.title for finding in found] == ["is 90 s behind, because replay is paused on late"]
