"""Faults of the demo stack's application and provider, for real under load: each must be named first."""

import pytest

from tests.integration import diagnosis

pytestmark = pytest.mark.slow
stack = diagnosis.stack


@pytest.mark.parametrize("name", diagnosis.faults(of_servers=False))
def test_the_first_hypothesis_names_the_fault(stack, tmp_path, name):
    diagnosis.assert_it_is_named(stack, tmp_path, name)
