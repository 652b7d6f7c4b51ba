"""The diagnosis of a fault of the demo stack, for the test modules that share the faults among them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.take import take_snapshot

HEALTHY_SECONDS = 6.0
SERVERS = {"db", "cache"}


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


def assert_it_is_named(stack: DemoStack, where: Path, name: str) -> None:
    """Inject the fault under load, and compare the first hypothesis with it."""
    fault = FAULTS[name]
    stack.drive(HEALTHY_SECONDS)
    fault.inject(stack)
    try:
        stack.drive(fault.settle_seconds)
        # The window leaves out the faults before this one; what it needs of the time before is a few seconds.
        case = triage(stack, where, f"{HEALTHY_SECONDS + fault.settle_seconds:.0f}s")
    finally:
        fault.undo(stack)
    first = case.analysis.hypotheses[0] if case.analysis.hypotheses else None
    assert first is not None, "no hypothesis"
    assert (first.id, first.target) == (fault.hypothesis, fault.target), told(case)
