"""Which services run here, detected from their containers: the content of a first workbench.toml."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from incident_lib.config import Service, parse
from incident_lib.connections.places.container import DockerEngine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.investigation.names import name_services
from incident_lib.redact.found import secrets_in_environment
from incident_lib.redact.known import ORDINARY, parts
from incident_lib.technologies import Technology, table

_BESIDE = ("exporter", "admin", "insight", "commander", "bouncer", "pool", "backup")
_FRONTEND = ("frontend", "nginx", "caddy", "httpd", "web", "www", "ui")
_FRONTEND_PORTS = {80, 443, 3000, 4173, 5173, 8080}
_TLS_PORTS = {443, 8443}
_HOST = re.compile(r"://(?:[^@/\s]*@)?\[?([\w.-]+)")
_HOST_NAMES = re.compile(r"(?:^|_)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT)S?$", re.IGNORECASE)
_HEALTH_PATH = re.compile(r"https?://[\w.:\[\]-]+(/[\w./-]*)")
_HERE = {"localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal"}  # noqa: S104 - read, not bound
_PUBLIC = (
    "POSTGRES_USER",
    "POSTGRES_DB",
    "PGUSER",
    "PGDATABASE",
    "MYSQL_USER",
    "MYSQL_DATABASE",
    "REDIS_USER",
)
_IDENTITY = re.compile(r"[0-9a-f]{12,64}")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A service that was found, and its source. Of its environment, only names."""

    service: Service
    image: str = ""
    project: str = ""
    ports: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()  # names of variables that point to something outside
    readable: bool = False  # its password is an ordinary word or a name, so it cannot be hidden everywhere
    hint: str = ""  # a line that people may want in workbench.toml

    @property
    def about(self) -> str:
        """What it was detected from."""
        parts = [f"{self.service.container}: image {self.image}"]
        parts += [f"ports {', '.join(self.ports)}"] if self.ports else []
        parts += [f"compose project {self.project}"] if self.project else []
        return ", ".join(parts)


def discover() -> tuple[Candidate, ...]:
    """Return what runs here, backends before what they need. Errors: TargetError without an engine.

    Source: GET /containers/json and GET /containers/NAME/json. Environments are read in memory: only
    the names of other containers in their values are kept.
    """
    engine = DockerEngine().open()
    try:
        running = []
        for name in engine.names():
            try:
                about = engine.inspect(name)
            except TargetError as error:
                if error.kind is not ProblemKind.NOT_FOUND:  # gone since the list was fetched
                    raise
                continue
            if (about.get("State") or {}).get("Running"):
                running.append(about)
    finally:
        engine.close()
    return describe(running)


def describe(running: Iterable[dict[str, Any]]) -> tuple[Candidate, ...]:
    """Return the services of these containers (as inspected)."""
    containers = list(running)
    names = name_services([(_name(about), _labels(about)) for about in containers])
    known = [(name, about, _known_as(about)) for name, about in zip(names, containers, strict=True)]
    needs: dict[str, tuple[str, ...]] = {}
    found = []
    for name, about, _ in known:
        needed, outside = _needs(
            about, [(other, whole, also) for other, whole, also in known if other != name]
        )
        needs[name] = tuple(other for other in needed if not _reaches(other, name, needs))
        found.append(_candidate(name, about, needs[name], outside))
    order = list(table().kinds)
    return tuple(sorted(found, key=lambda new: (order.index(new.service.kind), not new.service.depends_on)))


def _candidate(
    name: str, about: dict[str, Any], needs: tuple[str, ...], outside: tuple[str, ...]
) -> Candidate:
    image = str((about.get("Config") or {}).get("Image", ""))
    published = _published(about)
    technology = recognize(image, _tcp_ports(about))
    url, hint = "", ""
    health: tuple[str, ...] = ()
    if technology and technology.kind and technology.discovery:
        kind, hint = technology.kind.name, technology.discovery.hint
        outer = dict(published).get(technology.discovery.port)
        url = technology.discovery.url.format(port=outer) if outer else ""
    elif published:
        kind, (inside, outer) = "http", published[0]
        url = f"{'https' if inside in _TLS_PORTS else 'http'}://localhost:{outer}"
        health = (_health_path(about) or ("/" if _is_frontend(f"{name} {image}", inside) else "/health"),)
    else:
        kind = "process"  # without a published port there is no permanent address
    return Candidate(
        service=Service(
            name=name, kind=kind, url=url, health=health, container=_name(about), depends_on=needs
        ),
        image=image,
        project=_labels(about).get("com.docker.compose.project", ""),
        ports=tuple(f"{outer}->{inside}" for inside, outer in published),
        outside=outside,
        readable=_has_readable_password(name, about),
        hint=hint,
    )


def _has_readable_password(name: str, about: dict[str, Any]) -> bool:
    entries = [entry.partition("=") for entry in (about.get("Config") or {}).get("Env") or ()]
    environment = {variable: value for variable, _, value in entries}
    ordinary = {name, *_known_as(about), *(environment.get(key, "") for key in _PUBLIC)}
    folded = {word.casefold() for word in ordinary} | ORDINARY
    secrets = secrets_in_environment(environment, also_words=True)
    return any(part.casefold() in folded for secret in secrets for part in parts(secret))


def recognize(image: str, ports: Iterable[int]) -> Technology | None:
    """Return the technology that a container most likely runs, None for an application.

    >>> postgres, redis = recognize("postgis/postgis:16", [80]), recognize("valkey@sha256:0a", [80])
    >>> postgres.name, redis.name
    ('postgres', 'redis')
    >>> recognize("shop:1", [80]), recognize("monitoring/postgres-exporter:v0.15", [9187])
    (None, None)
    """
    name, offered = re.split("[:@]", image.rsplit("/", 1)[-1], maxsplit=1)[0].lower(), set(ports)
    if any(word in name for word in _BESIDE):
        return None
    for technology in table().technologies:
        discovery = technology.discovery
        if discovery and (any(word in name for word in discovery.images) or discovery.port in offered):
            return technology
    return None


def _is_frontend(text: str, port: int) -> bool:
    return port in _FRONTEND_PORTS and any(word in re.split(r"[\W_]+", text.lower()) for word in _FRONTEND)


def _name(about: dict[str, Any]) -> str:
    return str(about.get("Name", "")).lstrip("/")


def _labels(about: dict[str, Any]) -> dict[str, str]:
    return (about.get("Config") or {}).get("Labels") or {}


def _tcp_ports(about: dict[str, Any]) -> list[int]:
    exposed = (about.get("Config") or {}).get("ExposedPorts") or {}
    bound = (about.get("NetworkSettings") or {}).get("Ports") or {}
    return sorted({int(port.split("/")[0]) for port in {*exposed, *bound} if port.endswith("/tcp")})


def _published(about: dict[str, Any]) -> list[tuple[int, int]]:
    """Return pairs of the port inside the container and the one on this machine."""
    bound = (about.get("NetworkSettings") or {}).get("Ports") or {}
    pairs = {
        (int(port.split("/")[0]), int(where["HostPort"]))
        for port, places in bound.items()
        if port.endswith("/tcp")
        for where in places or ()
    }
    return sorted(pairs)


def _health_path(about: dict[str, Any]) -> str:
    test = ((about.get("Config") or {}).get("Healthcheck") or {}).get("Test") or ()
    match = _HEALTH_PATH.search(" ".join(test))
    return match[1] if match else ""


def _networks(about: dict[str, Any]) -> dict[str, Any]:
    return (about.get("NetworkSettings") or {}).get("Networks") or {}


def _known_as(about: dict[str, Any]) -> set[str]:
    """Return the names under which other containers may reach it."""
    names = {_name(about), _labels(about).get("com.docker.compose.service", "")}
    for settings in _networks(about).values():
        names |= {*(settings.get("Aliases") or ()), *(settings.get("DNSNames") or ())}
        names.add(settings.get("IPAddress") or "")
    return {name for name in names if name and not _IDENTITY.fullmatch(name)}


def _needs(
    about: dict[str, Any], others: list[tuple[str, dict[str, Any], set[str]]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the services that its environment points to, and the variables that point outside."""
    reachable = [
        (name, known) for name, other, known in others if set(_networks(about)) & set(_networks(other))
    ]
    needed = dict.fromkeys(
        name
        for label in _labels(about).get("com.docker.compose.depends_on", "").split(",")
        for name, known in reachable
        if label.split(":")[0] in known
    )
    own, outside = _known_as(about) | _HERE, []
    for variable, host in _hosts((about.get("Config") or {}).get("Env") or ()):
        found = [name for name, known in reachable if host in known]
        needed.update(dict.fromkeys(found))
        if not found and host not in own and "." in host:
            outside.append(variable)
    return tuple(needed), tuple(dict.fromkeys(outside))


def _hosts(environment: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that holds an address, and its host."""
    for entry in environment:
        variable, _, value = entry.partition("=")
        for host in _HOST.findall(value):
            yield variable, host
        if _HOST_NAMES.search(variable) and "://" not in value:
            yield variable, value.split(":")[0]


def _reaches(start: str, goal: str, needs: dict[str, tuple[str, ...]]) -> bool:
    return start == goal or any(_reaches(needed, goal, needs) for needed in needs.get(start, ()))


def common_stack() -> tuple[Candidate, ...]:
    """Return the four services that most teams have."""
    from incident_lib.config.tables import common_stack as assumed

    hints = {
        each.kind.name: each.discovery.hint for each in table().technologies if each.kind and each.discovery
    }
    return tuple(
        Candidate(service=service, hint=hints.get(service.kind, "")) for service in assumed().service
    )


def render_configuration(candidates: tuple[Candidate, ...], *, found: bool) -> str:
    """Return the text of a workbench.toml that loads. Source: templates/workbench.toml.j2."""
    import json

    import jinja2

    from incident_lib.resources import resource

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - TOML, where every value goes through `quote` or `comment`
    )
    environment.filters["quote"] = lambda text: json.dumps(str(text), ensure_ascii=False)
    environment.filters["comment"] = lambda text: re.sub(r"[\x00-\x1f\x7f]+", " ", str(text))
    text = environment.get_template("workbench.toml.j2").render(candidates=candidates, found=found)
    parse(text, kinds=table().kinds)
    return text
