"""Records of the host probes."""

from collections.abc import Sequence
from datetime import datetime

from incident_lib.model.rows import Row


class FileSystem(Row, frozen=True, kw_only=True):
    """One file system of the machine."""

    path: str
    device: str
    kind: str
    total_bytes: int
    free_bytes: int  # for all but root
    free_inodes_count: int | None
    total_inodes_count: int | None  # None where the file system has no fixed number

    @property
    def free_ratio(self) -> float | None:
        """Free space for all but root."""
        return self.free_bytes / self.total_bytes if self.total_bytes else None

    @property
    def free_inodes_ratio(self) -> float | None:
        """Free entries for files."""
        if not self.total_inodes_count or self.free_inodes_count is None:
            return None
        return self.free_inodes_count / self.total_inodes_count


class HostMemory(Row, frozen=True, kw_only=True):
    """Memory of the machine."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_used_bytes: int
    stalled_ratio: float | None  # of the last ten seconds, some task waiting for memory
    all_stalled_ratio: float | None  # all of them
    killed_count: int | None = None  # processes that the kernel ended for memory since the machine started

    @property
    def available_ratio(self) -> float | None:
        """Memory that can be had without swapping."""
        return self.available_bytes / self.total_bytes if self.total_bytes else None


class HostLoad(Row, frozen=True, kw_only=True):
    """Load of the machine, and how its processors spent a second."""

    cpu_count: int
    load_1m: float
    load_5m: float
    load_15m: float
    seconds: float
    busy_ratio: float
    io_wait_ratio: float | None
    steal_ratio: float | None
    io_stalled_ratio: float | None = None  # of the last minute, some task waiting for a disk
    cpu_stalled_ratio: float | None = None
    booted_at: datetime | None = None

    @property
    def load_per_cpu(self) -> float:
        """One-minute load for each processor."""
        return self.load_1m / self.cpu_count


class ProcessorUser(Row, frozen=True, kw_only=True):
    """The processes of one program that belong together, and what they had of the processors meanwhile."""

    name: str  # of the program; what it was called with may hold secrets, and is not read
    pid: int  # of the one that ran most
    process_count: int
    cores: float  # processors that they kept busy
    waiting_cores: float | None  # first threads at a time that were ready to run and had none
    waiting_ratio: float | None = None  # of the time in which those were ready
    container_id: str = ""  # its first characters, "" outside of containers
    service: str = ""  # that they belong to, as far as a pid file shows
    is_ours: bool = False  # this program, what started it, and what it started for itself


def taken_by(users: Sequence[ProcessorUser]) -> ProcessorUser | None:
    """Return who ran most besides ourselves, None where nothing else ran."""
    return max((user for user in users if not user.is_ours), key=lambda user: user.cores, default=None)


def shown(user: ProcessorUser, container: str = "") -> str:
    """Return a program as people know it.

    >>> shown(ProcessorUser(name="gzip", pid=7, process_count=2, cores=1.5, waiting_cores=None), "backup")
    'gzip (2 processes, one is 7, in container backup)'
    """
    count = f"{user.process_count} processes, one is" if user.process_count > 1 else "process"
    place = container or user.container_id
    return f"{user.name} ({count} {user.pid}{f', in container {place}' if place else ''})"
