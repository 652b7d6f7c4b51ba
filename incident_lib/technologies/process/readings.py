"""What is compared with another snapshot of a process: memory, open files, version of Python. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, Reader, other_values, reading, share
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading
from incident_lib.technologies.process.rows import ProcessState


def _state(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(ProcessState):
        if row.is_running:
            limit = row.memory_limit_bytes or row.address_space_limit_bytes
            yield reading(evidence, "memory", "memory", row.resident_bytes, "bytes", limit=limit)
            if row.open_file_count is not None:
                used = share(row.open_file_count, row.open_file_limit_count)
                yield reading(evidence, "files", "open files", used, "ratio", limit=1.0)


def _version(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "version", _version_of)


def _version_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    yield from (("Python", row.python_version or None) for row in evidence.of(ProcessState) if row.is_running)


READINGS: dict[str, Reader] = {"process.state": _state}
NOVELTIES: dict[str, Novelty] = {"process.state": _version}
