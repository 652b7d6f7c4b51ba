"""What is compared with another snapshot of a log: rates, durations, lines and errors never seen before."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, Reader, difference, reading
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading
from incident_lib.technologies.logs.rows import (
    LogEndpoint,
    LogException,
    LogSummary,
    LogTemplate,
    same_statement,
)

_LEAST_REQUESTS = 5  # fewer have neither a percentile nor a rate
_ERRORS = frozenset({"ERROR", "CRITICAL"})


def _rates(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(LogSummary):
        if row.requests_count >= _LEAST_REQUESTS:
            failed = row.server_errors_count / row.requests_count
            yield reading(evidence, "errors", "requests answered with 5xx", failed, "ratio")
    for endpoint in evidence.of(LogEndpoint):
        if endpoint.requests_count >= _LEAST_REQUESTS:
            what = f"{endpoint.method} {endpoint.path}"
            yield reading(evidence, "errors", f"{what}: 5xx", endpoint.server_errors_ratio, "ratio")
            if endpoint.duration_p95_seconds is not None:
                yield reading(evidence, "latency", f"{what}: p95", endpoint.duration_p95_seconds, "seconds")


def _new_lines(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    many = thresholds["baseline.new.warning_count"]
    # Where not the whole log was read, what was cut may have held it.
    none_seen = None if before.truncated or before.problem else 0
    raised = {(row.type, row.frame) for row in before.of(LogException)}
    for row in now.of(LogException):
        if (row.type, row.frame) not in raised:
            severity = FindingSeverity.WARNING if row.count >= many else FindingSeverity.INFO
            what = f"{row.type} in {row.frame}" if row.frame else row.type
            yield difference(now, "exceptions", what, (none_seen, row.count), severity, unit="count")
    known = {row.template for row in before.of(LogTemplate)}
    for line in now.of(LogTemplate):
        if line.template not in known and not any(same_statement(line.template, old) for old in known):
            bad = line.level in _ERRORS and line.count >= many
            severity = FindingSeverity.WARNING if bad else FindingSeverity.INFO
            what = f"{line.level} {line.template}".strip()
            yield difference(now, "templates", what, (none_seen, line.count), severity, unit="count")


READINGS: dict[str, Reader] = {"logs.lines": _rates}
NOVELTIES: dict[str, Novelty] = {"logs.lines": _new_lines}
