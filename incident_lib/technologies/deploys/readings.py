"""What is compared with another snapshot of the log of deployments: the newest version of each service."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, other_values
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence
from incident_lib.model.difference import Difference
from incident_lib.technologies.deploys.rows import Deployment


def _versions(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "version", _versions_of)


def _versions_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    """Yield them oldest first, so that the newest of a service stays."""
    for row in evidence.of(Deployment):
        yield f"version of {row.service or 'everything'}", row.version or None


NOVELTIES: dict[str, Novelty] = {"deploys.log": _versions}
