"""What inspecting one container says."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_lib import clock
from incident_lib.connections.docker import Engine, translated
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Row, Window
from incident_lib.probes.base import Fetched
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.docker.rows import ContainerState, HealthOutput, NetworkAttachment

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5
_JUST_NOW = timedelta(seconds=3)
_PASSING = {"created", "removing", "dead"}
_HEALTH_OUTPUTS = 5
_OUTPUT_LIMIT = 500
_IMAGE_LABELS = "org.opencontainers.image."
_COMPOSE_LABELS = "com.docker.compose."
_LIMITED_DRIVERS = {"local", "none"}  # these bound themselves, or keep nothing
_FILE_DRIVERS = {"json-file"}


def fetch_container(engine: Engine, _window: Window, *, container: str = "") -> Fetched:
    """Return one ContainerState, its NetworkAttachments and the last five HealthOutputs.

    A container that has just ended, or is not there, is inspected again for two seconds: a deploy removes one
    and makes another with its name, and what is seen in between would call the service down.
    Errors: TargetError NOT_FOUND, naming the containers there are.
    """
    about = _settled(engine, container)
    image, problem = _image(engine, about.get("Image", ""))
    networks = (about.get("NetworkSettings") or {}).get("Networks") or {}
    health = ((about.get("State") or {}).get("Health") or {}).get("Log") or ()
    rows: tuple[Row, ...] = (
        _state(about, image),
        *(_attachment(name, settings) for name, settings in sorted(networks.items())),
        *(_output(entry) for entry in health[-_HEALTH_OUTPUTS:]),
    )
    return Fetched(
        rows=rows, problem=problem, source=f"GET /containers/{container}/json; GET /images/ID/json"
    )


def _settled(engine: Engine, container: str) -> dict[str, Any]:
    """Return what inspecting says once nothing passes by any more, or at the last attempt."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            about = engine.inspect(container)
        except TargetError as error:
            if error.kind is not ProblemKind.NOT_FOUND:
                raise
            gone = error
            continue
        if attempt == _ATTEMPTS - 1 or not is_passing(about.get("State") or {}, clock.now()):
            return about
    raise _not_found(engine, container) from gone


def is_passing(state: dict[str, Any], at: datetime) -> bool:
    """Return whether a state of a container is one on the way to another, as in a deploy.

    >>> at = datetime.fromisoformat("2026-01-15T14:00:02Z")
    >>> is_passing({"Status": "exited", "FinishedAt": "2026-01-15T14:00:01Z"}, at)
    True
    >>> is_passing({"Status": "exited", "FinishedAt": "2026-01-15T13:00:00Z"}, at)
    False
    >>> is_passing({"Status": "removing"}, at), is_passing({"Status": "running"}, at)
    (True, False)
    """
    if state.get("Status") in _PASSING:
        return True
    ended = parse_engine_time(state.get("FinishedAt"))
    return state.get("Status") == "exited" and ended is not None and abs(at - ended) <= _JUST_NOW


def _not_found(engine: Engine, container: str) -> TargetError:
    names = ", ".join(engine.names()) or "none"
    return TargetError(
        ProblemKind.NOT_FOUND,
        f"there is no container {container}",
        f"containers here: {names}; start it, or correct `container` in workbench.toml",
    )


def _image(engine: Engine, identity: str) -> tuple[dict[str, Any], Problem | None]:
    """Return what inspecting the image says; one that was removed hides only its age."""
    try:
        with translated("the image"):
            return dict(engine.client.api.inspect_image(identity)), None
    except TargetError as error:
        if error.kind is ProblemKind.NOT_FOUND:
            return {}, None
        return {}, Problem.from_error(error)


def _state(about: dict[str, Any], image: dict[str, Any]) -> ContainerState:
    state, config = about.get("State") or {}, about.get("Config") or {}
    host, health = about.get("HostConfig") or {}, (about.get("State") or {}).get("Health") or {}
    policy = host.get("RestartPolicy") or {}
    labels = {**((image.get("Config") or {}).get("Labels") or {}), **(config.get("Labels") or {})}
    created = parse_engine_time(about.get("Created"))
    if created is None:
        raise TargetError(ProblemKind.PROTOCOL, "the engine does not report when the container was created")
    environment = dict(entry.split("=", 1) for entry in config.get("Env") or () if "=" in entry)
    return ContainerState(
        name=str(about.get("Name", "")).lstrip("/"),
        container_id=str(about.get("Id", ""))[:12],
        state=str(state.get("Status", "")),
        exit_code=None if state.get("Running") else state.get("ExitCode"),
        error=str(state.get("Error") or ""),
        oom_killed=bool(state.get("OOMKilled")),
        created_at=created,
        started_at=parse_engine_time(state.get("StartedAt")),
        finished_at=parse_engine_time(state.get("FinishedAt")),
        restart_count=about.get("RestartCount") or 0,
        restart_policy=policy.get("Name") or "no",
        restart_limit_count=policy.get("MaximumRetryCount") or 0,
        health="" if health.get("Status") in {None, "none"} else health["Status"],
        health_failing_count=health.get("FailingStreak"),
        image=str(config.get("Image", "")),
        image_id=str(about.get("Image", "")).removeprefix("sha256:")[:12],
        image_created_at=parse_engine_time(image.get("Created")),
        version=labels.get(f"{_IMAGE_LABELS}version", ""),
        revision=labels.get(f"{_IMAGE_LABELS}revision", ""),
        project=labels.get(f"{_COMPOSE_LABELS}project", ""),
        service=labels.get(f"{_COMPOSE_LABELS}service", ""),
        memory_limit_bytes=host.get("Memory") or None,
        cpu_limit_cores=cpu_limit_cores(host),
        process_limit_count=max(host.get("PidsLimit") or 0, 0) or None,
        log_driver=(host.get("LogConfig") or {}).get("Type", ""),
        log_is_limited=_log_is_limited(host.get("LogConfig") or {}),
        is_terminal=bool(config.get("Tty")),
        ports=_ports((about.get("NetworkSettings") or {}).get("Ports") or {}),
        environment_names=tuple(sorted(environment)),
        python_version=environment.get("PYTHON_VERSION", ""),
        network_mode=str(host.get("NetworkMode") or ""),
    )


def cpu_limit_cores(host: dict[str, Any]) -> float | None:
    """Return the processors that a container may use at most, None where nothing limits it.

    >>> [cpu_limit_cores(host) for host in ({"NanoCpus": 1_500_000_000}, {"CpuQuota": 50_000}, {})]
    [1.5, 0.5, None]
    """
    if nano := host.get("NanoCpus"):
        return float(nano / 1e9)
    quota = host.get("CpuQuota") or 0
    return quota / (host.get("CpuPeriod") or 100_000) if quota > 0 else None


def _log_is_limited(log: dict[str, Any]) -> bool | None:
    """Return whether the log's size has a bound; None where another program keeps it.

    >>> [_log_is_limited({"Type": driver, "Config": {}}) for driver in ("json-file", "local", "syslog")]
    [False, True, None]
    """
    if log.get("Type") in _LIMITED_DRIVERS:
        return True
    return "max-size" in (log.get("Config") or {}) if log.get("Type") in _FILE_DRIVERS else None


def _ports(ports: dict[str, Any]) -> tuple[str, ...]:
    """Return ports as `docker ps` writes them.

    >>> _ports({"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18000"}], "9000/tcp": None})
    ('127.0.0.1:18000->8000/tcp', '9000/tcp')
    """
    return tuple(
        f"{where['HostIp']}:{where['HostPort']}->{inside}" if where else inside
        for inside, published in sorted(ports.items())
        for where in (published or (None,))
    )


def _attachment(name: str, settings: dict[str, Any]) -> NetworkAttachment:
    aliases = {*(settings.get("Aliases") or ()), *(settings.get("DNSNames") or ())}
    return NetworkAttachment(
        network=name, address=settings.get("IPAddress") or "", aliases=tuple(sorted(aliases))
    )


def _output(entry: dict[str, Any]) -> HealthOutput:
    return HealthOutput(
        at=parse_engine_time(entry.get("Start")),
        exit_code=entry.get("ExitCode"),
        output=excerpt(str(entry.get("Output") or "").strip(), _OUTPUT_LIMIT),
    )


def parse_engine_time(text: str | None) -> datetime | None:
    """Return the moment, None for the engine's "never".

    >>> parse_engine_time("2026-01-15T14:31:05.123456789Z")
    datetime.datetime(2026, 1, 15, 14, 31, 5, 123456, tzinfo=datetime.timezone.utc)
    >>> parse_engine_time("0001-01-01T00:00:00Z") is None
    True
    """
    if not text or text.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
