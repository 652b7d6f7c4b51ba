"""Faults of the demo stack's database and cache, for real under load: the first hypothesis must name each."""

import pytest

from tests.integration import diagnosis

pytestmark = pytest.mark.slow
stack = diagnosis.stack


def test_a_healthy_stack_is_called_healthy(stack, tmp_path):
    case = diagnosis.triage(stack, tmp_path, "15m")
    # The machine itself may well be busy: other tests run on it.
    bad = [f for f in case.analysis.findings if f.severity.is_bad and f.target != "host"]
    assert [f"{f.target}:{f.id} {f.title}" for f in bad] == []
    assert diagnosis.told(case) == []


@pytest.mark.parametrize("name", diagnosis.faults(of_servers=True))
def test_the_first_hypothesis_names_the_fault(stack, tmp_path, name):
    diagnosis.assert_it_is_named(stack, tmp_path, name)
