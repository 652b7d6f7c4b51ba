"""Faults of the stack on Docker: what happens to its stores and to the outside provider."""

from incident_lib.demo import container_standby
from incident_lib.demo.certificates import EXPIRED, GOOD
from incident_lib.demo.container_roles import Options
from incident_lib.demo.containers import ContainerStack
from incident_lib.demo.faults.container_base import cache_fault, db_fault, payments_fault
from incident_lib.demo.faults.outside import slow_down, speed_up
from incident_lib.demo.redis import HEALTHY_POLICY

_MIB = 1024 * 1024


def _crash_database(stack: ContainerStack) -> None:
    database = stack.containers.get("db")
    database.kill()
    database.start()


def _hoard(stack: ContainerStack) -> None:
    stack.start_client("hoard", stack.inside_dsn("postgres"), until="No space left")


def _make_database_anew(stack: ContainerStack) -> None:
    stack.end_client("hoard")
    stack.start_database()


def _pause_a_standby(stack: ContainerStack) -> None:
    container_standby.start(stack)
    container_standby.pause(stack)


def _fill_cache(stack: ContainerStack) -> None:
    with stack.cache() as client:
        client.config_set("maxmemory-policy", "noeviction")
    stack.start_client("import", stack.inside_redis_url, until="refused")


def _empty_cache(stack: ContainerStack) -> None:
    stack.end_client("import")
    with stack.cache() as client:
        client.config_set("maxmemory-policy", HEALTHY_POLICY)
        client.flushall()


def _serve_certificate(name: str, stack: ContainerStack) -> None:
    stack.run("payments", stack.roles.payments(name))


STORE_FAULTS = (
    db_fault(
        name="db-down",
        title="The database's container is stopped",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.containers.get("db").stop(timeout=5),
        mend_stack=lambda stack: stack.containers.get("db").start(),
    ),
    db_fault(
        name="db-restarted",
        title="The database's container is killed and started again",
        settle_seconds=6.0,
        break_stack=_crash_database,
        mend_stack=lambda _: None,
    ),
    db_fault(
        name="db-disk-full",
        title="A history that is never cleaned up fills the disk of the database's container",
        settle_seconds=6.0,
        break_stack=_hoard,
        mend_stack=_make_database_anew,
        options=Options(db_disk_bytes=128 * _MIB),
    ),
    db_fault(
        name="lock-contention",
        title="A job in a container of its own changes all prices in one long transaction",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.start_client(
            "reprice", stack.inside_dsn("app"), until="prices changed"
        ),
        mend_stack=lambda stack: stack.end_client("reprice"),
    ),
    db_fault(
        name="db-connections-exhausted",
        title="A nightly export in a container of its own takes every connection",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.start_client(
            "export", stack.inside_dsn("reporting"), until="refused"
        ),
        mend_stack=lambda stack: stack.end_client("export"),
    ),
    db_fault(
        name="replication-lag",
        title="A standby receives what the database writes, and its replay was paused for a report",
        settle_seconds=10.0,
        break_stack=_pause_a_standby,
        mend_stack=container_standby.stop,
        in_suite=True,
    ),
    cache_fault(
        name="redis-down",
        title="The cache's container is killed",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.containers.get("redis").kill(),
        mend_stack=lambda stack: stack.containers.get("redis").start(),
    ),
    cache_fault(
        name="redis-out-of-memory",
        title="The cache is full and refuses writes, as its policy was changed to evict nothing",
        settle_seconds=5.0,
        break_stack=_fill_cache,
        mend_stack=_empty_cache,
    ),
    payments_fault(
        name="tls-expired",
        title="The payments provider's certificate expired an hour ago",
        settle_seconds=5.0,
        break_stack=lambda stack: _serve_certificate(EXPIRED, stack),
        mend_stack=lambda stack: _serve_certificate(GOOD, stack),
    ),
    payments_fault(
        name="slow-dependency",
        title="The payments provider takes four seconds for an answer",
        hypothesis="dependency-slow",
        settle_seconds=8.0,
        break_stack=slow_down,
        mend_stack=speed_up,
    ),
)
