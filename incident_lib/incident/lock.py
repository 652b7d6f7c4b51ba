"""One writer at a time decides about an incident: two who resolve it at once must resolve it once."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incident_lib import clock

_WAIT_SECONDS = 10.0  # a decision takes milliseconds; a process that was stopped may not stop an incident
_PAUSE_SECONDS = 0.005


class Lock:
    """The lock of a folder: nothing is written for it, and the system gives it back however we end.

    Threads that share it wait for each other; whoever has it may take it again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock inside, or go on without after a while: events of two writers lose nothing."""
        with self._threads:
            handle = self._taken() if self._depth == 0 else None
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if handle is not None:
                    os.close(handle)

    def _taken(self) -> int | None:
        try:
            handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # it is not there yet
            return None
        until = clock.monotonic() + _WAIT_SECONDS
        while clock.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
            except OSError:  # this file system has no locks
                break
            else:
                break
        return handle
