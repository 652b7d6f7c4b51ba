"""Which programs take this machine's processors, and who waits for one: /proc, read twice."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.technologies.host.rows import ProcessorUser

KEPT = 20
_PROC = Path("/proc")
_NANOSECONDS = 1_000_000_000
_LEAST_CORES = 0.02
_DEEPEST = 64  # generations of processes
# Their name does not say which program it is: the first of a family of them, or of a session, does.
_INTERPRETERS = ("python", "node", "java", "ruby", "perl", "php")
_Key = tuple[str, str, str, bool, int]  # name, container, service, ours, family where it matters
_CONTAINER = re.compile(r"(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment."""

    pid: int
    parent: int
    session: int
    name: str
    started: int  # in ticks since the machine was started: a number is given again, this is not
    ran_seconds: float
    # What the scheduler counts of its first thread: at work, and ready without a processor.
    first_ran_seconds: float | None = None
    first_waited_seconds: float | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """All processes at one moment."""

    at: float
    processes: Mapping[int, Process]


def take_sample() -> Sample:
    """Return all processes that can be seen. Source: /proc/PID/stat and schedstat. Cost: two reads each."""
    found = {}
    for path in _PROC.iterdir() if _PROC.is_dir() else ():
        if path.name.isdigit() and (process := _read(path)):
            found[process.pid] = process
    return Sample(at=clock.monotonic(), processes=found)


def _read(path: Path) -> Process | None:
    """Return one process; None where it ended meanwhile, or may not be seen."""
    try:
        text = (path / "stat").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    process, scheduled = parse_stat(text), ""
    with suppress(OSError):
        scheduled = (path / "schedstat").read_text(encoding="ascii")
    ran, waited = (*scheduled.split(), "", "")[:2]
    if process is None or not (ran.isdigit() and waited.isdigit()):
        return process
    return msgspec.structs.replace(
        process,
        first_ran_seconds=int(ran) / _NANOSECONDS,
        first_waited_seconds=int(waited) / _NANOSECONDS,
    )


def parse_stat(text: str, ticks: int = os.sysconf("SC_CLK_TCK")) -> Process | None:
    """Return what `/proc/PID/stat` says; a name may hold spaces and brackets.

    >>> one = parse_stat("7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 99 0", 100)
    >>> one.name, one.parent, one.session, one.started, one.ran_seconds
    ('a) b', 1, 7, 99, 2.0)
    """
    head, _, rest = text.rpartition(")")
    number, _, name = head.partition("(")
    fields = rest.split()
    try:
        return Process(
            pid=int(number),
            parent=int(fields[1]),
            session=int(fields[3]),
            name=name,
            started=int(fields[19]),
            ran_seconds=(int(fields[11]) + int(fields[12])) / ticks,
        )
    except (ValueError, IndexError):
        return None


def users_between(
    first: Sample, second: Sample, *, services: Mapping[int, str], own: int
) -> tuple[ProcessorUser, ...]:
    """Return who ran between two samples, by program, container and service, the most first.

    `services` are the processes of services by number, whose children count as theirs; `own` is this one.
    """
    of_service, ours = _roots(second.processes, services), _ours(second.processes, own)
    groups: dict[_Key, list[_Share]] = {}
    for process in second.processes.values():
        share = _share(first.processes.get(process.pid), process)
        if share.ran > 0 or share.waited:
            service = of_service.get(process.pid, "")
            apart = 0
            if process.name.startswith(_INTERPRETERS):
                apart = _first_of(process, second.processes, ours).session
            is_ours = process.pid in ours and not service
            key = (process.name, _container_of(process.pid), service, is_ours, apart)
            groups.setdefault(key, []).append(share)
    seconds = max(second.at - first.at, 0.001)
    rows = [_row(key, members, seconds) for key, members in groups.items()]
    known = [row for row in rows if row.cores >= _LEAST_CORES or row.service]
    return tuple(sorted(known, key=lambda row: -row.cores))


class _Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one process had between two samples, in seconds."""

    pid: int
    ran: float
    first_ran: float | None
    waited: float | None


def _share(before: Process | None, now: Process) -> _Share:
    """Return what a process had; all it ever had where it began meanwhile."""
    if before is None or before.started != now.started:
        return _Share(
            pid=now.pid,
            ran=now.ran_seconds,
            first_ran=now.first_ran_seconds,
            waited=now.first_waited_seconds,
        )
    return _Share(
        pid=now.pid,
        ran=now.ran_seconds - before.ran_seconds,
        first_ran=_less(now.first_ran_seconds, before.first_ran_seconds),
        waited=_less(now.first_waited_seconds, before.first_waited_seconds),
    )


def _row(key: _Key, members: list[_Share], seconds: float) -> ProcessorUser:
    name, container, service, is_ours, _ = key
    known = [(process.first_ran, process.waited) for process in members if process.first_ran is not None]
    ran, waited = sum(ran or 0.0 for ran, _ in known), sum(waited or 0.0 for _, waited in known)
    return ProcessorUser(
        name=name,
        pid=max(members, key=lambda process: process.ran).pid,
        process_count=len(members),
        cores=sum(process.ran for process in members) / seconds,
        waiting_cores=waited / seconds if known else None,
        waiting_ratio=waited / (waited + ran) if waited + ran > 0 else None,
        container_id=container,
        service=service,
        is_ours=is_ours,
    )


def _roots(processes: Mapping[int, Process], services: Mapping[int, str]) -> dict[int, str]:
    """Return the service of each process that is, or descends from, a service's process."""
    found: dict[int, str] = {}
    for pid in processes:
        line = [pid]
        while (
            line[-1] in processes
            and line[-1] not in services
            and line[-1] not in found
            and len(line) < _DEEPEST
        ):
            line.append(processes[line[-1]].parent)
        name = services.get(line[-1]) or found.get(line[-1], "")
        found.update((one, name) for one in line if name)
    return found


def _first_of(process: Process, processes: Mapping[int, Process], ours: set[int]) -> Process:
    """Return the first of the processes of one name that started each other, we ourselves left out."""
    for _ in range(_DEEPEST):
        parent = processes.get(process.parent)
        if parent is None or parent.name != process.name or parent.pid in ours:
            break
        process = parent
    return process


def _ours(processes: Mapping[int, Process], own: int) -> set[int]:
    """Return ourselves, what we started for ourselves, and what started us: whoever collects is no cause.

    What we started into a session of its own is a stack, not a part of the collection.
    """
    found, session = {own}, processes[own].session if own in processes else None
    children: dict[int, list[Process]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    line = [own]
    while line:
        for child in children.get(line.pop(), ()):
            if child.session == session and child.pid not in found:
                found.add(child.pid)
                line.append(child.pid)
    parent = own
    while (parent := processes[parent].parent if parent in processes else 0) and parent not in found:
        found.add(parent)
    return found


def _container_of(pid: int) -> str:
    """Return the first characters of the id of the container that a process runs in, "" for none."""
    try:
        text = (_PROC / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return container_in(text)


def container_in(text: str) -> str:
    r"""Return the short id of the container that a cgroup file names, "" where it names none.

    >>> container_in("0::/system.slice/docker-" + "ab" * 32 + ".scope\n")
    'abababababab'
    >>> container_in("0::/user.slice/user-0.slice/session-3.scope\n")
    ''
    """
    found = _CONTAINER.search(text)
    return found[1][:12] if found else ""


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else max(after - before, 0.0)
