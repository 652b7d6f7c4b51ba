"""What a judge knows next to the findings, and what every judge is. Pure."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from incident_lib.findings.catalogue import Catalogue
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding
from incident_lib.model.topology import Topology


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was collected, what needs what, and what findings mean."""

    catalogue: Catalogue
    topology: Topology = Topology()
    evidence: tuple[Evidence, ...] = ()  # sorted by target and probe
    thresholds: Thresholds = Thresholds()
    programs: Mapping[str, str] = {}  # names of processes -> the kind of service that such a process is
    compared: tuple[Finding, ...] = ()  # what rests on a baseline, or on samples over time


# Takes the findings so far, returns those that hold together with the others: some changed, some added.
Judgement = Callable[[list[Finding], Situation], list[Finding]]


def by_target(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings of each target, in their order.

    >>> by_target(())
    {}
    """
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.target, []).append(finding)
    return found
