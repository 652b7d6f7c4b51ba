"""The health check: every check at once, each within the time-out, and the report of them.

Nothing heavy is imported here: a check imports its driver when it runs, in its own thread.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.urls import safe_url
from incident_lib.errors import RedactionError, TargetError, WorkbenchError
from incident_lib.redact import Redactor
from incident_lib.units import format_duration

T = TypeVar("T")
_GRACE_SECONDS = 0.2  # for a check to say by itself why it gave up


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. `http_code` is None where there was no answer."""

    healthy: bool
    detail: str = ""
    http_code: int | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at. `ask` gets the seconds it may take."""

    name: str
    ask: Callable[[float], Outcome]
    url: str = ""  # either this
    container: str = ""  # or this is shown


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A check with its outcome."""

    check: Check
    outcome: Outcome
    seconds: float

    @property
    def status(self) -> str:
        """One of two words."""
        return "healthy" if self.outcome.healthy else "unhealthy"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All results, in the order of the checks."""

    at: datetime
    services: dict[str, str]
    results: tuple[Result, ...]
    containers: tuple[dict[str, str], ...] | None = None  # None where no engine said in time

    @property
    def unhealthy(self) -> int:
        """How many are not well."""
        return sum(not result.outcome.healthy for result in self.results)

    @property
    def status(self) -> str:
        """One word for all."""
        return "unhealthy" if self.unhealthy else "healthy"


def run_checks(checks: Sequence[Check], seconds: float) -> tuple[Result, ...]:
    """Return what each check found, all begun at once; what has not ended in time is unhealthy.

    A check that hangs is left behind in its thread, because nothing can break off a name that hangs.
    """
    done: queue.SimpleQueue[tuple[int, Result]] = queue.SimpleQueue()
    started = clock.monotonic()
    for position, check in enumerate(checks):
        thread = threading.Thread(target=_run, args=(position, check, seconds, done), daemon=True)
        thread.start()
    found: dict[int, Result] = {}
    while len(found) < len(checks):
        left = started + seconds + _GRACE_SECONDS - clock.monotonic()
        try:
            position, result = done.get(timeout=max(0.0, left))
        except queue.Empty:
            break
        found[position] = result
    late = Outcome(healthy=False, detail=f"no answer within {format_duration(seconds)}")
    return tuple(
        found.get(position) or Result(check=check, outcome=late, seconds=seconds)
        for position, check in enumerate(checks)
    )


def _run(position: int, check: Check, seconds: float, done: "queue.SimpleQueue[tuple[int, Result]]") -> None:
    started = clock.monotonic()
    try:
        outcome = check.ask(seconds)
    except TargetError as error:
        advice = f" ({error.advice})" if error.advice else ""
        outcome = Outcome(healthy=False, detail=f"{error.message}{advice}")
    except (WorkbenchError, OSError, ValueError) as error:
        outcome = Outcome(healthy=False, detail=f"the check itself failed: {error}")
    done.put((position, Result(check=check, outcome=outcome, seconds=clock.monotonic() - started)))


def begin(ask: Callable[[float], T], seconds: float) -> Callable[[], T | None]:
    """Return a function that waits for what `ask` answers, for `seconds` from now; None where it cannot."""
    answers: queue.SimpleQueue[T | None] = queue.SimpleQueue()
    until = clock.monotonic() + seconds + _GRACE_SECONDS

    def answer() -> None:
        """Put the answer where it is waited for; None where there is none."""
        try:
            answers.put(ask(seconds))
        except (WorkbenchError, OSError, ValueError):
            answers.put(None)

    def wait() -> T | None:
        """Return the answer, None if it does not come in time."""
        try:
            return answers.get(timeout=max(0.0, until - clock.monotonic()))
        except queue.Empty:
            return None

    threading.Thread(target=answer, daemon=True).start()
    return wait


def document(report: Report, redactor: Redactor) -> dict[str, Any]:
    """Return the report as the JSON that scripts read. Errors: RedactionError, and then nothing is shown."""
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
    check, outcome = result.check, result.outcome
    if not check.url:
        return {
            "name": check.name,
            "container": check.container,
            "status": result.status,
            "detail": outcome.detail,
        }
    return {
        "name": check.name,
        "url": safe_url(check.url),
        "status": result.status,
        "http_code": outcome.http_code,
        "response_time_ms": round(result.seconds * 1000),
        "detail": outcome.detail,
    }


def _shown(place: str) -> str:
    return safe_url(place) if "://" in place else place


def redactor_of(settings: Settings) -> Redactor:
    """Return what hides the configured secrets, and what looks like one."""
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
        text = f"{entry['name']:{names}}  {_place(entry):{places}}  {_said(entry)}"
        yield entry["status"], text.rstrip()


def _place(entry: dict[str, Any]) -> str:
    return str(entry.get("url") or entry.get("container") or "")


def _said(entry: dict[str, Any]) -> str:
    if "http_code" not in entry:
        return " ".join(str(entry["detail"]).split())
    code = "---" if entry["http_code"] is None else str(entry["http_code"])
    detail = "  " + " ".join(entry["detail"].split()) if entry["detail"] else ""
    return f"{code}  {entry['response_time_ms']:>5} ms{detail}"
