"""Is there room where the server keeps its data?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.findings.base import conclude
from incident_lib.technologies.postgres.rows import PostgresDisk
from incident_lib.units import format_bytes, format_share


def analyze_disk(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that the file system of the data directory is nearly full."""
    for row in evidence.of(PostgresDisk):
        ratio = row.free_bytes / max(row.total_bytes, 1)
        room = (
            f"{format_bytes(row.free_bytes)} of {format_bytes(row.total_bytes)} are free "
            f"({format_share(ratio)})"
        )
        found: list[Finding] = []
        if severity := context.thresholds.severity("postgres.disk", ratio, "free_ratio", above=False):
            title = f"The disk with the data is nearly full: {room}"
            detail = (
                f"{row.path}, {row.vantage}. When it is full every write fails, and a server that stops may "
                "not start again. Make room outside of the data directory, never delete files in it"
            )
            found.append(
                finding(
                    evidence,
                    "full",
                    severity,
                    title,
                    detail,
                    path=row.path,
                    free_ratio=ratio,
                    free_bytes=row.free_bytes,
                )
            )
        title = f"The disk with the data: {room}"
        yield from conclude(evidence, found, title, free_ratio=ratio, free_bytes=row.free_bytes)
