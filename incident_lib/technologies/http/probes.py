"""HTTP: every health address of a target requested at once, with the time of each phase."""

import functools
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections import bounded, http
from incident_lib.connections.session import NoSession
from incident_lib.connections.urls import join, safe_url
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.http.readiness import parse_parts
from incident_lib.technologies.http.rows import HttpAnswer

_SAMPLES = 3
_FAST_SECONDS = 1.0  # slower addresses are requested once, to spare a sick server
_GRACE_SECONDS = 1.0
_START_CHARACTERS = 500
_HEADERS = ("via", "x-cache", "age", "cf-ray", "x-served-by", "x-forwarded-for", "retry-after", "location")


class HttpSession(NoSession):
    """The addresses of one target. Each request makes a connection of its own."""

    def __init__(self, urls: tuple[str, ...], ca: Path | None, seconds: float) -> None:
        super().__init__()
        self.urls = urls
        self.ca = ca
        self.seconds = seconds


def fetch_health(session: HttpSession, _window: Window, *, once: bool = False) -> Fetched:
    """Return what came of each health address, also where nothing did.

    Source: GET, redirects on the same host followed. Shape: one HttpAnswer an address.
    Cost: one request an address, up to three where the first took less than a second and not just `once`.
    Errors: TargetError with the first one's kind where not one address could be connected to; not if `once`,
    as that all fail is a number too.
    """
    deadline = clock.monotonic() + session.seconds
    fetch = functools.partial(_fetch, ca=session.ca, deadline=deadline, most=1 if once else _SAMPLES)
    results = bounded.call_each(fetch, session.urls, session.seconds + _GRACE_SECONDS)
    connected = once or any(answer.connected for answer, _ in results)
    if not connected and (error := results[0][0].error):
        raise error
    cut = any(answer.truncated for answer, _ in results)
    return Fetched(
        rows=tuple(_row(answer, samples) for answer, samples in results),
        source="; ".join(f"GET {safe_url(url)}" for url in session.urls),
        truncated=Truncation(kept=http.BODY_LIMIT_BYTES, unit="bytes of a body") if cut else None,
    )


def _fetch(url: str, *, ca: Path | None, deadline: float, most: int) -> tuple[http.Answer, tuple[float, ...]]:
    """Return the first answer, and what each of up to `most` requests took in all."""
    answer = http.get(url, seconds=deadline - clock.monotonic(), ca=ca)
    samples = [answer.total_seconds]
    if answer.status is None or answer.status >= 300 or answer.total_seconds >= _FAST_SECONDS:
        return answer, tuple(samples)
    while len(samples) < most and (left := deadline - clock.monotonic()) > 0:
        again = http.get(url, seconds=left, ca=ca)
        if again.error:
            break
        samples.append(again.total_seconds)
    return answer, tuple(samples)


def _row(answer: http.Answer, samples: tuple[float, ...]) -> HttpAnswer:
    error, headers, phases = answer.error, answer.headers, answer.phases
    text = answer.body.decode("utf-8", "replace")
    url = safe_url(answer.url)
    return HttpAnswer(
        url=url,
        path="/" + url.partition("://")[2].partition("/")[2].partition("?")[0],
        status=answer.status,
        http_version=answer.version,
        name_seconds=phases.get("name"),
        connect_seconds=phases.get("connect"),
        tls_seconds=phases.get("tls"),
        first_byte_seconds=phases.get("first_byte"),
        body_seconds=phases.get("body"),
        total_seconds=answer.total_seconds,
        sample_seconds=samples,
        error_kind=error.kind if error else None,
        error=error.message if error else "",
        silent=answer.silent,
        parts=parse_parts(text),
        redirects=answer.redirects,
        server=headers.get("server"),
        headers={name: safe_url(headers[name]) for name in _HEADERS if name in headers},
        content_type=headers.get("content-type"),
        body_bytes=len(answer.body) if answer.status is not None else None,
        body_truncated=answer.truncated,
        clock_difference_seconds=answer.clock.seconds if answer.clock else None,
        clock_error_seconds=answer.clock.error_seconds if answer.clock else None,
        body_start="" if answer.status is None or answer.status < 300 else excerpt(text, _START_CHARACTERS),
    )


PROBES = (
    Probe(
        name="http.health",
        fetch=fetch_health,
        question="Does it answer, how, and how fast?",
        source="GET on every health address",
        cost="one request per address, up to three if it is quick",
        deadline_seconds=10.0 + _GRACE_SECONDS,
        in_watch={"once": True},
    ),
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each http service and each outside dependency that speaks HTTP.

    A service without any address has one too, which reports that: it must not seem well.
    """
    services = (service for service in settings.services if _speaks_http(service) or _is_nowhere(service))
    outside = (
        dependency
        for dependency in settings.dependencies
        if dependency.url.startswith(("http://", "https://"))
    )
    targets: tuple[Service | Dependency, ...] = (*services, *outside)
    return tuple(_lane(settings, target) for target in targets)


def _speaks_http(service: Service) -> bool:
    return service.kind == "http" and bool(service.url)


def _is_nowhere(service: Service) -> bool:
    places = (service.url, service.container, service.pid_file, service.log, service.journal)
    return service.kind in {"http", "process"} and not any(places)


def health_urls(settings: Settings, target: Service | Dependency) -> tuple[str, ...]:
    """Return the addresses that must answer. Errors: TargetError NOT_CONFIGURED for a reference not set."""
    base = settings.resolve(target.url)
    if isinstance(target, Dependency):
        return (base,)
    return tuple(join(base, path) for path in target.health or ("/",))


def open_session(settings: Settings, target: Service | Dependency) -> HttpSession:
    """Return the addresses of `target`. Connects to nothing yet. Errors: TargetError NOT_CONFIGURED."""
    if isinstance(target, Service) and _is_nowhere(target):
        message = f"no address of {target.name} is configured"
        raise TargetError(ProblemKind.NOT_CONFIGURED, message, "set url, container, pid_file, log or journal")
    ca = settings.file(target.ca) if target.ca else None
    urls = health_urls(settings, target)
    if not all(url.startswith(("http://", "https://")) for url in urls):
        raise TargetError(
            ProblemKind.NOT_CONFIGURED, f"the url of {target.name} does not start with http:// or https://"
        )
    return HttpSession(urls, ca, settings.limits.http_seconds)


def _lane(settings: Settings, target: Service | Dependency) -> Lane:
    probe = msgspec.structs.replace(
        PROBES[0],
        source=_source(settings, target),
        deadline_seconds=settings.limits.http_seconds + _GRACE_SECONDS,
    )
    opening = functools.partial(open_session, settings, target)
    return Lane(target=target.name, open=opening, probes=(probe,), name="http")


def _source(settings: Settings, target: Service | Dependency) -> str:
    """Return what will be sent, for the evidence of a target that cannot be reached."""
    try:
        return "; ".join(f"GET {safe_url(url)}" for url in health_urls(settings, target))
    except TargetError:
        return PROBES[0].source
