"""What is compared with another snapshot of a container: its memory, image and version. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, Reader, other_values, reading
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading
from incident_lib.technologies.docker.rows import ContainerState, ContainerUsage


def _memory(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(ContainerUsage):
        yield reading(evidence, "memory", "memory", row.memory_bytes, "bytes", limit=row.memory_limit_bytes)


def _versions(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "version", _versions_of)


def _versions_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    for row in evidence.of(ContainerState):
        yield "image", row.image or None
        yield "image id", row.image_id or None
        yield "version", row.version or None
        yield "revision", row.revision or None
        yield "Python", row.python_version or None
        yield "variables that are set", ", ".join(sorted(row.environment_names)) or None


READINGS: dict[str, Reader] = {"docker.stats": _memory}
NOVELTIES: dict[str, Novelty] = {"docker.container": _versions}
