"""A pool of PgBouncer in which clients wait: what holds its connections is the first cause."""

from typing import Any

import msgspec
import pytest

from incident_lib.correlation.held_pools import judge_held_pools
from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue
from incident_lib.technologies.postgres.rows import PostgresActiveSession, PostgresPool
from tests.unit.correlation.situations import judge_with
from tests.unit.technologies.postgres.records import active, evidence

POOL = PostgresPool(
    database="shop",
    role="web",
    mode="transaction",
    client_active_count=4,
    client_waiting_count=9,
    client_waiting_before_count=9,
    longest_wait_seconds=3.0,
    server_active_count=4,
    server_idle_count=0,
    server_used_count=0,
    server_login_count=0,
    size_limit_count=4,
    server_address="10.0.0.2:5432",
    server_database="shop_production",
    server_role="app",
)
WAITING = Finding(
    id="postgres.pooler.waiting",
    severity=FindingSeverity.CRITICAL,
    target="db",
    title="9 clients wait",
    data={"pool": "shop/web", "layer": "pool_size of shop", "servers": 4, "limit": 4, "remedy": "Find them."},
)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")


def session(pid: int, **values: Any) -> PostgresActiveSession:
    return active(pid, **{"database": "shop_production", "application": "importer", **values})


def idle(pid: int, seconds: float = 20.0, **values: Any) -> PostgresActiveSession:
    more = {"state": "idle in transaction", "state_seconds": seconds, "query_seconds": None, **values}
    return session(pid, **more)


def locked(pid: int) -> PostgresActiveSession:
    return session(pid, wait_type="Lock", wait_event="transactionid", query_seconds=4.0)


def long(pid: int) -> PostgresActiveSession:
    return session(pid, query_seconds=45.0)


def judged(*sessions: PostgresActiveSession, pool: PostgresPool = POOL) -> Finding:
    seen: tuple[Evidence, ...] = (evidence("pooler", pool), evidence("transactions", *sessions))
    (found,) = judge_with(judge_held_pools, [WAITING], evidence=seen)
    return found


@pytest.mark.parametrize(
    ("sessions", "name", "count"),
    [
        ((idle(1), idle(2), idle(3), idle(4)), "held_idle", 4),
        ((idle(1, 1.5), idle(2), session(3), session(4)), "held_idle", 2),
        # A transaction that failed keeps its connection as well, until its client ends it.
        ((idle(1, state="idle in transaction (aborted)"), idle(2, state="idle in transaction (aborted)")),
         "held_idle", 2),
        ((locked(1), locked(2), locked(3), idle(4)), "held_lock", 3),
        ((long(1), long(2), session(3)), "held_long", 2),
    ],
)  # fmt: skip
def test_what_holds_a_pool_is_named(
    sessions: tuple[PostgresActiveSession, ...], name: str, count: int
) -> None:
    found = judged(*sessions)
    assert (found.id, found.data["count"]) == (f"postgres.pooler.{name}", count)
    assert found.severity is FindingSeverity.CRITICAL
    assert (found.data["application"], found.data["pool"]) == ("importer", "shop/web")
    assert f"{count} of its 4 connections" in found.title


@pytest.mark.parametrize(
    "sessions",
    [
        (),
        (idle(1), session(2), session(3), session(4)),  # one of four: the others work
        (idle(1, 0.2), idle(2, 0.3), idle(3, 0.1), session(4)),  # between two statements
        (session(1), session(2), session(3), session(4)),
        # Not of this pool: another role, another database of the server.
        tuple(idle(pid, role="reporting") for pid in range(1, 5)),
        tuple(idle(pid, database="shop") for pid in range(1, 5)),
        tuple(idle(pid, state=None, state_seconds=None) for pid in range(1, 5)),  # our role does not see it
    ],
)
def test_a_pool_that_works_is_what_is_too_small(sessions: tuple[PostgresActiveSession, ...]) -> None:
    assert judged(*sessions) is WAITING


def test_a_pool_with_the_names_of_its_server() -> None:
    plain = msgspec.structs.replace(POOL, role="app", database="shop", server_database=None, server_role=None)
    named = msgspec.structs.replace(WAITING, data=WAITING.data | {"pool": "shop/app"})
    sessions = [idle(pid, database="shop") for pid in range(1, 4)]
    seen = (evidence("pooler", plain), evidence("transactions", *sessions))
    (found,) = judge_with(judge_held_pools, [named], evidence=seen)
    assert found.id == "postgres.pooler.held_idle"
    assert judge_with(judge_held_pools, [WAITING], evidence=seen) == [WAITING]  # that pool was not read


@pytest.mark.parametrize(
    ("sessions", "more", "first", "action"),
    [
        ([idle(pid) for pid in range(1, 5)], (), "idle-in-transaction", "End the transactions that importer"),
        ([long(pid) for pid in range(1, 5)], (), "long-query", "Cancel the statements of importer"),
        ([locked(pid) for pid in range(1, 5)], ("postgres.locks.blocked",), "lock-contention", ""),
        (
            [locked(pid) for pid in range(1, 5)],
            (),
            "db-connections-exhausted",
            "Find the session that holds the lock",
        ),
        ([session(pid) for pid in range(1, 5)], (), "db-connections-exhausted", "Find them."),
        # The server has no room either, since clients pile up: still what the idle transactions cause.
        (
            [idle(pid) for pid in range(1, 5)],
            ("postgres.pooler.clients", "postgres.saturation.high"),
            "idle-in-transaction",
            "End the transactions that importer",
        ),
    ],
)
def test_the_pool_is_a_symptom_of_what_holds_it(
    sessions: list[PostgresActiveSession], more: tuple[str, ...], first: str, action: str
) -> None:
    critical = FindingSeverity.CRITICAL
    others = [Finding(id=name, severity=critical, target="db", title=name) for name in more]
    logged = Finding(
        id="logs.lines.class.pooler_wait", severity=FindingSeverity.WARNING, target="api", title="waits"
    )
    graph = Topology(kinds={"db": "postgres", "api": "http"}, depends_on={"api": ("db",)})
    ranked = rank((judged(*sessions), *others, logged), graph, PATTERNS, catalogue())
    assert ranked[0].id == first
    assert ranked[0].first_action.startswith(action)
    by_id = {each.id: each for each in ranked}
    if first != "db-connections-exhausted":
        assert by_id["db-connections-exhausted"].symptom_of == f"db:{first}"


def test_an_idle_transaction_elsewhere_explains_no_full_server() -> None:
    full = Finding(
        id="postgres.saturation.high", severity=FindingSeverity.CRITICAL, target="db", title="full"
    )
    idle_one = Finding(
        id="postgres.transactions.idle", severity=FindingSeverity.WARNING, target="db", title="idle"
    )
    first, *_ = rank((full, idle_one), Topology(kinds={"db": "postgres"}), PATTERNS, catalogue())
    assert first.id == "db-connections-exhausted"
