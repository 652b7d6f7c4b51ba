"""Calls with a deadline: results, errors, late ones."""

import threading
import time

import pytest

from incident_lib.connections.bounded import Call, call, call_each
from incident_lib.errors import ProblemKind, TargetError


def test_a_late_call_is_left_behind_and_broken_off():
    release, aborted = threading.Event(), []
    started = time.monotonic()
    with pytest.raises(TargetError, match="no answer within 50 ms") as raised:
        call(release.wait, 0.05, abort=lambda: aborted.append(True))
    assert raised.value.kind is ProblemKind.TIMED_OUT
    assert time.monotonic() - started < 1
    assert aborted == [True]
    release.set()


def test_errors_are_raised_where_the_result_is_waited_for():
    running = Call(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        running.wait(1, abort=lambda: pytest.fail("it ended by itself"))


def test_items_share_one_deadline():
    def work(seconds):
        time.sleep(seconds)
        return seconds

    started = time.monotonic()
    assert call_each(work, (0.2, 0.1, 0.2), 5) == [0.2, 0.1, 0.2]
    with pytest.raises(TargetError):
        call_each(work, (1.0, 1.0, 1.0), 0.1)
    assert time.monotonic() - started < 1
