"""Judges names as a service in a container resolves them."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, unknown
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.network import NameAnswer


def analyze_inside(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield the names that do not resolve inside the container, or that all do."""
    rows = evidence.of(NameAnswer)
    if not rows:
        yield unknown(evidence)
        return
    lost = [row for row in rows if not row.addresses]
    for row in lost:
        yield finding(
            evidence,
            "not_resolving",
            FindingSeverity.CRITICAL,
            f"the name {row.name} does not resolve inside {row.asked}",
            f"{row.error or 'no such name'}. Look at the resolvers of the container and its network",
            host=row.name,
            count=len(lost),
        )
    if not lost and evidence.problem is None:
        names = ", ".join(f"{row.name} is {row.addresses[0]}" for row in rows)
        title = f"inside {rows[0].asked} {names}"
        yield finding(evidence, "ok", FindingSeverity.OK, title, host=rows[0].name, count=len(rows))
