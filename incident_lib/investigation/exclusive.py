"""One look at a time: two people who look at once must not double what the servers bear."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from incident_lib import clock
from incident_lib.config import Settings

WAIT_SECONDS = 10.0  # most collections take less; after it there is an answer all the same
_PAUSE_SECONDS = 0.1


@contextmanager
def one_at_a_time(
    settings: Settings, waits: Callable[[], None] = lambda: None, *, seconds: float = WAIT_SECONDS
) -> Iterator[bool]:
    """Yield whether no other process here collects with the same configuration, after `seconds` at most.

    `waits` is called once where it has to wait. Nothing is written: the configuration's own file, or its
    folder where there is none, is locked, and the system gives the lock back however the look ends.
    """
    until = clock.monotonic() + seconds
    try:
        handle = os.open(settings.path or settings.root, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nothing to meet at
        yield True
        return
    try:
        ours = _locks(handle)
        if not ours:
            waits()
        while not ours and clock.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
            ours = _locks(handle)
        yield ours
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    """Return whether the lock is ours now."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
