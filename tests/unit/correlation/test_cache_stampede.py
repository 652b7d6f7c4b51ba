"""A cache that lost its keys, told from one that is only new, and from a database with a cause of its own."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from tests.unit.correlation.situations import added

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOPOLOGY = Topology(
    kinds={"api": "http", "books": "postgres", "keys": "redis", "other": "postgres"},
    depends_on={"api": ("books", "keys")},
)


def seen(target: str, name: str, severity: str = "WARNING", since: datetime | None = None) -> Finding:
    return Finding(
        id=name,
        severity=FindingSeverity(severity),
        target=target,
        title=name,
        since=since,
        evidence=(f"{target}/{name.rpartition('.')[0]}",),
    )


EVICTIONS = seen("keys", "redis.memory.evictions")
RESTARTED = seen("keys", "redis.connection.restarted", "INFO", NOW - 5 * MINUTE)
COLD = seen("keys", "redis.memory.hit_ratio", "INFO")
STARTED_COLD = seen("keys", "redis.memory.started_cold", "INFO", NOW - 5 * MINUTE)
MISSED = seen("api", "logs.lines.class.redis_refused")
FLUSHED = seen("keys", "redis.slowlog.flushed", "INFO", NOW - 5 * MINUTE)
QUICKLY = seen("keys", "redis.clients.flushed", "INFO", NOW - 5 * MINUTE)
WARM = msgspec.structs.replace(seen("keys", "redis.memory.ok", "OK"), data={"hit_ratio": 0.9})
SOME_TIME = seen("keys", "redis.memory.flushed", "INFO")  # since a baseline
GONE = seen("keys", "redis.memory.keys_lost", "INFO", NOW - 7 * MINUTE)
GONE_SOME_TIME = seen("keys", "redis.memory.keys_lost", "INFO")
LOADED = seen("books", "postgres.counters.load")
FULL = seen("books", "postgres.saturation.high", "CRITICAL")
SLOW = seen("books", "postgres.statements.dominant")
BUSY = seen("books", "postgres.counters.statement", "INFO")
WAITING = seen("api", "logs.lines.slow")


@pytest.mark.parametrize(
    "findings",
    [
        (EVICTIONS, LOADED),
        (EVICTIONS, FULL),
        (RESTARTED, COLD, SLOW),
        (RESTARTED, MISSED, LOADED, FULL),
        (RESTARTED, STARTED_COLD, BUSY, WAITING),
        # A transaction that somebody left open is no cause of load.
        (RESTARTED, STARTED_COLD, BUSY, WAITING, seen("books", "postgres.transactions.idle")),
        (RESTARTED, MISSED, BUSY, WAITING),
        (FLUSHED, COLD, LOADED),
        (FLUSHED, LOADED),  # so much went that it took long
        (FLUSHED, GONE, LOADED),
        (FLUSHED, GONE, COLD, BUSY, WAITING),
        (GONE, COLD, SLOW),
        (SOME_TIME, GONE_SOME_TIME, COLD, LOADED),
    ],
)
def test_lost_keys_and_a_loaded_database(findings: tuple[Finding, ...]) -> None:
    (one,) = added(judge_stampedes, findings, topology=TOPOLOGY)
    assert (one.id, one.target, one.severity) == ("redis.memory.stampede", "keys", FindingSeverity.WARNING)
    assert one.data["database"] == "books"
    assert {ref.partition("/")[0] for ref in one.evidence} >= {"keys", "books"}


@pytest.mark.parametrize(
    "findings",
    [
        (),
        (EVICTIONS,),
        (RESTARTED, MISSED, BUSY),  # a database at work, for which nobody waits
        (LOADED, SLOW, FULL),
        (EVICTIONS, seen("other", "postgres.counters.load")),  # nobody needs both
        (EVICTIONS, seen("books", "postgres.counters.load", "INFO")),
        (seen("keys", "redis.memory.evictions", "UNKNOWN"), LOADED),
        (seen("keys", "redis.memory.evicting", "INFO"), LOADED),  # as a cache should
        (RESTARTED, LOADED),  # nobody had it before
        (RESTARTED, STARTED_COLD, BUSY),  # it warms up, and nobody waits
        (STARTED_COLD, LOADED),
        (COLD, LOADED),  # what is asked for is simply not there
        (RESTARTED, MISSED, LOADED, seen("books", "postgres.server.restarted", "INFO", NOW - 5 * MINUTE)),
        (RESTARTED, COLD, seen("books", "postgres.statements.dominant", since=NOW - 9 * MINUTE)),
        (EVICTIONS, LOADED, seen("books", "postgres.locks.blocked")),
        (FLUSHED, COLD),  # a flush that the database did not feel
        (FLUSHED, WARM, LOADED),  # it finds what is asked for again
        (QUICKLY, LOADED),  # perhaps there was nothing in it
        (GONE, LOADED),  # fewer keys, and what is asked for is found
        (SOME_TIME, COLD, LOADED),
        (GONE_SOME_TIME, COLD, LOADED),  # fewer keys than on another day
        (FLUSHED, COLD, seen("books", "postgres.statements.dominant", since=NOW - 9 * MINUTE)),
        (EVICTIONS, LOADED, seen("books", "postgres.transactions.long_query", "CRITICAL")),
    ],
)
def test_what_is_no_stampede(findings: tuple[Finding, ...]) -> None:
    assert list(added(judge_stampedes, findings, topology=TOPOLOGY)) == []
