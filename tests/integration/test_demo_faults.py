"""Each fault shows to a plain client, and is gone after it was undone. Nothing here asks the workbench.

The suite plays its share; `ALL_FAULTS=1 pytest tests/integration/test_demo_faults.py` plays all.
"""

import os
import time

import pytest

from incident_lib.demo import FAULTS, DemoStack
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from tests import services
from tests.integration.demo_clients import checkout, get, log
from tests.integration.demo_symptoms import SYMPTOMS

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
PLAYED = sorted(name for name, fault in FAULTS.items() if fault.in_suite or os.environ.get("ALL_FAULTS"))


@pytest.fixture(scope="module")
def stack():
    try:
        find_binaries(18)
        find_server()
    except WorkbenchError as error:
        services.missing(str(error))
    with DemoStack() as running:
        running.drive(1.0)
        yield running


def test_every_fault_has_a_symptom_of_its_own():
    assert set(SYMPTOMS) == set(FAULTS)
    assert len(set(SYMPTOMS.values())) == len(SYMPTOMS)


def test_healthy_traffic_has_no_errors_in_any_log(stack):
    stack.drive(2.0)
    assert '"level": "ERROR"' not in log(stack)
    for name in ("db", "cache"):
        assert not any(word in log(stack, name) for word in ("ERROR", "FATAL", "PANIC"))


@pytest.mark.parametrize("name", PLAYED)
def test_a_fault_shows_and_can_be_undone(stack, name):
    fault = FAULTS[name]
    if reason := fault.why_not():
        pytest.skip(reason)
    fault.inject(stack)
    try:
        deadline = time.monotonic() + 2 * fault.settle_seconds + 20
        while not SYMPTOMS[name](stack):
            assert time.monotonic() < deadline, "the fault does not show"
            time.sleep(0.2)
    finally:
        fault.undo(stack)
    assert get(stack, "/health/ready").status_code == 200
    assert get(stack, "/api/v1/orders").status_code == 200
    assert get(stack, "/api/v1/report").status_code == 200
    assert checkout(stack).status_code == 201
