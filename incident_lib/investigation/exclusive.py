"""One collection at a time: two people who collect at once must not double the load on the servers."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from incident_lib import clock
from incident_lib.config import Settings

WAIT_SECONDS = 10.0  # most collections take less; afterwards this one starts anyway
_PAUSE_SECONDS = 0.1


@contextmanager
def one_at_a_time(
    settings: Settings, waits: Callable[[], None] = lambda: None, *, seconds: float = WAIT_SECONDS
) -> Iterator[bool]:
    """Yield whether no other process here collects with the same configuration, after `seconds` at most.

    `waits` is called once if it has to wait. Nothing is written: the configuration file, or its folder if
    there is none, is locked, and the system releases the lock however the collection ends.
    """
    until = clock.monotonic() + seconds
    try:
        handle = os.open(settings.path or settings.root, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nothing to lock
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
    """Return whether the lock was acquired."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
