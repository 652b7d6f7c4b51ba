"""Options of the whole suite."""

import signal

import pytest
from hypothesis import settings

from tests import services

collect_ignore = ["packages"]  # what tests install

# A deadline is an absolute time, and the machine that runs the tests may be busy.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --require-services."""
    parser.addoption(
        "--require-services",
        action="store_true",
        help="fail, instead of skipping, where a test finds a service missing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Remember the option where fixtures can see it, and let tests interrupt what they start."""
    services.required = config.getoption("--require-services")
    # In the background of a shell Ctrl-C is ignored, under nohup SIGHUP: what we start would inherit that.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
