"""Records of the process probe."""

from datetime import datetime

from incident_lib.model.rows import Row


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
