"""Probes of services that are plain processes, by their pid file."""

import shlex
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Row, Window
from incident_lib.model.rows import MemorySample
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.process.rows import ProcessState

if TYPE_CHECKING:
    import psutil

_SAMPLES, _FEW_SAMPLES = 9, 5
_PAUSE_SECONDS = 0.25
_GROWN_RATIO = 0.01
_CLOCK_SLACK_SECONDS = 5.0
_COMMAND_LIMIT = 300


def fetch_state(
    _session: Any, _window: Window, *, pid_file: str = "", memory_limit_bytes: int = 0, longer: bool = True
) -> Fetched:
    """Return one ProcessState and the MemorySamples of one second.

    Where its memory has a limit, growth to which is judged, they are of two seconds; of four, if `longer`,
    where they grow.

    Source: the pid file and /proc. Needs: to be the same user for open files and connections. Errors:
    TargetError PRIVILEGE where the pid file may not be read; a process that is not there is no error.
    """
    try:
        content = ThisMachine().read(pid_file)
        pid = int((content.data.split() or (b"",))[0])  # the servers' own files have more lines
        if pid <= 0:
            raise ValueError(pid)
    except ValueError:
        return Fetched(rows=(_gone(pid_file, None, "its pid file holds no process id"),), source=pid_file)
    except TargetError as error:
        if error.kind is ProblemKind.NOT_FOUND:
            return Fetched(rows=(_gone(pid_file, None, "its pid file does not exist"),), source=pid_file)
        raise TargetError(error.kind, error.message, "run as a user who may read it") from error
    written_at = content.modified_at.timestamp()
    rows = _read_process(pid_file, pid, written_at, limit=memory_limit_bytes, longer=longer)
    return Fetched(rows=rows, source=f"{pid_file}; /proc/{pid}")


def _gone(pid_file: str, pid: int | None, reason: str) -> ProcessState:
    return ProcessState(pid_file=pid_file, pid=pid, is_running=False, reason=reason)


def _read_process(pid_file: str, pid: int, written_at: float, *, limit: int, longer: bool) -> tuple[Row, ...]:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return (_gone(pid_file, pid, f"process {pid} has exited and was not reaped by its parent"),)
        if process.create_time() > written_at + _CLOCK_SLACK_SECONDS:
            return (
                _gone(
                    pid_file,
                    pid,
                    f"process {pid} is a different process, started after the pid file was written",
                ),
            )
        spent, started = _cpu_seconds(process), clock.monotonic()
        is_limited = bool(limit or _resource_limit(process, "RLIMIT_AS"))
        samples = _sample(process, _SAMPLES if is_limited else _FEW_SAMPLES, longer=is_limited and longer)
        seconds = clock.monotonic() - started
        state = _describe(process, pid_file, limit)
        cores = max(0.0, _cpu_seconds(process) - spent) / seconds
    except psutil.NoSuchProcess:
        return (_gone(pid_file, pid, f"there is no process {pid}"),)
    except psutil.AccessDenied as error:
        raise TargetError(
            ProblemKind.PRIVILEGE, f"no permission to read process {pid}", "run as its user, or as root"
        ) from error
    last = samples[-1].memory_bytes if samples else None
    known = msgspec.structs.replace(state, seconds=seconds, cpu_cores=cores, resident_bytes=last)
    return (known, *samples)


def _family(process: "psutil.Process") -> "list[psutil.Process]":
    """Return the process and its children: the workers are what serves, and what leaks."""
    return [process, *process.children(recursive=True)]


def _sample(process: "psutil.Process", number: int, *, longer: bool) -> tuple[MemorySample, ...]:
    """Return that many samples of the memory; where it grew and `longer` is wanted, nearly twice as many.

    A wave of requests resembles a leak, and a leak that is fed by few requests like nothing.
    """
    samples: list[MemorySample] = []
    most = 2 * number - 1 if longer else number
    while len(samples) < number or (len(samples) < most and _grew(samples)):
        if samples:
            time.sleep(_PAUSE_SECONDS)
        samples.append(MemorySample(at=clock.now(), memory_bytes=_resident_bytes(process)))
    return tuple(samples)


def _grew(samples: list[MemorySample]) -> bool:
    first, last = samples[0].memory_bytes or 0, samples[-1].memory_bytes or 0
    return last - first > _GROWN_RATIO * first


def _resident_bytes(process: "psutil.Process") -> int:
    """Return resident memory of the process and its children, pages that they share counted once."""
    import psutil

    total = process.memory_info().rss
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory = child.memory_info()
            total += max(0, memory.rss - getattr(memory, "shared", 0))
    return int(total)


def _cpu_seconds(process: "psutil.Process") -> float:
    import psutil

    total = 0.0
    for member in _family(process):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = member.cpu_times()
            total += times.user + times.system
    return total


def _describe(process: "psutil.Process", pid_file: str, limit: int) -> ProcessState:
    files, file_limit = _open_files(process)
    return ProcessState(
        pid_file=pid_file,
        pid=process.pid,
        is_running=True,
        state=str(process.status()),
        started_at=datetime.fromtimestamp(process.create_time(), UTC),
        command=excerpt(shlex.join(process.cmdline()), _COMMAND_LIMIT),
        user=process.username(),
        process_count=len(_family(process)),
        memory_limit_bytes=limit or None,
        address_space_limit_bytes=_resource_limit(process, "RLIMIT_AS"),
        thread_count=process.num_threads(),
        open_file_count=files,
        open_file_limit_count=file_limit,
        connection_counts=_connections(process),
        python_version=_python_version(process),
    )


def _open_files(process: "psutil.Process") -> tuple[int | None, int | None]:
    """Return how many files the process has open and how many it may; None where we may not know."""
    import psutil

    try:
        return process.num_fds(), _resource_limit(process, "RLIMIT_NOFILE")
    except (psutil.AccessDenied, AttributeError):  # Windows has no such number
        return None, None


def _resource_limit(process: "psutil.Process", name: str) -> int | None:
    import psutil

    if not hasattr(process, "rlimit"):  # macOS
        return None
    try:
        soft, _ = process.rlimit(getattr(psutil, name))
    except (psutil.AccessDenied, OSError):
        return None
    return soft if soft not in {-1, psutil.RLIM_INFINITY} else None


def _connections(process: "psutil.Process") -> dict[str, int] | None:
    import psutil

    try:
        states = [connection.status for connection in process.net_connections(kind="tcp")]
    except (psutil.AccessDenied, OSError):
        return None
    return {state: states.count(state) for state in sorted(set(states))}


def _python_version(process: "psutil.Process") -> str:
    """Return the version that the program's own name shows: `python3.11` is `3.11`."""
    import psutil

    try:
        name = Path(process.exe()).name
    except (psutil.AccessDenied, OSError):
        return ""
    return name.removeprefix("python") if name.startswith("python") else ""


STATE = Probe(
    name="process.state",
    fetch=fetch_state,
    question="Is the process running, since when, and what does it use?",
    source="the pid file and /proc/PID",
    needs="the same user or root, for open files and connections",
    cost="reads of /proc over 1 s; 2 s if its memory has a limit, 4 s if it grew",
    in_watch={"longer": False},
)
PROBES: tuple[Probe, ...] = (STATE,)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return a lane for each service that has a pid file and no container."""
    return tuple(
        Lane(
            target=service.name,
            open=NoSession,
            name="process",
            probes=(
                msgspec.structs.replace(
                    STATE,
                    fetch=partial(
                        fetch_state,
                        pid_file=str(settings.file(service.pid_file)),
                        memory_limit_bytes=service.memory_limit_bytes,
                    ),
                ),
            ),
        )
        for service in settings.services
        if service.pid_file and not service.container
    )
