"""Judges the answers of health addresses."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Analyzer, Context, finding, ok, reason_of
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.http.rows import HealthPart, HttpAnswer
from incident_lib.units import format_duration

_TITLES = MappingProxyType(
    {
        "refused": "the service refuses connections",
        "timed_out": "the service does not answer in time",
        "unreachable": "the service cannot be reached",
        "reset": "the service closes connections without an answer",
        "silent": "the service accepts connections but sends nothing",
    }
)
_PHASES = MappingProxyType(
    {
        "name_seconds": "resolving the name",
        "connect_seconds": "connecting",
        "tls_seconds": "the TLS handshake",
        "first_byte_seconds": "waiting for the first byte",
        "body_seconds": "receiving the body",
    }
)


def analyze_health(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is wrong with a target's health addresses, or that all answer."""
    rows = evidence.of(HttpAnswer)
    found = [
        *_errors(evidence, rows),
        *_statuses(evidence, rows),
        *_parts(evidence, rows),
        *_slow(evidence, context, rows),
    ]
    yield from found
    yield from _clock(evidence, context, rows)  # an answer may be well while the clock is not
    if rows and not found and all(row.is_well for row in rows):
        yield _ok(evidence, rows)


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield why not one health address could be connected to."""
    kind = evidence.problem.kind if evidence.problem else ProblemKind.BUG
    url = evidence.source.partition("GET ")[2].partition(";")[0].partition("\n")[0]
    advice = evidence.problem.advice if evidence.problem else ""
    detail = ". ".join(part for part in (reason_of(evidence), advice) if part)
    yield finding(
        evidence, kind.value, _severity(kind), _title(kind.value, reason_of(evidence), kind), detail, url=url
    )


def _errors(evidence: Evidence, rows: Sequence[HttpAnswer]) -> Iterator[Finding]:
    groups: dict[str, list[HttpAnswer]] = {}
    for row in rows:
        if row.error_kind:
            groups.setdefault("silent" if row.silent else row.error_kind.value, []).append(row)
    for known, group in groups.items():
        name, first = known, group[0]
        paths = ", ".join(row.path for row in group)
        kind = first.error_kind or ProblemKind.BUG
        title = _title(name, first.error, kind)
        if len(group) < len(rows):
            title = f"{paths}: {title}"
        elif kind is ProblemKind.RESET:
            name = "reset_all"  # before a container whose program is gone, its proxy accepts
        detail = "; ".join(f"{row.path}: {row.error}" for row in group)
        severity = _severity(kind)
        count = len(group)
        yield finding(evidence, name, severity, title, detail, url=first.url, path=first.path, count=count)


def _severity(kind: ProblemKind) -> FindingSeverity:
    return FindingSeverity.UNKNOWN if kind.is_ours else FindingSeverity.CRITICAL


def _title(name: str, message: str, kind: ProblemKind) -> str:
    """Return a title; the messages of names and TLS are specific enough to be one."""
    if kind.is_ours:
        return f"not assessed: {message}"
    return _TITLES.get(name, message)


def _statuses(evidence: Evidence, rows: Sequence[HttpAnswer]) -> Iterator[Finding]:
    bad = [row for row in rows if row.status is not None and row.error_kind is None and not row.is_well]
    if not bad:
        return
    worst = max(bad, key=lambda row: row.status or 0)
    severity = FindingSeverity.CRITICAL if (worst.status or 0) >= 500 else FindingSeverity.WARNING
    title = f"{worst.path} answers {worst.status}{_because(worst)}"
    if len(bad) > 1:
        title = f"{len(bad)} of {len(rows)} health addresses fail: {title}"
    yield finding(
        evidence,
        "status",
        severity,
        title,
        _all_statuses(rows, worst),
        total=len(rows),
        url=worst.url,
        path=worst.path,
        endpoint=worst.path,
        status=worst.status,
        count=len(bad),
    )


def _because(row: HttpAnswer) -> str:
    """Return what the answer itself gives as the reason: its broken parts, or where it redirects to."""
    if broken := [_phrase(part) for part in row.parts if not part.ok]:
        return f": {', '.join(broken[:3])}"
    location = row.headers.get("location")
    return f", leading to {location}" if location and (row.status or 0) < 400 else ""


def _phrase(part: HealthPart) -> str:
    """Return `database is down` for a part whose text goes on with the reason."""
    return f"{part.name} is {part.text.partition(':')[0]}"


def _all_statuses(rows: Sequence[HttpAnswer], worst: HttpAnswer) -> str:
    numbers = "; ".join(
        f"{row.path} {row.status if row.status is not None else 'no answer'}"
        + (f" in {format_duration(row.total_seconds)}" if row.total_seconds is not None else "")
        for row in rows
    )
    is_page = worst.body_start.lstrip().startswith("<")
    body = "" if is_page else " ".join(worst.body_start.split())[:200]
    return f"{numbers}. It says: {body}" if body else numbers


def _parts(evidence: Evidence, rows: Sequence[HttpAnswer]) -> Iterator[Finding]:
    seen = set()
    for row in sorted(rows, key=lambda row: -(row.status or 0)):
        for part in row.parts:
            if part.ok or part.name in seen:
                continue
            seen.add(part.name)
            failing = (row.status or 0) >= 500
            yield finding(
                evidence,
                "part",
                FindingSeverity.CRITICAL if failing else FindingSeverity.WARNING,
                f"{row.path} says that {_phrase(part)}",
                part.text,
                part=part.name,
                status=part.text,
                path=row.path,
                endpoint=row.path,
                url=row.url,
            )


def _slow(evidence: Evidence, context: Context, rows: Sequence[HttpAnswer]) -> Iterator[Finding]:
    timed = [row for row in rows if row.typical_seconds is not None]
    if not timed:
        return
    worst = max(timed, key=lambda row: row.typical_seconds or 0.0)
    seconds = worst.typical_seconds or 0.0
    severity = context.thresholds.severity("http.slow", seconds, "seconds")
    if severity is None:
        return
    phase = max(_PHASES, key=lambda name: getattr(worst, name) or 0.0)
    took = format_duration(getattr(worst, phase) or 0.0)
    others = "; ".join(f"{row.path} {format_duration(row.typical_seconds or 0.0)}" for row in timed)
    yield finding(
        evidence,
        "slow",
        severity,
        f"{worst.path} takes {format_duration(seconds)}",
        f"{took} of it {_PHASES[phase]}. {others}",
        url=worst.url,
        path=worst.path,
        seconds=seconds,
        phase=phase.removesuffix("_seconds"),
    )


def _clock(evidence: Evidence, context: Context, rows: Sequence[HttpAnswer]) -> Iterator[Finding]:
    """Yield that its clock is off by more than the header's second and the way there leave open."""
    known = [row for row in rows if row.clock_difference_seconds is not None]
    if not known:
        return
    best = min(known, key=lambda row: row.clock_error_seconds or 0.0)
    difference, error = best.clock_difference_seconds or 0.0, best.clock_error_seconds or 0.0
    severity = context.thresholds.severity("http.clock", abs(difference) - error, "seconds")
    if severity is None:
        return
    direction = "ahead of" if difference > 0 else "behind"
    yield finding(
        evidence,
        "clock",
        severity,
        f"its clock is {format_duration(round(abs(difference)))} {direction} this machine's",
        f"by the Date header of {best.path}, ±{format_duration(error)}; times in its log are off by that "
        f"much, and tokens and certificates may be refused",
        url=best.url,
        path=best.path,
        difference_seconds=round(difference, 3),
        error_seconds=round(error, 3),
    )


def _ok(evidence: Evidence, rows: Sequence[HttpAnswer]) -> Finding:
    slowest = max(row.typical_seconds or 0.0 for row in rows)
    took = format_duration(slowest)
    what = (
        f"answers {rows[0].status} in {took}"
        if len(rows) == 1
        else f"all {len(rows)} health addresses answer, the slowest in {took}"
    )
    return ok(evidence, what, url=rows[0].url, count=len(rows), seconds=slowest)


ANALYZERS: dict[str, Analyzer] = {"http.health": analyze_health}
ON_FAILURE: dict[str, Analyzer] = {"http.health": analyze_failure}
