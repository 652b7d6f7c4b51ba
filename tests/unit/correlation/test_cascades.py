"""Standbys that stream from standbys."""

from datetime import UTC, datetime

import pytest

from incident_lib.correlation.cascades import judge_cascades
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies.postgres.rows import PostgresStandby
from tests.unit.correlation.situations import judge_with

NAMES = ("primary", "middle", "leaf", "far")
SHOP = Topology(
    kinds=dict.fromkeys(NAMES, "postgres"),
    addresses={name: (f"10.0.0.{number}:5432",) for number, name in enumerate(NAMES)},
)


def _standby(target: str, source: int | None) -> Evidence:
    row = PostgresStandby(
        direction="upstream", name=None if source is None else f"10.0.0.{source}", client_address=None,
        state="not streaming" if source is None else "streaming", synchronous=None, lag_bytes=0,
        lag_seconds=0.0, upstream_port=None if source is None else 5432,
    )  # fmt: skip
    return Evidence(
        probe="postgres.replication", target=target, status=EvidenceStatus.COLLECTED, rows=(row,),
        source="SQL", collected_at=datetime(2026, 1, 15, 14, tzinfo=UTC), duration_seconds=0.0,
    )  # fmt: skip


def _finding(target: str, name: str, severity: FindingSeverity, state: str = "not streaming") -> Finding:
    return Finding(
        id=f"postgres.replication.{name}", target=target, severity=severity, title=name, detail="",
        evidence=(f"{target}/postgres.replication",), data={"state": state},
    )  # fmt: skip


CUT_OFF = _finding("middle", "not_streaming", FindingSeverity.WARNING)
IN_STEP = tuple(_finding(name, "ok", FindingSeverity.OK) for name in ("leaf", "far"))


@pytest.mark.parametrize(
    ("cause", "middle", "expected"),
    [
        (CUT_OFF, None, {"leaf": "stale_source", "far": "stale_source"}),
        (_finding("middle", "ok", FindingSeverity.OK), 0, {"leaf": "ok", "far": "ok"}),
        (_finding("middle", "not_streaming", FindingSeverity.INFO), None, {"leaf": "ok", "far": "ok"}),
        (
            _finding("primary", "not_streaming", FindingSeverity.WARNING, "catchup"),
            0,
            {"leaf": "ok", "far": "ok"},
        ),
    ],
)
def test_what_streams_from_a_standby_that_is_cut_off_is_as_old(
    cause: Finding, middle: int | None, expected: dict[str, str]
) -> None:
    evidence = (_standby("middle", middle), _standby("leaf", 1), _standby("far", 2))
    found = judge_with(judge_cascades, (cause, *IN_STEP), topology=SHOP, evidence=evidence)
    assert {f.target: f.id.rpartition(".")[2] for f in found if f.target in expected} == expected
    for finding in found:
        if finding.id.endswith("stale_source"):
            assert finding.data == {"source": "middle"}
            assert "middle/postgres.replication" in finding.evidence


def test_two_that_name_each_other_are_no_endless_way() -> None:
    evidence = (_standby("leaf", 3), _standby("far", 2))
    assert judge_with(judge_cascades, (CUT_OFF, *IN_STEP), topology=SHOP, evidence=evidence) == [
        CUT_OFF,
        *IN_STEP,
    ]
