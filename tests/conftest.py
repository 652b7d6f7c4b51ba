"""Options of the whole suite."""

import pytest

from tests import services


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --require-services."""
    parser.addoption(
        "--require-services",
        action="store_true",
        help="fail, instead of skipping, where a test finds a service missing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Remember the option where fixtures can see it."""
    services.required = config.getoption("--require-services")
