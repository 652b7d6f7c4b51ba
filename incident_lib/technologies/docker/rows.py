"""Records of the docker probes."""

from datetime import datetime

from incident_lib.model.rows import Row


class EngineFacts(Row, frozen=True, kw_only=True):
    """The engine itself."""

    version: str
    api_version: str
    operating_system: str
    rootless: bool | None = None
    cgroup_version: str = ""
    cpu_count: int | None = None
    memory_bytes: int | None = None
    running_count: int | None = None
    stopped_count: int | None = None


class EventsSeen(Row, frozen=True, kw_only=True):
    """How far back the engine's events really go: it keeps the last 256, in memory."""

    container: str  # empty: all of the engine
    asked_from: datetime
    seen_from: datetime
    until: datetime
    kept_count: int  # of which exec events are left out of the rows
    exec_count: int
    configured: tuple[str, ...] = ()  # containers of services, which are judged there

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the window was already forgotten."""
        return self.seen_from <= self.asked_from


class ContainerEvent(Row, frozen=True, kw_only=True):
    """One thing that happened to a container."""

    at: datetime
    action: str  # create start die oom kill stop restart pause destroy health_status ...
    container: str
    container_id: str = ""
    image: str = ""
    exit_code: int | None = None
    signal: int | None = None
    health: str = ""


class ContainerListed(Row, frozen=True, kw_only=True):
    """One line of `docker ps --all`."""

    name: str
    container_id: str
    image: str
    state: str
    status: str
    created_at: datetime
    project: str = ""
    service: str = ""
    networks: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class NetworkGap(Row, frozen=True, kw_only=True):
    """Two containers, of which one needs the other, without a network in common."""

    container: str
    needs: str
    networks: tuple[str, ...]
    needs_networks: tuple[str, ...]


class ContainerState(Row, frozen=True, kw_only=True):
    """What inspecting a container says. Of its environment, the names only."""

    name: str
    container_id: str
    state: str  # created running paused restarting removing exited dead
    exit_code: int | None
    error: str
    oom_killed: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    restart_count: int  # restarts by the policy only
    restart_policy: str
    restart_limit_count: int
    health: str = ""  # starting healthy unhealthy; empty without a check
    health_failing_count: int | None = None
    image: str = ""
    image_id: str = ""
    image_created_at: datetime | None = None
    version: str = ""
    revision: str = ""
    project: str = ""
    service: str = ""
    memory_limit_bytes: int | None = None
    cpu_limit_cores: float | None = None
    process_limit_count: int | None = None
    log_driver: str = ""
    log_is_limited: bool | None = None
    is_terminal: bool = False
    ports: tuple[str, ...] = ()
    environment_names: tuple[str, ...] = ()
    python_version: str = ""
    network_mode: str = ""  # host, none, container:ID, or the network it was created in


class HealthOutput(Row, frozen=True, kw_only=True):
    """One run of a container's health check."""

    at: datetime | None
    exit_code: int | None
    output: str


class NetworkAttachment(Row, frozen=True, kw_only=True):
    """One network that a container is in."""

    network: str
    address: str
    aliases: tuple[str, ...] = ()


class ContainerUsage(Row, frozen=True, kw_only=True):
    """What a container used between the first and the last of some samples."""

    seconds: float
    cpu_cores: float | None
    cpu_limit_cores: float | None  # its own limit, else the processors of the machine
    throttled_ratio: float | None  # of the scheduler's periods in between
    memory_bytes: int | None  # without the file cache that can be dropped
    memory_limit_bytes: int | None  # its own limit only
    process_count: int | None
    process_limit_count: int | None
    received_bytes_per_second: float | None
    sent_bytes_per_second: float | None
    dropped_count: int | None  # packets, both ways, in between
    error_count: int | None
    started_at: datetime | None = None
    command_count: int | None = None  # of `docker exec` and health checks that ran in it at the last sample

    @property
    def cpu_ratio(self) -> float | None:
        """How much of the processors it may use was used."""
        if self.cpu_cores is None or not self.cpu_limit_cores:
            return None
        return self.cpu_cores / self.cpu_limit_cores

    @property
    def memory_ratio(self) -> float | None:
        """How much of its own limit is used; None without a limit."""
        if self.memory_bytes is None or not self.memory_limit_bytes:
            return None
        return self.memory_bytes / self.memory_limit_bytes


class ContainerProcess(Row, frozen=True, kw_only=True):
    """One process in a container, seen from outside."""

    pid: int
    parent_pid: int | None
    state: str
    resident_bytes: int | None
    age: str
    command: str
