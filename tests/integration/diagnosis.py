"""The diagnosis of a fault of the demo stack, for the test modules that share the faults among them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.snapshot import take_snapshot
from tests.integration.demo_symptoms import assert_it_is_gone, assert_it_shows

HEALTHY_SECONDS = 6.0
SERVERS = {"db", "cache"}
_BUSY_LOAD = 3.0  # for each processor: timeouts are then this machine's own
_LOOKS_WHEN_BUSY = 3


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    """Yield a stack that is in use, one for all tests of a module."""
    with DemoStack() as running:
        running.drive(HEALTHY_SECONDS)
        yield running


def faults(*, of_servers: bool) -> list[str]:
    """Return the names of the faults that the suite plays, of the servers or of all the rest."""
    return [one.name for one in FAULTS.values() if one.in_suite and (one.target in SERVERS) is of_servers]


def triage(stack: DemoStack, where: Path, since: str) -> Case:
    return take_snapshot(config.load(stack.config), where, since, Watch())


def told(case: Case) -> list[str]:
    return [f"{one.id} at {one.target} ({one.score})" for one in case.analysis.hypotheses]


def is_busy() -> bool:
    """Return whether this machine has so much else to do that a fault may show late."""
    return os.getloadavg()[0] > _BUSY_LOAD * (os.cpu_count() or 1)


def assert_it_is_named(stack: DemoStack, where: Path, name: str) -> None:
    """Inject the fault under load, compare the first hypothesis with it, and see that it is real."""
    fault = FAULTS[name]
    # The window leaves out the faults before this one; what it needs of the time before is a few seconds.
    begun = clock.monotonic()
    stack.drive(HEALTHY_SECONDS)
    fault.inject(stack)
    try:
        for _ in range(_LOOKS_WHEN_BUSY):
            stack.drive(fault.settle_seconds)
            case = triage(stack, where, f"{clock.monotonic() - begun:.0f}s")
            ranked = [(one.id, one.target) for one in case.analysis.hypotheses]
            if ranked[:1] == [(fault.hypothesis, fault.target)] or not is_busy():
                break
        assert_it_shows(stack, name)
    finally:
        fault.undo(stack)
    assert_it_is_gone(stack)
    assert ranked[:1] == [(fault.hypothesis, fault.target)], told(case)
