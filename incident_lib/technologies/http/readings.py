"""The numbers of what answers HTTP that are compared with another snapshot. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Reader, reading
from incident_lib.model import Evidence
from incident_lib.model.series import Reading
from incident_lib.technologies.http.rows import HttpAnswer


def _health(evidence: Evidence) -> Iterator[Reading]:
    answers = evidence.of(HttpAnswer)
    for row in answers:
        yield reading(evidence, "latency", f"GET {row.path}", row.typical_seconds, "seconds")
    if answers:
        failing = sum(not row.is_well for row in answers) / len(answers)
        yield reading(evidence, "errors", "health addresses that fail", failing, "ratio")


READINGS: dict[str, Reader] = {"http.health": _health}
