"""The same on the container stack, where an engine answers."""

from accuracy_measure import Result, broken


def container_faults() -> tuple[str, ...]:
    """Return the names of its faults; none where it cannot be started, and says why."""
    try:
        from incident_lib.demo.faults.containers import CONTAINER_FAULTS
    except ImportError:
        print("skip  containers: this version has no container stack", flush=True)
        return ()
    return tuple(CONTAINER_FAULTS)


def measure_container_fault(name: str) -> Result:
    """Return what a container stack of its own, broken by one fault, was diagnosed as."""
    from incident_lib.demo.containers import ContainerStack
    from incident_lib.demo.faults.containers import CONTAINER_FAULTS

    with ContainerStack() as stack:
        return broken(stack, [CONTAINER_FAULTS[name]])
