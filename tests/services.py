"""What tests do when a service they need is not there: skip with the reason, or fail where it is required."""

from typing import NoReturn

import pytest

required = False  # set by --require-services


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it when the run was told that every service must be there."""
    if required:
        pytest.fail(f"a service that this run requires is missing: {reason}")
    pytest.skip(reason)
