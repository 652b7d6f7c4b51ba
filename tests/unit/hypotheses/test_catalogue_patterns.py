"""Every hypothesis of the catalogue: what makes it the first, and that it never comes without a cause."""

import re
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import chain

import pytest

from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.hypotheses.patterns import CLUES, Pattern
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue

GRAPH = Topology(
    kinds={
        "site": "http",
        "orders": "http",
        "ledger": "postgres",
        "keys": "redis",
        "bank": "outside",
        "machine": "host",
    },
    depends_on={"site": ("orders",), "orders": ("ledger", "keys", "bank")},
)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")
ONSET = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
Case = tuple[str, ...]  # "target finding-id SEVERITY", CRITICAL if it is left out

ERRORS: Case = (
    "orders logs.lines.endpoint",
    "orders logs.lines.errors",
    "orders logs.lines.exception WARNING",
)
POOL: Case = ("orders logs.lines.class.pool_timeout WARNING", "orders http.health.timed_out")
CASES: dict[str, tuple[str, Case]] = {
    # application and containers
    "bad-deploy": ("orders", ("orders deploys.log.deployed INFO before", *ERRORS)),
    "crash-loop": ("orders", ("orders container.state.restarting", "orders http.health.refused")),
    "service-down": ("orders", ("orders container.state.not_running", "orders http.health.refused")),
    "out-of-memory": (
        "orders",
        ("orders container.state.oom_killed", "orders container.events.oom", *ERRORS),
    ),
    "worker-killed": ("orders", ("orders container.state.worker_killed", *ERRORS)),
    "memory-leak": ("orders", ("orders process.state.growth WARNING", "orders process.state.memory WARNING")),
    "app-pool-exhausted": ("orders", (*POOL, *ERRORS, "ledger postgres.saturation.ok OK")),
    "event-loop-blocked": ("orders", ("orders http.health.silent", "orders network.ports.ok OK")),
    "endpoint-error": ("orders", ERRORS),
    "endpoint-slow": ("orders", ("orders logs.lines.latency WARNING",)),
    "cpu-throttled": (
        "orders",
        ("orders container.stats.throttled WARNING", "orders http.health.slow WARNING"),
    ),
    "start-failed": ("orders", ("orders logs.lines.server.startup_failed", "orders logs.lines.exception")),
    "upstream-failing": ("site", ("site logs.lines.class.upstream_none WARNING", "site logs.lines.errors")),
    "logged-error": ("orders", ("orders logs.lines.class.config_invalid WARNING", *ERRORS)),
    "unknown-error": ("keys", ("keys logs.lines.unknown_error WARNING",)),
    "open-files": ("orders", ("orders logs.lines.class.open_files WARNING", *ERRORS)),
    "memory-high": ("orders", ("orders container.stats.memory WARNING", "orders logs.lines.slow WARNING")),
    "gradual-degradation": ("orders", ("orders trend.files WARNING", "orders logs.lines.slow WARNING")),
    # PostgreSQL
    "db-down": ("ledger", ("ledger postgres.connection.refused", *ERRORS)),
    "wrong-port": ("keys", ("keys redis.connection.wrong_peer", "orders http.health.part", *ERRORS)),
    "db-login-hangs": ("ledger", ("ledger postgres.connection.busy", *ERRORS)),
    "db-restarted": (
        "ledger",
        ("ledger postgres.server.restarted INFO", "orders logs.lines.class.db_terminated WARNING", *ERRORS),
    ),
    "db-credentials": (
        "ledger",
        ("orders logs.lines.class.db_auth WARNING", "orders http.health.part", *ERRORS),
    ),
    "db-connections-exhausted": ("ledger", ("ledger postgres.saturation.high", *POOL, *ERRORS)),
    "db-own-limit": (
        "ledger",
        ("ledger postgres.saturation.role_limit WARNING", "orders logs.lines.class.db_own_limit WARNING"),
    ),
    "db-cannot-start": (
        "ledger",
        ("ledger postgres.connection.refused", "ledger logs.lines.class.db_start_failed WARNING", *ERRORS),
    ),
    "statistics-missing": (
        "ledger",
        (
            "ledger postgres.tables.no_statistics INFO",
            "ledger postgres.statements.dominant WARNING",
            "orders logs.lines.class.db_statement_timeout WARNING",
            *ERRORS,
        ),
    ),
    "db-space-elsewhere": (
        "ledger",
        ("ledger logs.lines.class.disk_full WARNING", "ledger postgres.disk.ok OK", *ERRORS),
    ),
    "db-shared-memory": (
        "ledger",
        ("ledger logs.lines.class.db_shared_memory WARNING", "ledger postgres.disk.ok OK", *ERRORS),
    ),
    "db-lock-table": ("ledger", ("ledger logs.lines.class.db_lock_table_full WARNING", *ERRORS)),
    "db-out-of-memory": ("ledger", ("ledger logs.lines.class.db_out_of_memory WARNING", *ERRORS)),
    "db-damaged": (
        "ledger",
        ("ledger postgres.connection.refused", "ledger logs.lines.class.db_damaged WARNING", *ERRORS),
    ),
    "collation-changed": ("ledger", ("ledger postgres.indexes.collation WARNING",)),
    "prepared-lost": ("ledger", ("orders logs.lines.class.db_prepared WARNING", *ERRORS)),
    "db-read-only": ("ledger", ("orders logs.lines.class.db_read_only WARNING", *ERRORS)),
    "lock-contention": ("ledger", ("ledger postgres.locks.blocked", *POOL, *ERRORS)),
    "prepared-transaction": ("ledger", ("ledger postgres.locks.prepared", *POOL, *ERRORS)),
    "synchronous-standby": (
        "ledger",
        ("ledger postgres.replication.commits_wait", "ledger postgres.locks.commit", *POOL, *ERRORS),
    ),
    "vacuum-before-ddl": (
        "ledger",
        ("ledger postgres.locks.vacuum", "ledger postgres.locks.ddl_queue", *POOL),
    ),
    "contended-lock": ("ledger", ("ledger postgres.locks.moving WARNING", *POOL)),
    "ddl-queue": ("ledger", ("ledger postgres.locks.ddl_queue", "ledger postgres.locks.blocked", *POOL)),
    "idle-in-transaction": (
        "ledger",
        ("ledger postgres.transactions.idle WARNING", "ledger postgres.horizon.held WARNING"),
    ),
    "long-query": ("ledger", ("ledger postgres.transactions.long_query", "orders logs.lines.slow WARNING")),
    "slow-statement": (
        "ledger",
        ("ledger postgres.statements.dominant WARNING", "orders logs.lines.slow WARNING"),
    ),
    "deadlocks": ("ledger", ("ledger postgres.counters.deadlocks WARNING", *ERRORS)),
    "autovacuum-behind": (
        "ledger",
        ("ledger postgres.tables.dead_rows WARNING", "ledger postgres.server.autovacuum_busy INFO"),
    ),
    "wraparound": (
        "ledger",
        ("ledger postgres.server.wraparound", "ledger postgres.tables.dead_rows WARNING"),
    ),
    "replication-lag": ("ledger", ("ledger postgres.replication.lag WARNING",)),
    "replication-limit": (
        "ledger",
        (
            "ledger logs.lines.class.db_replication_limit WARNING",
            "ledger postgres.replication.not_streaming WARNING",
        ),
    ),
    "standby-closed": (
        "ledger",
        (
            "ledger postgres.connection.no_hot_standby WARNING",
            "ledger logs.lines.class.db_no_hot_standby WARNING",
        ),
    ),
    "standby-cannot-follow": (
        "ledger",
        (
            "ledger logs.lines.class.db_timeline_fork WARNING",
            "ledger postgres.replication.not_streaming WARNING",
        ),
    ),
    "replication-slot": (
        "ledger",
        ("ledger postgres.replication.slot", "ledger postgres.replication.not_streaming WARNING"),
    ),
    "wal-archiving": (
        "ledger",
        ("ledger postgres.archiver.failing", "ledger logs.lines.class.db_archive_failed WARNING"),
    ),
    "db-disk-full": (
        "ledger",
        ("ledger logs.lines.class.disk_full WARNING", "machine host.disk.full", "orders http.health.status"),
    ),
    "checkpoint-pressure": (
        "ledger",
        ("ledger postgres.counters.wal WARNING", "ledger logs.lines.class.db_checkpoints WARNING"),
    ),
    "sequence-exhausted": (
        "ledger",
        ("ledger postgres.sequences.high", "orders logs.lines.class.db_sequence WARNING", *ERRORS),
    ),
    # Redis
    "db-unreachable": (
        "ledger",
        ("orders logs.lines.class.db_refused WARNING", "ledger postgres.connection.ok OK", *ERRORS),
    ),
    "redis-unreachable": (
        "keys",
        ("orders logs.lines.class.redis_refused WARNING", "keys redis.connection.ok OK", *ERRORS),
    ),
    "redis-restarted": (
        "keys",
        ("keys redis.connection.restarted INFO", "orders logs.lines.class.redis_refused WARNING", *ERRORS),
    ),
    "redis-down": ("keys", ("keys redis.connection.refused", *ERRORS)),
    "redis-credentials": ("keys", ("orders logs.lines.class.redis_auth WARNING", "orders http.health.part")),
    "redis-loading": ("keys", ("keys redis.connection.starting", *ERRORS)),
    "redis-out-of-memory": ("keys", ("keys redis.memory.full", "keys redis.errors.oom WARNING", *ERRORS)),
    "redis-start-fails": (
        "keys",
        (
            "keys logs.lines.cannot_start.redis_aof_damaged WARNING",
            "keys redis.connection.refused",
            "keys network.ports.refused",
            *ERRORS,
        ),
    ),
    "redis-copy-failed": (
        "keys",
        ("keys logs.lines.class.redis_copy_file WARNING", "keys redis.connection.timed_out"),
    ),
    "redis-paused": (
        "keys",
        ("keys redis.clients.paused", "api logs.lines.class.redis_timeout WARNING", *ERRORS),
    ),
    "sessions-evicted": (
        "keys",
        ("keys redis.keyspace.session_evictable INFO", "keys redis.memory.evictions WARNING", *ERRORS),
    ),
    "redis-wrong-protocol": (
        "keys",
        (
            "keys redis.clients.unread WARNING",
            "keys redis.connection.restarted INFO",
            "api logs.lines.class.redis_timeout WARNING",
            *ERRORS,
        ),
    ),
    "redis-idle-closed": (
        "keys",
        ("keys redis.clients.idle_limit INFO", "orders logs.lines.class.redis_closed WARNING", *ERRORS),
    ),
    "redis-resync": (
        "keys",
        ("keys redis.replication.resync_limit WARNING", "keys redis.clients.replica_buffer WARNING"),
    ),
    "redis-queue-grows": (
        "keys",
        ("keys redis.keyspace.queue", "keys redis.memory.full", "keys redis.errors.oom WARNING", *ERRORS),
    ),
    "service-stopped": (
        "orders",
        ("orders process.state.not_running", "orders logs.lines.stopped INFO", "orders http.health.refused"),
    ),
    "tls-old-chain": (
        "bank",
        ("bank network.tls.old_chain WARNING", "orders logs.lines.class.tls_expired WARNING", *ERRORS),
    ),
    "redis-pending": ("keys", ("keys redis.keyspace.pending WARNING",)),
    "redis-client-buffer": (
        "keys",
        (
            "keys redis.clients.subscriber_buffer WARNING",
            "keys redis.memory.full_of_buffers",
            "keys redis.errors.oom WARNING",
        ),
    ),
    "redis-evictions": (
        "keys",
        ("keys redis.memory.evictions WARNING", "keys redis.memory.hit_ratio WARNING"),
    ),
    "redis-persistence": ("keys", ("keys redis.persistence.failing", "keys redis.errors.misconf WARNING")),
    "redis-blocked": ("keys", ("keys redis.slowlog.slow WARNING", "keys redis.connection.latency WARNING")),
    "redis-clients": ("keys", ("keys redis.connection.full", "keys redis.clients.high WARNING")),
    "redis-replication": ("keys", ("keys redis.replication.link_down",)),
    "cache-stampede": (
        "keys",
        (
            "keys redis.memory.stampede WARNING",
            "keys redis.memory.evictions WARNING",
            "ledger postgres.saturation.high",
            "ledger postgres.statements.dominant WARNING",
            "orders logs.lines.slow WARNING",
            *POOL,
        ),
    ),
    # network and outside
    "dependency-down": ("bank", ("bank http.health.status", "orders http.health.part", *ERRORS)),
    "dependency-slow": ("bank", ("bank http.health.slow WARNING", "orders logs.lines.slow WARNING", *ERRORS)),
    "dns-failure": ("bank", ("bank network.names.not_resolving", "bank http.health.name_not_resolved")),
    "tls-expired": ("bank", ("bank network.tls.expired", "bank http.health.tls", *ERRORS)),
    "tls-wrong-name": ("bank", ("bank network.tls.wrong_name", "bank http.health.tls", *ERRORS)),
    "tls-chain": ("bank", ("bank network.tls.chain", "bank http.health.tls", *ERRORS)),
    "port-refused": ("bank", ("bank network.ports.refused", "bank http.health.refused", *ERRORS)),
    "port-filtered": ("bank", ("bank network.ports.timed_out", "bank http.health.timed_out", *ERRORS)),
    "host-cpu-saturated": (
        "machine",
        (
            "machine host.load.starved WARNING",
            "machine host.load.saturated INFO",
            "orders logs.lines.latency WARNING",
            "orders http.health.slow INFO",
        ),
    ),
    "host-disk-full": ("machine", ("machine host.disk.full",)),
    "host-inodes-full": (
        "machine",
        ("machine host.disk.inodes", "orders logs.lines.class.disk_full WARNING", *ERRORS),
    ),
    "clock-skew": ("ledger", ("ledger postgres.connection.clock WARNING",)),
    # many targets at once
    "engine-down": ("all", ("all together.engine",)),
    "resolver-down": ("all", ("all together.resolver",)),
    "own-vantage": ("all", ("all together.own_way",)),
    "authority-failed": ("all", ("all together.authority",)),
    "place-down": ("all", ("all together.place",)),
    "common-cause": ("all", ("all together.unexplained",)),
}


def found(words: str) -> Finding:
    target, name, *rest = words.split()
    severity = next((word for word in rest if word.isupper()), "CRITICAL")
    at = {"logs.lines.endpoint": ONSET}.get(name)
    return Finding(
        id=name,
        severity=FindingSeverity(severity),
        target=target,
        title=name,
        since=ONSET - timedelta(minutes=2) if "before" in rest else at,
    )


def hypotheses(case: Case) -> list[tuple[str, str]]:
    return [
        (one.id, one.target)
        for one in rank(tuple(found(words) for words in case), GRAPH, PATTERNS, catalogue())
    ]


def test_a_limit_of_temporary_files_is_no_full_disk() -> None:
    case = ("ledger logs.lines.class.db_temp_limit WARNING", "ledger postgres.disk.ok OK", *ERRORS)
    assert "db-space-elsewhere" not in {name for name, _ in hypotheses(case)}


def test_every_pattern_has_a_case() -> None:
    assert {pattern.id for pattern in PATTERNS} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_its_findings_make_it_the_first(name: str) -> None:
    target, case = CASES[name]
    assert hypotheses(case)[:1] == [(name, target)]


@pytest.mark.parametrize("name", CASES)
def test_it_comes_from_no_healthy_and_from_no_unknown_finding(name: str) -> None:
    _, case = CASES[name]
    for severity in ("OK", "INFO", "UNKNOWN"):
        quiet = tuple(
            re.sub(r" (CRITICAL|WARNING|INFO|OK)\b|$", f" {severity}", one, count=1) for one in case
        )
        assert hypotheses(quiet) == []


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_a_pattern_says_what_to_do_and_begins_the_review(pattern: object) -> None:
    assert pattern.next_check
    assert pattern.first_action
    assert len(pattern.whys) >= 3
    assert len({item.category for item in pattern.action_items}) >= 2


def test_a_slot_that_fills_the_disk_is_named_with_the_full_disk() -> None:
    both = hypotheses(
        (
            "ledger postgres.replication.slot",
            "ledger logs.lines.class.disk_full WARNING",
            "machine host.disk.full",
        )
    )
    assert {name for name, _ in both[:2]} == {"db-disk-full", "replication-slot"}


def test_an_idle_transaction_explains_the_late_cleanup() -> None:
    ranked = hypotheses(
        (
            "ledger postgres.transactions.idle WARNING",
            "ledger postgres.horizon.held WARNING",
            "ledger postgres.tables.dead_rows WARNING",
        )
    )
    assert [name for name, _ in ranked[:2]] == ["idle-in-transaction", "autovacuum-behind"]


def test_a_recovery_that_kept_the_server_s_start_is_a_restart() -> None:
    ranked = hypotheses(
        (
            "ledger logs.lines.server.crash_recovery",
            "ledger logs.lines.class.db_process_killed WARNING",
            "orders logs.lines.class.db_terminated WARNING",
            *ERRORS,
        )
    )
    assert ranked[0] == ("db-restarted", "ledger")


def test_failures_in_many_endpoints_are_told_without_a_log_of_their_own() -> None:
    assert hypotheses(("orders logs.lines.errors",)) == [("endpoint-error", "orders")]
    assert hypotheses(("orders http.health.status",)) == [("endpoint-error", "orders")]
    down = ("orders http.health.status", "orders http.health.part", "keys redis.connection.refused")
    assert hypotheses(down)[0] == ("redis-down", "keys")


def test_a_worker_that_its_server_only_saw_die_is_told() -> None:
    ranked = hypotheses(("orders logs.lines.server.worker_died WARNING", *ERRORS))
    assert ranked[0] == ("worker-killed", "orders")


def test_workers_that_hang_and_die_are_blocked() -> None:
    ranked = hypotheses(
        (
            "orders http.health.silent",
            "orders network.ports.ok OK",
            "orders logs.lines.server.worker_died WARNING",
        )
    )
    assert ranked[0] == ("event-loop-blocked", "orders")


@pytest.mark.parametrize(
    ("target", "cause"), [("orders", "service-down"), ("ledger", "db-down"), ("keys", "redis-down")]
)
def test_a_container_that_stopped_is_neither_filtered_nor_without_a_name(target: str, cause: str) -> None:
    ranked = hypotheses(
        (
            f"{target} container.state.not_running",
            f"{target} network.ports.timed_out",
            f"{target} network.inside.not_resolving",
            "site http.health.status",
        )
    )
    assert ranked[0] == (cause, target)


@pytest.mark.parametrize(("how", "cause"), [("failing", "dependency-down"), ("slow", "dependency-slow")])
def test_a_dependency_that_only_its_user_sees_fail_is_told(how: str, cause: str) -> None:
    ranked = hypotheses((f"bank http.health.reported_{how} WARNING", "bank http.health.ok OK", *ERRORS))
    assert ranked[0] == (cause, "bank")


def test_what_only_the_log_of_the_application_says_is_told() -> None:
    slow = hypotheses(("orders logs.lines.class.db_statement_timeout WARNING", *ERRORS))
    assert slow[0] == ("slow-statement", "ledger")
    full = hypotheses(("orders logs.lines.class.disk_full WARNING", "machine host.disk.ok OK", *ERRORS))
    assert full[0] == ("host-disk-full", "orders")
    both = hypotheses(("orders logs.lines.class.disk_full WARNING", "machine host.disk.full", *ERRORS))
    assert both[0] == ("host-disk-full", "machine")


def test_a_slow_statement_is_told_without_an_extension() -> None:
    ranked = hypotheses(
        (
            "ledger postgres.counters.statement INFO",
            "ledger postgres.counters.scans INFO",
            "orders logs.lines.slow WARNING",
            *POOL,
        )
    )
    assert ranked[0] == ("slow-statement", "ledger")


def test_a_busy_statement_is_no_cause_while_nobody_waits() -> None:
    assert hypotheses(("ledger postgres.counters.statement INFO", *ERRORS)) == [("endpoint-error", "orders")]


@pytest.mark.parametrize(
    ("clue", "cause", "target"),
    [
        ("keys redis.connection.busy", "redis-blocked", "keys"),
        ("bank network.ports.timed_out", "port-filtered", "bank"),
    ],
)
def test_slowness_has_one_cause_when_something_beside_hangs(clue: str, cause: str, target: str) -> None:
    busy = ("ledger postgres.counters.statement INFO", "orders logs.lines.slow WARNING")
    (first, second, *_) = hypotheses((clue, *busy, "orders logs.lines.class.redis_timeout WARNING"))
    assert first == (cause, target)
    assert second == ("slow-statement", "ledger")
    scores = [
        one.score
        for one in rank(tuple(found(words) for words in (clue, *busy)), GRAPH, PATTERNS, catalogue())
    ]
    assert scores[0] > 1.5 * scores[1]


def test_a_redis_that_accepts_and_does_not_answer_is_blocked_and_not_down() -> None:
    silent = ("keys redis.connection.timed_out", "orders logs.lines.class.redis_timeout WARNING")
    assert hypotheses((*silent, "keys network.ports.ok OK"))[0] == ("redis-blocked", "keys")
    for gone in ("network.ports.timed_out", "container.state.not_running", "process.state.halted"):
        assert ("redis-blocked", "keys") not in hypotheses((*silent, f"keys {gone}"))


@pytest.mark.parametrize(
    ("doing", "cause"),
    [
        ("idle", "redis-paused"),
        ("halted", "redis-blocked"),
        ("working", "redis-blocked"),
        ("stuck", "redis-blocked"),
    ],
)
def test_a_silent_redis_is_judged_by_what_its_process_does(doing: str, cause: str) -> None:
    silent = ("keys redis.connection.timed_out", "orders logs.lines.class.redis_timeout WARNING")
    ranked = hypotheses((*silent, f"keys redis.connection.{doing}", "orders logs.lines.errors"))
    assert ranked[0] == (cause, "keys")
    assert not {("redis-down", "keys"), ("redis-blocked", "keys"), ("redis-paused", "keys")} & {*ranked[1:]}


def test_a_store_that_was_killed_for_memory_is_down_for_that_reason() -> None:
    ranked = rank(
        tuple(
            found(f"ledger {name}")
            for name in (
                "container.state.oom_killed",
                "container.state.not_running",
                "postgres.connection.refused",
            )
        ),
        GRAPH,
        PATTERNS,
        catalogue(),
    )
    assert [(one.id, one.score > 0.6) for one in ranked[:2]] == [("out-of-memory", True), ("db-down", False)]


def test_slowness_has_one_cause_when_the_provider_is_slow() -> None:
    ranked = hypotheses(
        (
            "bank http.health.slow WARNING",
            "orders logs.lines.slow WARNING",
            "ledger postgres.counters.statement INFO",
        )
    )
    assert ranked[0] == ("dependency-slow", "bank")


def test_a_clock_that_is_off_does_not_hide_what_is_down() -> None:
    ranked = hypotheses(("keys redis.connection.clock WARNING", "ledger postgres.connection.refused"))
    assert ranked[0] == ("db-down", "ledger")


def test_what_is_so_only_inside_says_so_in_its_title() -> None:
    data: dict[str, str | int | float | None] = {
        "host": "bank.example",
        "where": "only inside container app-orders",
        "vantage": "container app-orders",
    }
    lost = Finding(
        id="network.inside.not_resolving",
        severity=FindingSeverity.CRITICAL,
        target="bank",
        title="lost",
        data=data,
    )
    first, *_ = rank((lost,), GRAPH, PATTERNS, catalogue())
    assert (first.id, first.target) == ("dns-failure", "bank")
    where = "seen only inside container app-orders"
    assert first.title == f"The name bank.example of bank does not resolve, {where}"


def test_every_name_in_a_pattern_means_something() -> None:
    patterns = {pattern.id for pattern in PATTERNS}
    for pattern in PATTERNS:
        clues = [clue for field in CLUES for clue in getattr(pattern, field)]
        texts = (*pattern.titles, *pattern.next_checks, *pattern.first_actions)
        for clue in (*clues, *texts, *pattern.explains_by):
            name = clue.rpartition(":")[2]
            known = catalogue().kinds
            assert name in known or any(fnmatchcase(each, name) for each in known), f"{pattern.id}: {clue}"
        for cause in (*pattern.explains, *chain.from_iterable(pattern.explains_by.values())):
            assert cause.rpartition(":")[2] in patterns, f"{pattern.id} explains {cause}"


def test_symptoms_of_a_strong_cause_do_not_hide_a_weak_one() -> None:
    ranked = hypotheses(
        (
            "ledger postgres.locks.ddl_queue",
            "ledger postgres.locks.blocked",
            *POOL,
            *ERRORS,
            "machine host.memory.low WARNING",
        )
    )
    assert ranked[:2] == [("ddl-queue", "ledger"), ("memory-high", "machine")]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_no_first_action_harms_where_the_cause_is_another(pattern: Pattern) -> None:
    for text in (pattern.first_action, *pattern.first_actions.values(), pattern.denied_action):
        holds_data = {"postgres", "redis", "host"} & {*pattern.kinds}
        restarts = re.search(r"(?<!not )\b[Rr]estart (?:\{target\}|the (?:server|machine)\b)", text)
        only_without = "holds no data" in text
        assert not (restarts and holds_data) or only_without, f"{pattern.id} restarts what holds data: {text}"
        assert not re.search(r"prune|rm -rf|kill -9|verify=False|FLUSHALL|pg_resetwal", text), text
        assert not re.search(r"^(?:Delete|Remove|Drop) ", text), f"{pattern.id} begins with a loss: {text}"


def test_steal_asks_for_no_program_on_this_machine() -> None:
    data: dict[str, str | int | float | None] = {"steal_ratio": 0.4}
    taken = Finding(
        id="host.load.steal",
        severity=FindingSeverity.WARNING,
        target="machine",
        title="taken",
        data=data,
    )
    (first, *_) = rank((taken, found("orders logs.lines.slow WARNING")), GRAPH, PATTERNS, catalogue())
    assert (first.id, first.title) == (
        "host-cpu-saturated",
        "The hypervisor takes CPU time away from machine (steal)",
    )
    assert "ps -o" not in first.next_check
    assert "No program here" in first.next_check
    assert "stopping programs here does not help" in first.first_action
