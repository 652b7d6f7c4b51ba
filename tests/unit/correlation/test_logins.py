"""Many rollbacks: a habit of pools, or transactions that fail. A silent Redis: blocked, or loading."""

import msgspec
import pytest

from incident_lib.correlation.loading import judge_loading
from incident_lib.correlation.logins import judge_logins
from incident_lib.correlation.rollbacks import judge_rollbacks
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from tests.unit.correlation.situations import judge_with

GRAPH = Topology(kinds={"api": "http", "store": "postgres"}, depends_on={"api": ("store",)})


def found(identity: str, target: str, severity: FindingSeverity = FindingSeverity.WARNING) -> Finding:
    return Finding(id=identity, target=target, severity=severity, title="t", detail="d")


ROLLBACKS = found("postgres.counters.rollbacks", "store")


def test_rollbacks_alone_are_no_alarm() -> None:
    seen = (ROLLBACKS, found("logs.lines.ok", "api", FindingSeverity.OK), found("http.health.slow", "other"))
    first, *_ = judge_with(judge_rollbacks, seen, topology=GRAPH)
    assert first.severity is FindingSeverity.INFO
    assert "Nothing else fails" in first.detail


@pytest.mark.parametrize(
    ("identity", "target"),
    [
        ("logs.lines.errors", "api"),
        ("logs.lines.class.db_deadlock", "api"),
        ("http.health.status", "api"),
        ("logs.lines.class.db_deadlock", "store"),
        ("postgres.counters.deadlocks", "store"),
    ],
)
def test_rollbacks_stay_where_something_fails(identity: str, target: str) -> None:
    first, *_ = judge_with(judge_rollbacks, (ROLLBACKS, found(identity, target)), topology=GRAPH)
    assert first.severity is FindingSeverity.WARNING


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("postgres.connection.denied", "the workbench's login is refused"),
        ("postgres.connection.wrong_peer", "the configured address seems wrong"),
    ],
)
def test_our_own_login_or_address_may_be_wrong_while_the_users_are_well(refused: str, said: str) -> None:
    ours = found(refused, "store", FindingSeverity.CRITICAL)
    for user in ("http.health.ok", "http.health.slow"):
        first, _ = judge_with(judge_logins, (ours, found(user, "api")), topology=GRAPH)
        assert (first.severity, said in first.title) == (FindingSeverity.UNKNOWN, True)
    for user in ("http.health.part", "http.health.refused", "logs.lines.class.db_auth"):
        assert judge_with(judge_logins, (ours, found(user, "api")), topology=GRAPH)[0] == ours


def test_a_redis_that_is_silent_since_its_start_loads_its_data() -> None:
    silent = found("redis.connection.timed_out", "cache", FindingSeverity.CRITICAL)
    start = found("logs.lines.server.not_ready", "cache", FindingSeverity.INFO)
    elsewhere = found("logs.lines.server.not_ready", "other", FindingSeverity.INFO)
    first, *_ = judge_with(judge_loading, (silent, start))
    assert (first.id, first.severity) == ("redis.connection.starting", FindingSeverity.CRITICAL)
    assert judge_with(judge_loading, (silent, elsewhere)) == [silent, elsewhere]


def test_a_silent_cache_whose_process_rests_does_not_load() -> None:
    start = found("logs.lines.server.not_ready", "cache", FindingSeverity.INFO)
    for name in ("is_halted", "is_idle"):
        silent = found("redis.connection.timed_out", "cache", FindingSeverity.CRITICAL)
        silent = msgspec.structs.replace(silent, data={name: 1.0})
        assert judge_with(judge_loading, (silent, start)) == [silent, start]
