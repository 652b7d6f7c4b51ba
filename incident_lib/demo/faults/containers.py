"""Faults of the stack on Docker: of its containers, its stores, and what lies between them.

for name, fault in CONTAINER_FAULTS.items():
    with ContainerStack(images, options=fault.options) as stack: fault.inject(stack); ...
"""

from dataclasses import dataclass, field
from functools import partial

from incident_lib.demo import container_standby, packets
from incident_lib.demo.certificates import EXPIRED, GOOD
from incident_lib.demo.container_roles import PORTS, Options
from incident_lib.demo.containers import ContainerStack
from incident_lib.demo.deploy import FIRST_VERSION, NEXT_VERSION
from incident_lib.demo.faults.base import FaultOf
from incident_lib.demo.faults.payments import slow_down, speed_up
from incident_lib.demo.redis import HEALTHY_POLICY

_OTHER_PORT = 9443
_MIB = 1024 * 1024
_FEW_CORES = 5000  # of 100,000: a twentieth of one processor


@dataclass(frozen=True, kw_only=True)
class ContainerFault(FaultOf[ContainerStack]):
    """A fault of the stack on Docker; `options` say which stack can be broken by it."""

    options: Options = field(default_factory=Options)


def _rename_database(stack: ContainerStack) -> None:
    """Attach the database again, without the name that the application knows it by."""
    stack.containers.cut_off("db")
    stack.containers.attach("db", "database-new")


def _reattach_database(stack: ContainerStack) -> None:
    stack.containers.cut_off("db")
    stack.containers.attach("db", "db")


def _crash_database(stack: ContainerStack) -> None:
    database = stack.containers.get("db")
    database.kill()
    database.start()


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


def _deploy_without_its_settings(stack: ContainerStack) -> None:
    stack.deploy(NEXT_VERSION, DATABASE_URL="")
    _wait_for_restarts(stack, "backend", 3)


def _deploy_next(stack: ContainerStack) -> None:
    stack.deploy(NEXT_VERSION)
    stack.wait_for(stack.is_ready, "backend", "does not start")


def _wait_for_restarts(stack: ContainerStack, role: str, count: int) -> None:
    def is_so() -> bool:
        """Return whether it was."""
        return bool(stack.containers.get(role).attrs["RestartCount"] >= count)

    stack.wait_for(is_so, role, f"was not restarted {count} times")


def _read_all_prices_and_die(stack: ContainerStack) -> None:
    stack.switch_on("price-chart")
    _wait_for_restarts(stack, "backend", 1)


def _lose_a_worker(stack: ContainerStack) -> None:
    stack.switch_on("price-chart")
    stack.wait_for(lambda: "died" in stack.containers.log("backend", 500), "backend", "lost no worker")


def _outgrow(stack: ContainerStack) -> None:
    """Let the cache keep everything, in a container that has no room for it."""
    with stack.cache() as client:
        client.config_set("maxmemory", 0)
    stack.start_client("import", stack.inside_redis_url, until="refused")


def _remove_import(stack: ContainerStack) -> None:
    stack.end_client("import")
    with stack.cache() as client:
        client.flushall()


backend_fault = partial(ContainerFault, target="backend")
db_fault = partial(ContainerFault, target="db")
cache_fault = partial(ContainerFault, target="cache")
payments_fault = partial(ContainerFault, target="payments")

_FAULTS = (
    backend_fault(
        name="crash-loop",
        title="A new version lacks a setting that it needs, and ends at each start",
        settle_seconds=10.0,
        break_stack=_deploy_without_its_settings,
        mend_stack=lambda stack: stack.deploy(FIRST_VERSION),
        in_suite=True,
    ),
    backend_fault(
        name="bad-deploy",
        title="A new version of the backend cannot read orders made before it",
        settle_seconds=8.0,
        break_stack=_deploy_next,
        mend_stack=lambda stack: stack.deploy(FIRST_VERSION),
    ),
    backend_fault(
        name="service-down",
        title="The backend's container is killed",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.containers.get("backend").kill(),
        mend_stack=lambda stack: stack.containers.get("backend").start(),
        in_suite=True,
    ),
    backend_fault(
        name="backend-paused",
        title="The backend's container was paused by hand",
        hypothesis="service-down",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.containers.get("backend").pause(),
        mend_stack=lambda stack: stack.containers.get("backend").unpause(),
    ),
    backend_fault(
        name="memory-growth",
        title="A new feature keeps every printed receipt in the backend's memory",
        hypothesis="memory-leak",
        settle_seconds=12.0,
        break_stack=lambda stack: stack.switch_on("receipt-archive"),
        mend_stack=ContainerStack.switch_off_and_restart,
        options=Options(workers=1, memory={"backend": 320 * _MIB}),
    ),
    backend_fault(
        name="out-of-memory",
        title="The backend, one process, reads all prices at once and reaches its container's limit",
        settle_seconds=8.0,
        break_stack=_read_all_prices_and_die,
        mend_stack=ContainerStack.switch_off_and_restart,
        options=Options(workers=1, memory={"backend": 256 * _MIB}),
    ),
    cache_fault(
        name="redis-killed-for-memory",
        title="The cache has no limit of its own and outgrows its container",
        hypothesis="out-of-memory",
        settle_seconds=5.0,
        break_stack=_outgrow,
        mend_stack=_remove_import,
        options=Options(memory={"redis": 48 * _MIB}),
    ),
    backend_fault(
        name="worker-killed",
        title="One of the backend's workers reads all prices at once and is killed for it",
        settle_seconds=8.0,
        break_stack=_lose_a_worker,
        mend_stack=ContainerStack.switch_off_and_restart,
        in_suite=True,
    ),
    backend_fault(
        name="cpu-throttled",
        title="The backend may use a twentieth of a processor",
        settle_seconds=10.0,
        break_stack=lambda stack: stack.containers.get("backend").update(
            cpu_period=100_000, cpu_quota=_FEW_CORES
        ),
        mend_stack=lambda stack: stack.containers.get("backend").update(cpu_period=100_000, cpu_quota=-1),
    ),
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
        break_stack=lambda stack: stack.start_client(
            "hoard", stack.inside_dsn("postgres"), until="No space left"
        ),
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
        break_stack=lambda stack: stack.run("payments", stack.roles.payments(EXPIRED)),
        mend_stack=lambda stack: stack.run("payments", stack.roles.payments(GOOD)),
    ),
    payments_fault(
        name="slow-dependency",
        title="The payments provider takes four seconds for an answer",
        hypothesis="dependency-slow",
        settle_seconds=8.0,
        break_stack=slow_down,
        mend_stack=speed_up,
    ),
    db_fault(
        name="dns-failure",
        title="The database was attached again without the name that the backend knows it by",
        settle_seconds=8.0,
        break_stack=_rename_database,
        mend_stack=_reattach_database,
        in_suite=True,
    ),
    cache_fault(
        name="network-split",
        title="The cache's container was taken out of the backend's network",
        hypothesis="dns-failure",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.containers.cut_off("redis"),
        mend_stack=lambda stack: stack.containers.attach("redis", "redis"),
    ),
    payments_fault(
        name="port-refused",
        title="The payments provider listens on another port",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.run("payments", stack.roles.payments(port=_OTHER_PORT)),
        mend_stack=lambda stack: stack.run("payments", stack.roles.payments()),
    ),
    payments_fault(
        name="port-filtered",
        title="A rule in the backend's network drops what it sends to the payments provider",
        settle_seconds=8.0,
        break_stack=lambda stack: packets.drop(stack.containers.get("backend"), PORTS["payments"]),
        mend_stack=lambda stack: packets.let_through(stack.containers.get("backend"), PORTS["payments"]),
        in_suite=True,
        why_not=packets.why_no_filter,
    ),
)
CONTAINER_FAULTS: dict[str, ContainerFault] = {fault.name: fault for fault in _FAULTS}
