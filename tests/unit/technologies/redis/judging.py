"""Literal rows of a Redis probe -> what its analyzer makes of them."""

from datetime import UTC, datetime, timedelta

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, Row, Window
from incident_lib.technologies.redis.findings import ANALYZERS

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
MIB = 1024 * 1024


def judge(probe: str, *rows: Row) -> dict[str, Finding]:
    """Return the findings of `redis.PROBE`, by the last part of their id."""
    evidence = Evidence(
        probe=f"redis.{probe}",
        target="cache",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="INFO all",
        rows=rows,
    )
    found = list(ANALYZERS[evidence.probe](evidence, CONTEXT))
    by_name = {finding.id.removeprefix(f"redis.{probe}."): finding for finding in found}
    assert len(by_name) == len(found)  # none hides another one
    return by_name


def severities(found: dict[str, Finding]) -> dict[str, str]:
    """Return the severity of each finding, by its name."""
    return {name: finding.severity.value for name, finding in found.items()}
