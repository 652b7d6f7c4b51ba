"""What each fault of the demo stack's database and cache looks like to a plain client."""

import psycopg
import redis

from tests.integration.demo_clients import ask, cache_refuses, checkout, connect, failure, get, log

BLOCKED = """
    SELECT count(*) FROM pg_locks AS waiting, pg_stat_activity AS holder
    WHERE NOT waiting.granted AND holder.pid = ANY (pg_blocking_pids(waiting.pid))
      AND holder.application_name = 'reprice-products'
"""
WAIT_BEHIND_THE_MIGRATION = """
    SELECT count(*) FROM pg_locks AS waiting, pg_stat_activity AS holder
    WHERE NOT waiting.granted AND holder.pid = ANY (pg_blocking_pids(waiting.pid))
      AND holder.application_name = 'migrations'
"""
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE "
SEARCH = (
    "EXPLAIN SELECT id FROM orders WHERE to_tsvector('simple', customer) @@ plainto_tsquery('simple', 'kim')"
)


def lock_contention(stack):
    return ask(stack, BLOCKED) >= 5


def connections_exhausted(stack):
    refused = failure(psycopg.OperationalError, lambda: connect(stack))
    if "remaining connection slots" not in refused:
        return False
    assert ask(stack, "SELECT 1") == 1  # some are kept for the workbench
    return get(stack, "/api/v1/report").status_code == 503


def database_down(stack):
    refused = "refused" in failure(psycopg.OperationalError, lambda: connect(stack))
    return refused and get(stack, "/health/ready").json()["checks"]["database"]["status"] == "down"


def cache_full(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        refused = failure(redis.OutOfMemoryError, lambda: client.set("probe", "x" * 100))
    return refused and checkout(stack).status_code == 503


def cache_down(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        refused = failure(redis.ConnectionError, client.ping)
    return refused and get(stack, "/health/ready").json()["checks"]["cache"]["status"] == "down"


def queue_behind_a_migration(stack):
    return ask(stack, WAIT_BEHIND_THE_MIGRATION) >= 3


def somebody_idle(stack):
    return ask(stack, SESSIONS + "application_name = 'stock-audit' AND state = 'idle in transaction'") == 1


def report_runs_on(stack):
    running = "application_name = 'yearly-report' AND query_start < now() - interval '2 s'"
    return ask(stack, f"{SESSIONS}{running} AND state = 'active'") == 1


def deadlocks(stack):
    return "deadlock detected" in log(stack, "db")


def recovered(stack):
    text = log(stack, "db")
    return "was terminated by signal 9" in text and "ready to accept" in text.rpartition("signal 9")[2]


def login_refused(stack):
    return "password authentication failed" in failure(psycopg.OperationalError, lambda: connect(stack))


def writes_refused(stack):
    return checkout(stack).status_code == 500 and "read-only transaction" in log(stack)


def search_reads_everything(stack):
    with psycopg.connect(stack.app_dsn) as connection:
        plan = str(connection.execute(SEARCH).fetchall())
    read = ask(stack, "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'")
    return "Seq Scan on orders" in plan and read > 300_000


def archiving_fails(stack):
    return ask(stack, "SELECT failed_count FROM pg_stat_archiver") > 0


def slot_lost(stack):
    return ask(stack, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'standby_2'") == "lost"


def no_number_left(stack):
    return checkout(stack).status_code == 500 and "reached maximum value of sequence" in log(stack)


def dead_rows(stack):
    return ask(stack, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'orders'") > 5000


def checkpoints_hurry(stack):
    return "checkpoints are occurring too frequently" in log(stack, "db")


def standby_is_behind(stack):
    difference = "SELECT max(pg_wal_lsn_diff(flush_lsn, replay_lsn)) FROM pg_stat_replication"
    return (ask(stack, difference) or 0) > 1000


def no_space(stack):
    return checkout(stack).status_code == 503 and "No space left on device" in log(stack, "db")


def cache_login_refused(stack):
    return "AuthenticationError" in cache_refuses(stack, lambda client: client.ping())


def cache_is_busy(stack):
    told = cache_refuses(stack, lambda client: client.ping())
    return "BUSY" in told or "Timeout" in told


def cache_has_no_place(stack):
    return "max number of clients" in cache_refuses(stack, lambda client: client.ping())


def cache_cannot_save(stack):
    return "MISCONF" in cache_refuses(stack, lambda client: client.set("probe", 1))


def keys_thrown_out(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        return client.info("stats")["evicted_keys"] > 100


def cache_is_loading(stack):
    return "loading" in cache_refuses(stack, lambda client: client.get("probe")).lower()


def cache_is_read_only(stack):
    return "ReadOnly" in cache_refuses(stack, lambda client: client.set("probe", 1))


def all_compute_at_once(stack):
    return ask(stack, SESSIONS + "state = 'active' AND query LIKE '%price_cents::float8%'") >= 3


SYMPTOMS = {
    "lock-contention": lock_contention,
    "db-connections-exhausted": connections_exhausted,
    "db-down": database_down,
    "redis-full": cache_full,
    "redis-down": cache_down,
    "ddl-queue": queue_behind_a_migration,
    "idle-in-transaction": somebody_idle,
    "long-query": report_runs_on,
    "deadlocks": deadlocks,
    "db-restarted": recovered,
    "db-credentials": login_refused,
    "db-read-only": writes_refused,
    "slow-statement": search_reads_everything,
    "wal-archiving": archiving_fails,
    "replication-slot": slot_lost,
    "sequence-exhausted": no_number_left,
    "autovacuum-behind": dead_rows,
    "checkpoint-pressure": checkpoints_hurry,
    "replication-lag": standby_is_behind,
    "db-disk-full": no_space,
    "redis-credentials": cache_login_refused,
    "redis-blocked": cache_is_busy,
    "redis-clients": cache_has_no_place,
    "redis-persistence": cache_cannot_save,
    "redis-evictions": keys_thrown_out,
    "redis-loading": cache_is_loading,
    "redis-replication": cache_is_read_only,
    "cache-stampede": all_compute_at_once,
}
