"""The numbers of a machine that are compared with another snapshot: memory and disks. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Reader, reading, share
from incident_lib.model import Evidence
from incident_lib.model.series import Reading
from incident_lib.technologies.host.rows import FileSystem, HostMemory


def _memory(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(HostMemory):
        used = row.total_bytes - row.available_bytes
        yield reading(evidence, "host_memory", "memory", used, "bytes", limit=row.total_bytes)


def _disk(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(FileSystem):
        used = share(row.total_bytes - row.free_bytes, row.total_bytes)
        yield reading(evidence, "disk", row.path, used, "ratio", limit=1.0)


READINGS: dict[str, Reader] = {"host.memory": _memory, "host.disk": _disk}
