"""Probes of the machine that the workbench runs on."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Row, Truncation, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.host.processors import KEPT, take_sample, users_between
from incident_lib.technologies.host.rows import FileSystem, HostLoad, HostMemory

_SAMPLE_SECONDS = 1.0
# Always full, or not a place of this machine: images of packages, media, the parts of containers.
_NOT_REAL = {"squashfs", "iso9660", "udf", "overlay", "tmpfs", "devtmpfs", "autofs", "erofs", "fuse.snapfuse"}


def fetch_disk(_session: Any, _window: Window, *, paths: tuple[str, ...] = ()) -> Fetched:
    """Return a FileSystem for each real file system, or for each of `paths`. Source: statvfs."""
    rows, failed = [], []
    for path, device, kind in _places(paths):
        try:
            rows.append(_file_system(path, device, kind))
        except OSError as error:
            failed.append(f"{path}: {error.strerror}")
    message = "cannot read " + ", ".join(failed)
    if not rows:
        raise TargetError(ProblemKind.PRIVILEGE, message if failed else "no file systems are visible")
    problem = Problem(kind=ProblemKind.PRIVILEGE, message=message) if failed else None
    return Fetched(rows=tuple(rows), problem=problem)


def _places(paths: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    import psutil

    if paths:
        yield from ((path, "", "") for path in paths)
        return
    seen = set()
    for partition in psutil.disk_partitions(all=False):
        if partition.fstype not in _NOT_REAL and partition.device not in seen:
            seen.add(partition.device)  # one device may be mounted in many places
            yield partition.mountpoint, partition.device, partition.fstype
    if not seen:
        yield "/", "", ""


def _file_system(path: str, device: str, kind: str) -> FileSystem:
    about = os.statvfs(path)
    used = about.f_blocks - about.f_bfree
    return FileSystem(
        path=path,
        device=device,
        kind=kind,
        total_bytes=(used + about.f_bavail) * about.f_frsize,  # without what is kept for root, as df does
        free_bytes=about.f_bavail * about.f_frsize,
        free_inodes_count=about.f_favail if about.f_files else None,
        total_inodes_count=about.f_files or None,
    )


def fetch_memory(_session: Any, _window: Window) -> Fetched:
    """Return one HostMemory. Source: /proc/meminfo, /proc/pressure/memory, oom_kill of /proc/vmstat."""
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    some, full = _pressure("memory", "avg10")
    row = HostMemory(
        total_bytes=memory.total,
        available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_used_bytes=swap.used,
        stalled_ratio=some,
        all_stalled_ratio=full,
        killed_count=_killed(),
    )
    return Fetched(rows=(row,))


def fetch_load(_session: Any, _window: Window, *, pid_files: Mapping[str, str] | None = None) -> Fetched:
    """Return one HostLoad over a second, and who had the processors meanwhile.

    Source: /proc/loadavg, /proc/stat, /proc/pressure; of each process /proc/PID/stat, schedstat and cgroup.
    Shape: a ProcessorUser for each program, the busiest first; `pid_files` show whose service it is.
    """
    import psutil

    first, before, started = take_sample(), psutil.cpu_times(), clock.monotonic()
    time.sleep(_SAMPLE_SECONDS)
    after, seconds, second = psutil.cpu_times(), clock.monotonic() - started, take_sample()
    users = users_between(first, second, services=_services(pid_files or {}), own=os.getpid())
    spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
    last_minute, five, fifteen = psutil.getloadavg()
    row: Row = HostLoad(
        cpu_count=psutil.cpu_count() or 1,
        load_1m=last_minute,
        load_5m=five,
        load_15m=fifteen,
        seconds=seconds,
        busy_ratio=1.0 - (_share(spent, "idle") or 0.0) - (_share(spent, "iowait") or 0.0),
        io_wait_ratio=_share(spent, "iowait"),
        steal_ratio=_share(spent, "steal"),
        io_stalled_ratio=_pressure("io", "avg60")[0],
        cpu_stalled_ratio=_pressure("cpu", "avg60")[0],
        booted_at=datetime.fromtimestamp(psutil.boot_time(), UTC),
    )
    kept = [user for rank, user in enumerate(users) if rank < KEPT or user.service]
    cut = Truncation(kept=len(kept), total=len(users), unit="programs") if len(kept) < len(users) else None
    return Fetched(rows=(row, *kept), truncated=cut)


def _services(pid_files: Mapping[str, str]) -> dict[int, str]:
    """Return services by the process that their pid file names; one that cannot be read names none."""
    found = {}
    for name, path in pid_files.items():
        with suppress(TargetError, ValueError):
            found[int(ThisMachine().read(path).data.split(b"\n")[0])] = name
    return found


def _share(spent: dict[str, float], name: str) -> float | None:
    """Return the share of processor time, guests not counted twice.

    >>> _share({"user": 0.5, "idle": 1.5, "guest": 0.5}, "idle")
    0.75
    """
    total = sum(value for key, value in spent.items() if not key.startswith("guest"))
    if name not in spent or total <= 0:
        return None
    return min(1.0, max(0.0, spent[name] / total))


def _killed() -> int | None:
    """Return how many processes the kernel ended for memory, at its own limit too; None if unknown."""
    try:
        content = ThisMachine().read("/proc/vmstat")
    except TargetError:
        return None
    found = re.search(rb"^oom_kill (\d+)$", content.data, re.MULTILINE)
    return int(found[1]) if found else None


def _pressure(what: str, span: str) -> tuple[float | None, float | None]:
    """Return the shares of time that some and that all tasks waited; None where the kernel does not say."""
    try:
        content = ThisMachine().read(f"/proc/pressure/{what}")
    except TargetError:
        return None, None
    return parse_pressure(content.data.decode("ascii", "replace"), span)


def parse_pressure(text: str, span: str) -> tuple[float | None, float | None]:
    r"""Return the shares of the lines `some` and `full`.

    >>> parse_pressure("some avg10=2.50 avg60=0.10 avg300=0.00 total=1\n", "avg10")
    (0.025, None)
    """
    found = dict(re.findall(rf"^(some|full).*?{span}=([\d.]+)", text, re.MULTILINE))
    some, full = found.get("some"), found.get("full")
    return (float(some) / 100 if some else None, float(full) / 100 if full else None)


DISK = Probe(
    name="host.disk",
    fetch=fetch_disk,
    question="Is there space on the machine's disks?",
    source="statvfs of each real file system",
    in_watch={},
)
MEMORY = Probe(
    name="host.memory",
    fetch=fetch_memory,
    question="Does the machine have free memory?",
    source="/proc/meminfo; /proc/pressure/memory; oom_kill of /proc/vmstat",
    in_watch={},
)
LOAD = Probe(
    name="host.load",
    fetch=fetch_load,
    question="Is the machine itself overloaded?",
    source="/proc/loadavg; /proc/stat and what each process ran over one second; /proc/pressure",
    cost="two reads of /proc for each process",
)
PROBES: tuple[Probe, ...] = (DISK, MEMORY, LOAD)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the one lane of the machine."""
    disk = msgspec.structs.replace(DISK, fetch=partial(fetch_disk, paths=settings.host.paths))
    pid_files = {
        service.name: str(settings.file(service.pid_file))
        for service in settings.services
        if service.pid_file
    }
    load = msgspec.structs.replace(LOAD, fetch=partial(fetch_load, pid_files=pid_files))
    return (Lane(target=settings.host.name, open=NoSession, probes=(disk, MEMORY, load), name="host"),)
