"""Faults of the stack on Docker: what happens to containers, and to the shop in them. A table of its own.

for name, fault in CONTAINER_FAULTS.items():
    with ContainerStack(images, options=fault.options) as stack: fault.inject(stack); ...
"""

from incident_lib.demo.container_roles import Options
from incident_lib.demo.containers import ContainerStack
from incident_lib.demo.deploy import FIRST_VERSION, NEXT_VERSION
from incident_lib.demo.faults.container_base import ContainerFault, backend_fault, cache_fault
from incident_lib.demo.faults.container_network import NETWORK_FAULTS
from incident_lib.demo.faults.container_stores import STORE_FAULTS

_MIB = 1024 * 1024
_FEW_CORES = 5000  # of 100,000: a twentieth of one processor


def _deploy_without_its_settings(stack: ContainerStack) -> None:
    stack.deploy(NEXT_VERSION, DATABASE_URL="")
    _wait_for_restarts(stack, "backend", 3)


def _deploy_next(stack: ContainerStack) -> None:
    stack.deploy(NEXT_VERSION)
    stack.wait_for(stack.is_ready, "backend", "does not start")


def _deploy_first(stack: ContainerStack) -> None:
    stack.deploy(FIRST_VERSION)


def _wait_for_restarts(stack: ContainerStack, role: str, count: int) -> None:
    def is_so() -> bool:
        """Return whether it was."""
        return bool(stack.containers.get(role).attrs["RestartCount"] >= count)

    stack.wait_for(is_so, role, f"was not restarted {count} times")


def _read_all_prices(stack: ContainerStack) -> None:
    stack.switch_on("price-chart")


def _read_all_prices_and_die(stack: ContainerStack) -> None:
    _read_all_prices(stack)
    _wait_for_restarts(stack, "backend", 1)


def _lose_a_worker(stack: ContainerStack) -> None:
    _read_all_prices(stack)
    stack.wait_for(lambda: "died" in stack.containers.log("backend", 500), "backend", "lost no worker")


def _throttle(stack: ContainerStack) -> None:
    stack.containers.get("backend").update(cpu_period=100_000, cpu_quota=_FEW_CORES)


def _unthrottle(stack: ContainerStack) -> None:
    stack.containers.get("backend").update(cpu_period=100_000, cpu_quota=-1)


def _outgrow(stack: ContainerStack) -> None:
    """Let the cache keep everything, in a container that has no room for it."""
    with stack.cache() as client:
        client.config_set("maxmemory", 0)
    stack.start_client("import", stack.inside_redis_url, until="refused")


def _remove_import(stack: ContainerStack) -> None:
    stack.end_client("import")
    with stack.cache() as client:
        client.flushall()


_APPLICATION_FAULTS = (
    backend_fault(
        name="crash-loop",
        title="A new version lacks a setting that it needs, and ends at each start",
        settle_seconds=10.0,
        break_stack=_deploy_without_its_settings,
        mend_stack=_deploy_first,
        in_suite=True,
    ),
    backend_fault(
        name="bad-deploy",
        title="A new version of the backend cannot read orders made before it",
        settle_seconds=8.0,
        break_stack=_deploy_next,
        mend_stack=_deploy_first,
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
        break_stack=_throttle,
        mend_stack=_unthrottle,
    ),
)

CONTAINER_FAULTS: dict[str, ContainerFault] = {
    fault.name: fault for fault in (*_APPLICATION_FAULTS, *STORE_FAULTS, *NETWORK_FAULTS)
}
