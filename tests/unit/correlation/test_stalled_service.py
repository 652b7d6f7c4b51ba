"""A service that waits for everything at once, and whether the things it waits for are well."""

import pytest

from incident_lib.correlation.stalled_service import judge_stalled
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from tests.unit.correlation.situations import added

GRAPH = Topology(
    kinds={"api": "http", "store": "postgres", "keys": "redis"}, depends_on={"api": ("store", "keys")}
)


def found(identity: str, target: str, severity: str = "WARNING") -> Finding:
    return Finding(id=identity, target=target, severity=FindingSeverity(severity), title=identity)


SILENT = found("http.health.silent", "api", "CRITICAL")
WAITS = (found("logs.lines.class.pool_timeout", "api"), found("logs.lines.class.redis_timeout", "api"))
WELL = (found("postgres.connection.ok", "store", "OK"), found("redis.connection.ok", "keys", "OK"))


def test_a_service_that_waits_for_two_stores_that_are_well_stalls_itself() -> None:
    (stalled,) = added(judge_stalled, (SILENT, *WAITS, *WELL), topology=GRAPH)
    assert (stalled.id, stalled.target) == ("http.health.stalled", "api")
    assert stalled.severity is FindingSeverity.CRITICAL
    assert "pool_timeout" in stalled.detail


@pytest.mark.parametrize(
    "findings",
    [
        (*WAITS, *WELL),  # it answers in time
        (SILENT, *WAITS[:1], *WELL),  # only one of them: that may be far from it
        (SILENT, *WAITS, *WELL[:1]),  # the other one is not known to be well
        (SILENT, *WAITS, *WELL, found("redis.connection.latency", "keys")),
    ],
    ids=["quick", "one", "unknown", "sick"],
)
def test_nothing_else_is_called_a_stall(findings: tuple[Finding, ...]) -> None:
    assert list(added(judge_stalled, findings, topology=GRAPH)) == []
