"""What the health check looks at: the six checks of the script, or everything that is configured."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections import http
from incident_lib.connections.names import resolve
from incident_lib.connections.sockets import connect_any
from incident_lib.connections.tls import context_for, wrap
from incident_lib.connections.urls import join
from incident_lib.errors import TargetError
from incident_lib.investigation.health import Check, Outcome
from incident_lib.technologies.http.readiness import parse_parts

_DETAIL_CHARACTERS = 300


def script_checks(backend: str, frontend: str, db: str, redis: str) -> tuple[Check, ...]:
    """Return the six checks that teams know: four addresses that must answer 200, and two containers."""
    pages = (
        ("Backend Liveness", join(backend, "/health")),
        ("Backend Readiness", join(backend, "/health/ready")),
        ("Backend API", join(backend, "/api/v1/")),
        ("Frontend", join(frontend, "/")),
    )
    ready = ("pg_isready", "-U", "postgres")
    ping = ("redis-cli", "ping")
    return (
        *(Check(name=name, url=url, ask=partial(_expect_200, url)) for name, url in pages),
        Check(name="PostgreSQL", container=db, ask=partial(_in_container, db, ready, "")),
        Check(name="Redis", container=redis, ask=partial(_in_container, redis, ping, "PONG")),
    )


def configured_checks(settings: Settings) -> tuple[Check, ...]:
    """Return a check for each health address, database, cache, process and dependency configured."""
    found = [check for service in settings.services for check in _of_service(settings, service)]
    return (*found, *(_of_dependency(settings, one) for one in settings.dependencies))


def places(settings: Settings) -> dict[str, str]:
    """Return where each configured service and dependency is, as far as that is no secret."""
    services = {one.name: one.container or _open_address(one.url) for one in settings.services}
    return services | {one.name: one.url for one in settings.dependencies}


def list_containers(seconds: float) -> tuple[dict[str, str], ...]:
    """Return name, state and image of every container. Source: GET /containers/json. Errors: TargetError."""
    from incident_lib.connections.docker import open_engine, translated

    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        with translated("the list of containers"):
            found = engine.client.api.containers(all=True)
    finally:
        engine.close()
    return tuple(
        {
            "name": ",".join(name.lstrip("/") for name in one.get("Names") or ()),
            "state": str(one.get("Status", "")),
            "image": str(one.get("Image", "")),
        }
        for one in found
    )


def _open_address(url: str) -> str:
    return "" if url.startswith(("env:", "file:")) else url


def _expect_200(url: str, seconds: float) -> Outcome:
    answer = http.get(url, seconds=seconds, redirects=0)
    return _judged(answer, well=answer.status == 200)


def _expect_2xx(url: str, ca: Path | None, seconds: float) -> Outcome:
    answer = http.get(url, seconds=seconds, ca=ca)
    return _judged(answer, well=answer.status is not None and 200 <= answer.status < 300)


def _judged(answer: http.Answer, *, well: bool) -> Outcome:
    if answer.error:
        return Outcome(healthy=False, detail=answer.error.message)
    detail = "" if well else _start(answer.body)
    return Outcome(healthy=well, detail=detail, http_code=answer.status)


def _start(body: bytes) -> str:
    """Return the broken parts that a body names, else its beginning; of a page nothing."""
    text = body.decode("utf-8", "replace").strip()
    if broken := [part for part in parse_parts(text) if not part.ok]:
        return _plain("; ".join(f"{part.name} is {part.text}" for part in broken))
    return "" if text.startswith("<") else _plain(text)


def _plain(text: str) -> str:
    """Return one line without characters that would steer a terminal."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:_DETAIL_CHARACTERS]


def _in_container(container: str, argv: tuple[str, ...], expected: str, seconds: float) -> Outcome:
    from incident_lib.connections.docker import open_engine

    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        result = engine.exec_read(container, argv, seconds=seconds)
    finally:
        engine.close()
    said = _plain((result.stdout or result.stderr).decode("utf-8", "replace"))
    well = result.exit_code == 0 and expected in said
    return Outcome(healthy=well, detail=said or f"{argv[0]} ended with {result.exit_code}")


def _of_service(settings: Settings, service: Service) -> Iterator[Check]:
    name, place = service.name, service.container
    if service.kind == "http" and service.url:
        yield from _addresses(settings, service)
    elif service.kind == "postgres":
        yield Check(name=name, container=place, ask=partial(_connect_postgres, settings, service))
    elif service.kind == "redis":
        yield Check(name=name, container=place, ask=partial(_connect_redis, settings, service))
    elif service.pid_file:
        yield Check(name=name, ask=partial(_process_lives, settings.root / service.pid_file))
    elif place:
        yield Check(name=name, container=place, ask=partial(_container_runs, place))


def _addresses(settings: Settings, service: Service) -> Iterator[Check]:
    ca = settings.file(service.ca) if service.ca else None
    try:
        base = settings.resolve(service.url)
    except TargetError as error:
        outcome = Outcome(healthy=False, detail=error.message)
        yield Check(name=service.name, url=service.url, ask=lambda _seconds: outcome)
        return
    for path in service.health or ("/",):
        url = join(base, path)
        yield Check(name=f"{service.name} {path}", url=url, ask=partial(_expect_2xx, url, ca))


def _of_dependency(settings: Settings, one: Dependency) -> Check:
    ca = settings.file(one.ca) if one.ca else None
    if one.url.startswith(("http://", "https://")):
        return Check(name=one.name, url=one.url, ask=partial(_expect_2xx, one.url, ca))
    return Check(name=one.name, url=one.url, ask=partial(_reach, one.url, ca))


def _reach(url: str, ca: Path | None, seconds: float) -> Outcome:
    """Return whether a name resolves, a port accepts, TLS is trusted: as far as the scheme asks for."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = resolve(host, parts.port or 443, seconds)
    if parts.scheme == "dns":
        return Outcome(healthy=True, detail=", ".join(dict.fromkeys(one.host for one in addresses)))
    attempt = connect_any(addresses, seconds)
    if attempt.sock is None:
        return Outcome(healthy=False, detail=attempt.message)
    if parts.scheme != "tls":
        attempt.sock.close()
        return Outcome(healthy=True, detail=f"{attempt.address.text} accepts connections")
    with wrap(attempt.sock, host, context_for(ca), seconds) as secured:
        return Outcome(healthy=True, detail=f"{secured.version()} with a trusted certificate")


def _connect_postgres(settings: Settings, service: Service, _seconds: float) -> Outcome:
    from incident_lib.technologies.postgres.connect import open_postgres

    session = open_postgres(settings, service)
    vantage, refused = session.vantage, session.refused_database
    session.close()
    if refused:  # another database of the server let us in, which helps nobody who uses this one
        return Outcome(healthy=False, detail=f"{refused}; its server answers")
    return Outcome(healthy=True, detail=f"accepts connections: {vantage}")


def _connect_redis(settings: Settings, service: Service, _seconds: float) -> Outcome:
    from incident_lib.technologies.redis.connect import open_session

    session = open_session(settings, service)
    problem, vantage = session.info_problem, session.vantage
    session.close()
    if problem:
        return Outcome(healthy=False, detail=problem.message)
    return Outcome(healthy=True, detail=f"answers: {vantage}")


def _container_runs(container: str, seconds: float) -> Outcome:
    from incident_lib.connections.docker import open_engine

    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        state = engine.inspect(container)["State"]
    finally:
        engine.close()
    health = state.get("Health", {}).get("Status", "")
    well = state["Status"] == "running" and health != "unhealthy"
    return Outcome(healthy=well, detail=", ".join(filter(None, (state["Status"], health))))


def _process_lives(pid_file: Path, _seconds: float) -> Outcome:
    try:
        pid = int(pid_file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return Outcome(healthy=False, detail=f"{pid_file} holds no process id")
    import psutil

    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return Outcome(healthy=False, detail=f"process {pid} is not there")
    except psutil.AccessDenied:
        return Outcome(healthy=True, detail=f"process {pid} lives")
    well = status not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED}
    return Outcome(healthy=well, detail=f"process {pid} is {status}")
