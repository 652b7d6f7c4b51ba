"""The incident report: what a person says of an incident, as Markdown and as JSON. Contacts no target."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import UsageError
from incident_lib.model import IncidentSeverity
from incident_lib.redact import Redactor
from incident_lib.reports.generated import block, document
from incident_lib.reports.markdown import markdown_templates

_EVENT = re.compile(
    r"(\d{1,2}:\d{2}(?::\d{2})?|\d{4}-\d{2}-\d{2}T\S+)\s*(?:UTC\b|Z\b)?[\s:,-]+(\S.*)", re.DOTALL
)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person says happened. `at` is None where no time was given."""

    at: datetime | None
    text: str
    given: str  # as it was typed


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report says."""

    title: str
    severity: IncidentSeverity
    start: datetime
    end: datetime | None = None
    impact: str = ""
    root_cause: str = ""
    commander: str = ""
    services: tuple[str, ...] = ()
    moments: tuple[Moment, ...] = ()

    @property
    def duration(self) -> str:
        """How long it lasted, in the script's words."""
        return format_length((self.end - self.start).total_seconds()) if self.end else "Ongoing"

    @property
    def status(self) -> str:
        """`resolved` or `ongoing`."""
        return "resolved" if self.end else "ongoing"

    def redacted(self, redactor: Redactor) -> "Report":
        """Return the report with nothing secret in it. Errors: RedactionError."""
        hidden: Report = redactor.struct(self, Report)
        return hidden


def format_length(seconds: float) -> str:
    """Return a length of time as teams' scripts expect it.

    >>> [format_length(seconds) for seconds in (30, 2700, 4500, 176_400)]
    ['0m 30s', '45m 0s', '1h 15m', '49h 0m']
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s"


def check_order(start: datetime, end: datetime | None) -> None:
    """Return if `end` is not before `start`. Errors: UsageError, with both in UTC."""
    if end is not None and end < start:
        raise UsageError(
            f"--end-time {clock.format_time(end)} is before --start-time {clock.format_time(start)}"
        )


def place_events(events: tuple[str, ...], start: datetime, end: datetime | None) -> tuple[Moment, ...]:
    """Return the events in order, each on the day that fits: `HH:MM` behind midnight is the next day.

    >>> at = datetime(2026, 1, 15, 23, 50, tzinfo=UTC)
    >>> [f"{m.at:%d %H:%M} {m.text}" for m in place_events(("00:10 restarted", "23:45 deployed"), at, None)]
    ['15 23:45 deployed', '16 00:10 restarted']
    """
    moments = [_moment(text, start, end) for text in events]
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(moments, key=lambda moment: moment.at or last))


def render(report: Report, *, generated_at: datetime) -> str:
    """Return the report as Markdown, in generated blocks, so that a second one keeps what people wrote."""
    environment = markdown_templates("postmortem")
    environment.filters |= {
        "utc": clock.format_time,
    }
    template = environment.get_template("report.md.j2")
    text = template.render(report=report, rows=_rows(report), generated_at=generated_at, block=block)
    return document(text)


def as_json(report: Report, *, generated_at: datetime, files: dict[str, str]) -> dict[str, Any]:
    """Return the report under the keys that scripts read; times are ISO 8601 in UTC."""
    return {
        "title": report.title,
        "severity": report.severity.value,
        "status": report.status,
        "start_time": _iso(report.start),
        "end_time": _iso(report.end),
        "duration": report.duration,
        "commander": report.commander or None,
        "impact": report.impact or None,
        "root_cause": report.root_cause or None,
        "services_affected": list(report.services),
        "timeline_events": [moment.given for moment in report.moments],
        "report_generated": generated_at.isoformat(),
        "files": files,
        "duration_seconds": (report.end - report.start).total_seconds() if report.end else None,
        "timeline": [{"at": _iso(moment.at), "text": moment.text} for moment in report.moments],
    }


def _rows(report: Report) -> list[dict[str, str]]:
    """Return the timeline with its two ends; what has no time stands last."""
    moments = [(report.start, 0, "Incident began")]
    moments += [(moment.at, 1, moment.text) for moment in report.moments if moment.at]
    moments += [(report.end, 2, "Incident resolved")] if report.end else []
    timed = [{"time": f"{at:%Y-%m-%d %H:%M:%S}", "text": text} for at, _, text in sorted(moments)]
    return timed + [
        {"time": "unknown", "text": moment.text} for moment in report.moments if moment.at is None
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _moment(given: str, start: datetime, end: datetime | None) -> Moment:
    match = _EVENT.fullmatch(given.strip())
    if not match:
        return Moment(at=None, text=given.strip(), given=given)
    try:
        at = clock.parse_time(match[1], at=start)
    except UsageError as error:
        raise UsageError(f"--timeline-events {given!r}: {error}") from error
    return Moment(
        at=at if "-" in match[1] else _nearest_day(at.timetz(), start, end), text=match[2], given=given
    )


def _nearest_day(at: time, start: datetime, end: datetime | None) -> datetime:
    """Return the moment of that time of day inside the incident, else the nearest outside.

    Without an end, an incident is taken to last up to half a day for this.
    """
    end = end or start + timedelta(hours=12)
    days = ((end.date() - start.date()).days if end > start else 0) + 1
    first: date = start.date()
    found = [datetime.combine(first + timedelta(days=day), at) for day in range(-1, min(days, 366) + 1)]
    return min(found, key=lambda at: (max(start - at, at - end, timedelta(0)), at))
