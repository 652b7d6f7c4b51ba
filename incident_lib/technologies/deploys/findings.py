"""Deployments inside the window: events, and the first suspects when trouble begins soon after."""

from collections.abc import Iterator

import msgspec

from incident_lib.findings.base import Analyzer, Context, finding, rests_on
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.deploys.rows import Deployment


def analyze_log(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield an INFO for each deployment in the window, on the service that was deployed."""
    inside = [row for row in evidence.of(Deployment) if context.window.holds(row.at)]
    for row in inside:
        previous = f", before that {row.previous}" if row.previous else ""
        deployed = finding(
            evidence,
            "deployed",
            FindingSeverity.INFO,
            f"version {row.version} was deployed",
            f"version {row.version}{previous}",
            since=row.at,
            version=row.version,
            previous=row.previous,
        )
        yield msgspec.structs.replace(deployed, target=row.service or evidence.target)
    if not inside and evidence.problem:  # what could not be read may be one
        title = "no deployment in the window, as far as the log could be read"
        yield finding(evidence, "none", FindingSeverity.UNKNOWN, title, evidence.problem.message)
    elif not inside:
        title = "nothing was deployed in the window"
        yield finding(evidence, "none", FindingSeverity.OK, title, rests_on(evidence))


ANALYZERS: dict[str, Analyzer] = {"deploys.log": analyze_log}
ON_FAILURE: dict[str, Analyzer] = {}
