"""Deployments inside the window: events, and the first suspects when trouble begins soon after."""

from collections.abc import Iterator, Sequence

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import Analyzer, Context, finding, rests_on
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.deploys.rows import Deployment


def analyze_log(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield an INFO for each deployment in the window, on the service that was deployed.

    A version that ran before is a way back: neither it nor what it takes back is a suspect any more.
    """
    rows = sorted(evidence.of(Deployment), key=lambda row: row.at)
    inside = [row for row in rows if context.window.holds(row.at)]
    for row in inside:
        previous = f", before that {row.previous}" if row.previous else ""
        name, title, known = (
            "deployed",
            f"version {row.version} was deployed",
            f"version {row.version}{previous}",
        )
        back = _way_back(row, rows)
        if _goes_back(row, rows):
            name, title = "rolled_back", f"version {row.version} was deployed again, an earlier version"
        elif back:
            name, title = "taken_back", f"{title}, and taken back"
            known += f"; {back.version} was deployed again at {format_time(back.at)}"
        deployed = finding(
            evidence,
            name,
            FindingSeverity.INFO,
            title,
            known,
            since=row.at,
            version=row.version,
            previous=row.previous,
        )
        yield msgspec.structs.replace(deployed, target=row.service or evidence.target)
    if not inside and evidence.problem:  # what could not be read may be one
        title = "no deployment in the window, in the part of the log that could be read"
        yield finding(evidence, "none", FindingSeverity.UNKNOWN, title, evidence.problem.message)
    elif not inside:
        title = "nothing was deployed in the window"
        yield finding(evidence, "none", FindingSeverity.OK, title, rests_on(evidence))


def _goes_back(row: Deployment, rows: Sequence[Deployment]) -> bool:
    """Return whether the version ran before another one did."""
    before = [other for other in rows if other.service == row.service and other.at < row.at]
    if not before or before[-1].version == row.version:  # deployed once more as it is
        return False
    ran = {other.version for other in before} | {other.previous for other in before}
    bad = {other.version for other in before if _way_back(other, before)}
    return row.version in ran - bad


def _way_back(row: Deployment, rows: Sequence[Deployment]) -> Deployment | None:
    """Return the deployment that went back behind this one."""
    after = (other for other in rows if other.service == row.service and other.at > row.at)
    before = {other.version for other in rows if other.service == row.service and other.at < row.at}
    ran = before | {row.previous}
    return next((other for other in after if other.version in ran - {row.version}), None)


ANALYZERS: dict[str, Analyzer] = {"deploys.log": analyze_log}
ON_FAILURE: dict[str, Analyzer] = {}
