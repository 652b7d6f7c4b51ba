"""The health check: the six checks of the script, or everything that is configured, in parallel."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from incident_lib import clock, units
from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections.bounded import Call
from incident_lib.connections.urls import join, safe_url
from incident_lib.errors import ProblemKind, RedactionError, WorkbenchError
from incident_lib.investigation.collect import collect
from incident_lib.model import Evidence, Window
from incident_lib.probes.health import HealthAnswer, HealthCheck, lane_of
from incident_lib.redact import Redactor
from incident_lib.technologies import table
from incident_lib.technologies.docker.health import expect_output
from incident_lib.technologies.http.health import expect_200

T = TypeVar("T")
_GRACE_SECONDS = 0.2  # time for a check to report why it gave up


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A check with its result."""

    check: HealthCheck
    answer: HealthAnswer
    seconds: float

    @property
    def status(self) -> str:
        """`healthy` or `unhealthy`."""
        return "healthy" if self.answer.healthy else "unhealthy"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All results, in the order of the checks."""

    at: datetime
    services: dict[str, str]
    results: tuple[Result, ...]
    containers: tuple[dict[str, str], ...] | None = None  # None if no engine answered in time

    @property
    def unhealthy(self) -> int:
        """How many are not healthy."""
        return sum(not result.answer.healthy for result in self.results)

    @property
    def status(self) -> str:
        """`healthy` or `unhealthy`, for all together."""
        return "unhealthy" if self.unhealthy else "healthy"


def script_checks(backend: str, frontend: str, db: str, redis: str) -> tuple[HealthCheck, ...]:
    """Return the six usual checks: four addresses that must answer 200, and two containers."""
    pages = (
        ("Backend Liveness", join(backend, "/health")),
        ("Backend Readiness", join(backend, "/health/ready")),
        ("Backend API", join(backend, "/api/v1/")),
        ("Frontend", join(frontend, "/")),
    )
    ready = ("pg_isready", "-U", "postgres")
    ping = ("redis-cli", "ping")
    return (
        *(HealthCheck(name=name, url=url, ask=partial(expect_200, url)) for name, url in pages),
        HealthCheck(name="PostgreSQL", container=db, ask=partial(expect_output, db, ready, "")),
        HealthCheck(name="Redis", container=redis, ask=partial(expect_output, redis, ping, "PONG")),
    )


def configured_checks(settings: Settings) -> tuple[HealthCheck, ...]:
    """Return the checks of everything that is configured: for each target those of the first technology."""
    targets: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    return tuple(check for target in targets for check in _checks_of(settings, target))


def _checks_of(settings: Settings, target: Service | Dependency) -> tuple[HealthCheck, ...]:
    for technology in table().technologies:
        if found := tuple(technology.health(settings, target)):
            return found
    return ()


def places(settings: Settings) -> dict[str, str]:
    """Return the address of each configured service and dependency, unless it is a secret."""
    services = {
        service.name: service.container or _open_address(service.url) for service in settings.services
    }
    return services | {dependency.name: dependency.url for dependency in settings.dependencies}


def _open_address(url: str) -> str:
    return "" if url.startswith(("env:", "file:")) else url


def run_checks(checks: Sequence[HealthCheck], seconds: float) -> tuple[Result, ...]:
    """Return what each check found, all started at once; a check that did not finish in time is unhealthy."""
    now = clock.now()
    named = [msgspec.structs.replace(check, name=str(number)) for number, check in enumerate(checks)]
    lanes = tuple(lane_of(check, seconds, grace_seconds=2 * _GRACE_SECONDS) for check in named)
    found = {
        evidence.target: evidence for evidence in collect(lanes, Window(now, now), seconds + _GRACE_SECONDS)
    }
    return tuple(_result(check, found[str(number)], seconds) for number, check in enumerate(checks))


def _result(check: HealthCheck, evidence: Evidence, seconds: float) -> Result:
    answer = next(iter(evidence.of(HealthAnswer)), None)
    problem = evidence.problem
    if answer is None and problem is not None and problem.kind is ProblemKind.DEADLINE:
        detail = f"no answer within {units.format_duration(seconds)}"
        answer = HealthAnswer(healthy=False, detail=detail)
    elif answer is None:
        advice = f" ({problem.advice})" if problem and problem.advice else ""
        answer = HealthAnswer(healthy=False, detail=f"{problem.message if problem else ''}{advice}")
    return Result(check=check, answer=answer, seconds=min(evidence.duration_seconds, seconds))


def begin(ask: Callable[[float], T], seconds: float) -> Callable[[], T | None]:
    """Return a function that waits for the answer of `ask`, for `seconds` from now; None if it fails."""
    until = clock.monotonic() + seconds + _GRACE_SECONDS
    running = Call(partial(ask, seconds))

    def wait() -> T | None:
        """Return the answer, None if it does not come in time."""
        try:
            return running.wait(until - clock.monotonic())
        except (WorkbenchError, OSError, ValueError):
            return None

    return wait


def document(report: Report, redactor: Redactor) -> dict[str, Any]:
    """Return the report as the JSON that scripts read. Errors: RedactionError; then nothing is shown."""
    content = {
        "timestamp": report.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "overall_status": report.status,
        "total_checks": len(report.results),
        "healthy": len(report.results) - report.unhealthy,
        "unhealthy": report.unhealthy,
        "services": {name: _shown(place) for name, place in report.services.items()},
        "results": [_entry(result) for result in report.results],
        "containers": report.containers,
    }
    redacted = redactor.value(content)
    if not isinstance(redacted, dict):
        raise RedactionError("redaction failed, so nothing was written")
    return redacted


def _entry(result: Result) -> dict[str, Any]:
    check, answer = result.check, result.answer
    if not check.url:
        return {
            "name": check.name,
            "container": check.container,
            "status": result.status,
            "detail": answer.detail,
        }
    return {
        "name": check.name,
        "url": safe_url(check.url),
        "status": result.status,
        "http_code": answer.http_code,
        "response_time_ms": round(result.seconds * 1000),
        "detail": answer.detail,
    }


def _shown(place: str) -> str:
    return safe_url(place) if "://" in place else place


def redactor_of(settings: Settings) -> Redactor:
    """Return a redactor that hides the configured secrets and whatever looks like one."""
    return Redactor(settings.secrets(), settings.document.redact.patterns, settings.document.redact.keys)


def lines(content: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield status and text of each line of a report, aligned for people.

    >>> entry = {"name": "Redis", "container": "app-redis", "status": "healthy", "detail": "PONG"}
    >>> list(lines({"results": [entry]}))
    [('healthy', 'Redis  app-redis  PONG')]
    """
    results = content["results"]
    names = max((len(entry["name"]) for entry in results), default=0)
    places = max((len(_place(entry)) for entry in results), default=0)
    for entry in results:
        text = f"{entry['name']:{names}}  {_place(entry):{places}}  {_outcome(entry)}"
        yield entry["status"], text.rstrip()


def _place(entry: dict[str, Any]) -> str:
    return str(entry.get("url") or entry.get("container") or "")


def _outcome(entry: dict[str, Any]) -> str:
    if "http_code" not in entry:
        return " ".join(str(entry["detail"]).split())
    code = "---" if entry["http_code"] is None else str(entry["http_code"])
    detail = "  " + " ".join(entry["detail"].split()) if entry["detail"] else ""
    return f"{code}  {entry['response_time_ms']:>5} ms{detail}"
