"""Each fault shows to a plain client, and is gone after it was undone. Nothing here asks the workbench.

The faults that the suite diagnoses show there (`diagnosis.py`), and a few others here;
`ALL_FAULTS=1 pytest tests/integration/test_demo_faults.py` plays all.
"""

import os

import pytest

from incident_lib.demo import FAULTS, DemoStack
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from tests import services
from tests.integration.demo_clients import log
from tests.integration.demo_symptoms import SYMPTOMS, assert_it_is_gone, assert_it_shows

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
QUICK = {"frontend-crash", "redis-clients", "tls-wrong-name", "deadlocks"}
PLAYED = sorted(name for name in FAULTS if name in QUICK or os.environ.get("ALL_FAULTS"))


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
        lines = log(stack, name).splitlines()
        assert [line for line in lines if any(word in line for word in ("ERROR", "FATAL", "PANIC"))] == []


@pytest.mark.parametrize("name", PLAYED)
def test_a_fault_shows_and_can_be_undone(stack, name):
    fault = FAULTS[name]
    if reason := fault.why_not():
        pytest.skip(reason)
    fault.inject(stack)
    try:
        assert_it_shows(stack, name)
    finally:
        fault.undo(stack)
    assert_it_is_gone(stack)
