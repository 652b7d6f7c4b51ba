"""Health checks of what answers HTTP: every health address must answer 2xx."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections import http
from incident_lib.connections.urls import join
from incident_lib.errors import TargetError
from incident_lib.probes.health import HealthAnswer, HealthCheck, plain
from incident_lib.technologies.http.readiness import parse_parts


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield a check for each health address of a service, and one for a dependency that speaks HTTP."""
    ca = settings.file(target.ca) if target.ca else None
    if isinstance(target, Dependency):
        if target.url.startswith(("http://", "https://")):
            yield HealthCheck(name=target.name, url=target.url, ask=partial(expect_2xx, target.url, ca))
        return
    if target.kind != "http" or not target.url:
        return
    try:
        base = settings.resolve(target.url)
    except TargetError as error:
        answer = HealthAnswer(healthy=False, detail=error.message)
        yield HealthCheck(name=target.name, url=target.url, ask=lambda _seconds: answer)
        return
    for path in target.health or ("/",):
        url = join(base, path)
        yield HealthCheck(name=f"{target.name} {path}", url=url, ask=partial(expect_2xx, url, ca))


def expect_2xx(url: str, ca: Path | None, seconds: float) -> HealthAnswer:
    """Return whether `url` answers 2xx, redirects followed."""
    answer = http.get(url, seconds=seconds, ca=ca)
    return _judged(answer, well=answer.status is not None and 200 <= answer.status < 300)


def expect_200(url: str, seconds: float) -> HealthAnswer:
    """Return whether `url` itself answers 200."""
    answer = http.get(url, seconds=seconds, redirects=0)
    return _judged(answer, well=answer.status == 200)


def _judged(answer: http.Answer, *, well: bool) -> HealthAnswer:
    if answer.error:
        return HealthAnswer(healthy=False, detail=answer.error.message)
    return HealthAnswer(healthy=well, detail="" if well else _start(answer.body), http_code=answer.status)


def _start(body: bytes) -> str:
    """Return the broken parts that a body names, else its beginning; of a page nothing."""
    text = body.decode("utf-8", "replace").strip()
    if broken := [part for part in parse_parts(text) if not part.ok]:
        return plain("; ".join(f"{part.name} is {part.text}" for part in broken))
    return "" if text.startswith("<") else plain(text)
