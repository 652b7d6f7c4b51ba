"""Every fault of the demo stack, injected for real under load: the first hypothesis must name it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.take import take_snapshot

HEALTHY_SECONDS = 6.0

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("diagnosis")]


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    with DemoStack() as running:
        running.drive(HEALTHY_SECONDS)
        yield running


def triage(stack: DemoStack, where: Path, since: str) -> Case:
    return take_snapshot(config.load(stack.config), where, since, Watch())


def told(case: Case) -> list[str]:
    return [f"{one.id} at {one.target} ({one.score})" for one in case.analysis.hypotheses]


def test_a_healthy_stack_is_called_healthy(stack, tmp_path):
    case = triage(stack, tmp_path, "15m")
    # The machine itself may well be busy: other tests run on it.
    bad = [f for f in case.analysis.findings if f.severity.is_bad and f.target != "host"]
    assert [f"{f.target}:{f.id} {f.title}" for f in bad] == []
    assert told(case) == []


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS.values() if fault.in_suite])
def test_the_first_hypothesis_names_the_fault(stack, tmp_path, name):
    fault = FAULTS[name]
    stack.drive(HEALTHY_SECONDS)
    fault.inject(stack)
    try:
        stack.drive(fault.settle_seconds)
        # The window leaves out the faults before this one; what it needs of the time before is a few seconds.
        case = triage(stack, tmp_path, f"{HEALTHY_SECONDS + fault.settle_seconds:.0f}s")
    finally:
        fault.undo(stack)
    first = case.analysis.hypotheses[0] if case.analysis.hypotheses else None
    assert first is not None, "no hypothesis"
    assert (first.id, first.target) == (fault.hypothesis, fault.target), told(case)
