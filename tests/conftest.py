"""Options of the whole suite."""

import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import order, reached, services

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
    reached.install()
    services.required = config.getoption("--require-services")
    # In the background of a shell Ctrl-C is ignored, under nohup SIGHUP: what we start would inherit that.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in the order that takes the least time; workers take them as they come."""
    ordered = order.by_length((item.path for item in items), Path(__file__).parent)
    rank = {path: place for place, path in enumerate(ordered)}
    items.sort(key=lambda item: rank[item.path])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a whole run of the unit tests that left something dead; a worker reports what it reached."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["reached"] = reached.state()
    elif exitstatus == pytest.ExitCode.OK and reached.is_whole(session.config) and reached.unreached():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of xdist reached."""
    if output := getattr(node, "workeroutput", None):
        reached.merge(output["reached"])


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """List what a whole run left dead."""
    if reached.is_whole(config) and (lines := reached.unreached()):
        terminalreporter.section("not reached by the unit tests")
        terminalreporter.write_line("\n".join(lines))
