"""Calls with a deadline, for what nothing else bounds: resolvers, file systems, some libraries."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar, cast

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

A = TypeVar("A")
T = TypeVar("T")


class Call(Generic[T]):
    """A function that runs in a thread of its own from now on, and is waited for no longer than wanted.

    Nothing can end a thread. A late one is left behind as a daemon, and what it returns then is dropped.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._ended = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True, name="bounded call").start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            self._error = error
        self._ended.set()

    def wait(self, seconds: float, *, abort: Callable[[], None] | None = None) -> T:
        """Return the result, waiting `seconds` at most; then `abort` breaks off what the thread waits for.

        Errors: what the function raises; TargetError TIMED_OUT at the deadline.
        """
        if not self._ended.wait(max(0.0, seconds)):
            if abort is not None:
                abort()
            raise TargetError(ProblemKind.TIMED_OUT, f"no answer within {format_duration(seconds)}")
        if self._error is not None:
            raise self._error
        return cast("T", self._result)


def call(work: Callable[[], T], seconds: float, *, abort: Callable[[], None] | None = None) -> T:
    """Return what `work` returns within `seconds`. Errors: as `Call.wait`.

    >>> call(lambda: 42, 1)
    42
    """
    return Call(work).wait(seconds, abort=abort)


def call_each(work: Callable[[A], T], items: Sequence[A], seconds: float) -> list[T]:
    """Return what `work` returns for each item, all at once and in order, within `seconds` for all.

    Errors: as `Call.wait`, of the first item that fails.

    >>> call_each(len, ["a", "bc"], 1)
    [1, 2]
    """
    until = clock.monotonic() + seconds
    calls = [Call(partial(work, item)) for item in items]
    return [running.wait(until - clock.monotonic()) for running in calls]
