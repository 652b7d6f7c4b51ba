"""Records of the host and process probes."""

from datetime import datetime

from incident_lib.model.row import Measurement, Row
from incident_lib.technologies.docker.rows import MemorySample


class FileSystem(Row, frozen=True, kw_only=True):
    """One file system of the machine."""

    path: str
    device: str
    kind: str
    total_bytes: int
    free_bytes: int  # for everybody but root
    free_inodes_count: int | None
    total_inodes_count: int | None  # None where the file system has no fixed number

    @property
    def free_ratio(self) -> float | None:
        """Free space for everybody but root."""
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
    service: str = ""  # that they belong to, as far as a pid file tells
    is_ours: bool = False  # this program, what started it, and what it started for itself


class ProcessState(Row, frozen=True, kw_only=True):
    """A service that is a plain process. `is_running` False says why in `reason`."""

    pid_file: str
    pid: int | None
    is_running: bool
    reason: str = ""
    state: str = ""
    started_at: datetime | None = None
    command: str = ""
    user: str = ""
    seconds: float | None = None  # between the first and the last sample
    cpu_cores: float | None = None
    process_count: int | None = None  # with its children
    resident_bytes: int | None = None  # with its children
    memory_limit_bytes: int | None = None  # as configured
    address_space_limit_bytes: int | None = None  # RLIMIT_AS
    thread_count: int | None = None
    open_file_count: int | None = None
    open_file_limit_count: int | None = None
    connection_counts: dict[str, int] | None = None  # by TCP state
    python_version: str = ""

    @property
    def memory_ratio(self) -> float | None:
        """Memory against the configured limit."""
        if not self.memory_limit_bytes or self.resident_bytes is None:
            return None
        return self.resident_bytes / self.memory_limit_bytes

    @property
    def open_file_ratio(self) -> float | None:
        """Open files against the limit."""
        if not self.open_file_limit_count or self.open_file_count is None:
            return None
        return self.open_file_count / self.open_file_limit_count


HostRow = FileSystem | HostMemory | HostLoad | ProcessorUser | ProcessState | MemorySample | Measurement
