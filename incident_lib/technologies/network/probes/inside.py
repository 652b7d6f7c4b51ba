"""Names, ports and TLS as a service in a container sees them: its network and its store are its own."""

import functools
import json
from importlib.resources import files
from pathlib import Path

import msgspec

from incident_lib.config import Kinds, Service, Settings
from incident_lib.connections.docker import Engine, open_engine
from incident_lib.connections.names import is_literal, to_ascii
from incident_lib.connections.places import inside
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Row, Truncation, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.network.probes.inside_answers import rows_of_python
from incident_lib.technologies.network.probes.inside_shell import rows_of_shell
from incident_lib.technologies.network.probes.needed import Needed, Wanted, names_of, needed_places
from incident_lib.technologies.network.probes.place import place_of

_MOST = 10
_EACH_SECONDS = 4.0
_ALL_SECONDS = 9.0
_AUTHORITY_BYTES = 60_000  # what fits into an argument with the rest


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """A service in a container, and what it needs."""

    container: str
    wanted: tuple[Wanted, ...]
    discover: bool = True  # whether its environment may be read for addresses
    kinds: Kinds = {}


def fetch_inside(about: Inside, engine: Engine, _window: Window) -> Fetched:
    """Return how the dependencies of a service look from inside its container.

    Source: one process in the container, python3 of its image, else its shell with getent, bash or nc, and
    openssl. Shape: a NameAnswer, PortAnswers and TlsAnswers for each dependency that an address is known of.
    Needs: the Docker engine. Cost: that process, at most 9 s. Errors: TargetError UNSUPPORTED where the image
    has neither, or has no memory left for it, NOT_FOUND, REFUSED where it does not run, NO_ENGINE.
    """
    details = engine.inspect(about.container)
    everything = _needed(engine, about, details)
    asked = everything[:_MOST]
    if not asked:
        known = "nothing says where it looks for what it needs"
        raise TargetError(
            ProblemKind.SKIPPED, known, "name its dependencies by an address that holds there too"
        )
    python = ("python3", "-I", "-S", "-B", "-c", _text("view_inside.py"), json.dumps(_questions(asked)))
    shell = ("sh", "-c", _text("view_inside.sh"), "look", f"{_EACH_SECONDS:.0f}", *_words(asked))
    way, result = inside.look(
        engine,
        about.container,
        python=python,
        shell=shell,
        room_bytes=inside.room_bytes(engine, about.container, details),
        seconds=_ALL_SECONDS,
    )
    read = rows_of_python if way == "python" else rows_of_shell
    rows, missing = read(result.stdout.decode("utf-8", "replace"), asked, about.container)
    return Fetched(
        rows=rows,
        source=_source(way, asked, about.container),
        problem=_problem(rows, missing, result.stderr),
        truncated=Truncation(kept=_MOST, total=len(everything)) if len(everything) > _MOST else None,
    )


def _needed(engine: Engine, about: Inside, details: dict[str, object]) -> tuple[Needed, ...]:
    host, config = details.get("HostConfig"), details.get("Config")
    mode = str(host.get("NetworkMode") or "") if isinstance(host, dict) else ""
    pairs = (config.get("Env") or ()) if isinstance(config, dict) and about.discover else ()
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    known_as = {one.name: _names(engine, one.container) for one in about.wanted if one.container}
    return needed_places(
        about.wanted, environment, on_host=mode == "host", known_as=known_as, kinds=about.kinds
    )


def _names(engine: Engine, container: str) -> set[str]:
    try:
        return names_of(engine.inspect(container))
    except TargetError:
        return set()  # it is gone, which its own probes say


def _questions(asked: tuple[Needed, ...]) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "host": to_ascii(one.place.host),
            "port": one.place.port or 0,
            "tls": one.place.uses_tls,
            "ca": _authority(one.place.ca),
            "seconds": _EACH_SECONDS,
        }
        for number, one in enumerate(asked)
    ]


def _authority(path: Path | None) -> str:
    """Return the certificate of a declared authority, which is public; "" where it cannot be read or sent."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return ""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    certificates = [part.partition(end)[0] for part in text.split(begin)[1:]]
    public = "\n".join(f"{begin}{part}{end}" for part in certificates)
    return public if len(public) <= _AUTHORITY_BYTES else ""


def _words(asked: tuple[Needed, ...]) -> tuple[str, ...]:
    return tuple(
        word
        for number, one in enumerate(asked)
        for word in (
            str(number),
            to_ascii(one.place.host),
            str(one.place.port or 0),
            str(int(one.place.uses_tls)),
        )
    )


def _text(name: str) -> str:
    return (files("incident_lib.connections.places") / name).read_text(encoding="utf-8")


def _source(way: str, asked: tuple[Needed, ...], container: str) -> str:
    what = "python3" if way == "python" else "sh with getent, bash or nc, openssl"
    places = "; ".join(
        f"{one.dependency} at {one.place.host}:{one.place.port or ''} ({one.told_by})" for one in asked
    )
    return f"{what}, inside {container}: {places}"


def _problem(rows: tuple[Row, ...], missing: tuple[str, ...], stderr: bytes) -> Problem | None:
    if not rows:
        said = stderr.decode("utf-8", "replace").strip().splitlines()
        raise TargetError(
            ProblemKind.PROTOCOL, f"the look from inside gave no answer: {said[-1:] or 'nothing'}"
        )
    if not missing:
        return None
    return Problem(
        kind=ProblemKind.UNSUPPORTED,
        message=f"not seen from inside: {', '.join(missing)}",
        advice="the image lacks the tools; python3 in it would see all",
    )


INSIDE = Probe(
    name="network.inside",
    fetch=functools.partial(fetch_inside, Inside(container="", wanted=())),
    question="How do its dependencies look from inside the container: name, port, TLS?",
    source="names, ports and TLS with python3, else sh, inside the container",
    needs="the right to use the Docker engine",
    cost="one short process in the container, where its memory limit leaves room; a connection or a few to "
    "each dependency",
    deadline_seconds=_ALL_SECONDS + 2.0,
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each service in a container that needs something."""
    found = ((service, _wanted(settings, service)) for service in settings.services if service.container)
    return tuple(_lane(settings, service, wanted) for service, wanted in found if wanted)


def _wanted(settings: Settings, service: Service) -> tuple[Wanted, ...]:
    services = {one.name: one for one in settings.services}
    outside = {one.name: one for one in settings.dependencies}
    found = []
    for name in service.depends_on:
        if name in outside:
            found.append(Wanted(name=name, kind="outside", place=place_of(settings, outside[name])))
        elif name in services:
            one = services[name]
            place = place_of(settings, one)
            found.append(Wanted(name=name, kind=one.kind, place=place, container=one.container))
    return tuple(one for one in found if _can_be_known(one))


def _can_be_known(wanted: Wanted) -> bool:
    """Return whether an address may be found: an address of a place without a port is a name to resolve."""
    place = wanted.place
    return wanted.kind != "outside" or (
        place is not None and (place.port is not None or not is_literal(place.host))
    )


def _lane(settings: Settings, service: Service, wanted: tuple[Wanted, ...]) -> Lane:
    discover = settings.document.workbench.discover_credentials
    about = Inside(container=service.container, wanted=wanted, discover=discover, kinds=settings.kinds)
    probe = msgspec.structs.replace(INSIDE, fetch=functools.partial(fetch_inside, about))
    return Lane(target=service.name, open=open_engine, probes=(probe,), name="network-inside")
