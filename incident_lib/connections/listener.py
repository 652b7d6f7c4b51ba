"""What the process does that listens on a port of this machine and does not answer."""

import contextlib
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from incident_lib import clock
from incident_lib.model.silent_process import Doing

if TYPE_CHECKING:
    import psutil

_SAMPLES = 8
_APART_SECONDS = 0.05
_BUSY_RATIO = 0.3  # of one processor
_ANY = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - compared with, not bound
_HALTED = frozenset({"stopped", "tracing-stop"})


class Listener(msgspec.Struct, frozen=True):
    """A process that listens, and what it did for half a second."""

    pid: int
    doing: Doing
    busy_ratio: float  # of one processor


def listener_on(own: str, peer: str, port: int, programs: Collection[str]) -> Listener | None:
    """Return what listens on a port of this machine, None where that is another machine or program.

    `own` and `peer` are the two ends of a connection to it: they are equal where both are here.
    Source: the table of sockets; the state of the process, eight times in 0.4 s.
    Needs: the same user, or root.
    """
    import psutil

    if not own or own != peer:
        return None
    with contextlib.suppress(psutil.Error, OSError):
        pids = {
            found.pid
            for found in psutil.net_connections(kind="tcp")
            if found.status == psutil.CONN_LISTEN
            and found.pid
            and found.laddr
            and found.laddr.port == port
            and found.laddr.ip in {peer, *_ANY}
        }
        if len(pids) == 1:
            process = psutil.Process(pids.pop())
            return _watched(process) if process.name() in programs else None
    return None


def _watched(process: "psutil.Process") -> Listener:
    started, before = clock.monotonic(), process.cpu_times()
    states = []
    for _ in range(_SAMPLES):
        states.append(process.status())
        time.sleep(_APART_SECONDS)
    after = process.cpu_times()
    seconds = clock.monotonic() - started
    ratio = (after.user + after.system - before.user - before.system) / max(seconds, _APART_SECONDS)
    return Listener(process.pid, doing(states, ratio), round(ratio, 2))


def doing(states: Sequence[str], busy_ratio: float) -> Doing:
    """Return what a process does, by its states and its share of a processor.

    On a busy machine one that wants to run gets little of a processor, so its states count as well.

    >>> doing(["sleeping"] * 8, 0.0), doing(["running"] * 3 + ["sleeping"], 0.02), doing(["stopped"], 0.0)
    (<Doing.IDLE: 'idle'>, <Doing.WORKING: 'working'>, <Doing.HALTED: 'halted'>)
    """
    if _HALTED.issuperset(states):
        return Doing.HALTED
    if 2 * states.count("disk-sleep") >= len(states):
        return Doing.STUCK
    is_working = busy_ratio >= _BUSY_RATIO or 4 * states.count("running") > len(states)
    return Doing.WORKING if is_working else Doing.IDLE
