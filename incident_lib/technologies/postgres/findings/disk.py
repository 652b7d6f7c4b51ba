"""Is there room where the server writes?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude
from incident_lib.technologies.postgres.rows import PostgresDisk
from incident_lib.units import format_bytes, format_share

_HOLDS = {"data": "the data", "wal": "the write-ahead log"}


def analyze_disk(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that a file system of the server is nearly full, in bytes or in files, or small by its nature."""
    rows = evidence.of(PostgresDisk)
    data = next((row for row in rows if row.what == "data"), None)
    if data is None:
        return
    found: list[Finding] = []
    for row in rows:
        found += _shared(evidence, row, context) if row.what == "shm" else _full(evidence, row, context)
    ratio = data.free_bytes / max(data.total_bytes, 1)
    others = "".join(f"; {_name(row)}: {_room(row)}" for row in rows if row is not data)
    files = ""
    if data.file_total_count and data.file_free_count is not None:
        files = f", {format_share(data.file_free_count / data.file_total_count)} of its inodes"
    yield from conclude(
        evidence,
        found,
        f"The data disk: {_room(data)}{files}{others}",
        free=format_bytes(data.free_bytes),
        free_ratio=ratio,
        free_bytes=data.free_bytes,
    )


def _room(row: PostgresDisk) -> str:
    share = format_share(row.free_bytes / max(row.total_bytes, 1))
    return f"{format_bytes(row.free_bytes)} of {format_bytes(row.total_bytes)} are free ({share})"


def _name(row: PostgresDisk) -> str:
    return row.path if row.what == "shm" else f"the disk with {_held(row)}"


def _held(row: PostgresDisk) -> str:
    return _HOLDS.get(row.what, row.what)


def _full(evidence: Evidence, row: PostgresDisk, context: Context) -> Iterator[Finding]:
    ratio = row.free_bytes / max(row.total_bytes, 1)
    if severity := context.thresholds.severity("postgres.disk", ratio, "free_ratio", above=False):
        yield finding(
            evidence,
            "full",
            severity,
            f"The disk with {_held(row)} is nearly full: {_room(row)}",
            f"{row.path}, {row.vantage}. When it is full, every write fails, and a stopped server may not "
            f"start again. Make room outside the data directory; never delete files in it",
            path=row.path,
            free_ratio=ratio,
            free_bytes=row.free_bytes,
        )
    if not row.file_total_count or row.file_free_count is None:
        return
    left = row.file_free_count / row.file_total_count
    if severity := context.thresholds.severity("postgres.disk.files", left, "free_ratio", above=False):
        yield finding(
            evidence,
            "files",
            severity,
            f"The disk with {_held(row)} has room for {row.file_free_count:,} more files "
            f"of {row.file_total_count:,}",
            f"{row.path}, {row.vantage}. Without free inodes, a file system reports that no space is left "
            f"even if bytes are free: find the folder with very many small files",
            path=row.path,
            free_count=row.file_free_count,
            free_ratio=left,
        )


def _shared(evidence: Evidence, row: PostgresDisk, context: Context) -> Iterator[Finding]:
    """Yield a small /dev/shm: parallel queries that need more fail as if a disk were full."""
    severity = context.thresholds.severity("postgres.disk.shm", row.total_bytes, "bytes", above=False)
    if severity:
        yield finding(
            evidence,
            "shm_small",
            FindingSeverity.INFO,
            f"{row.path} has {format_bytes(row.total_bytes)}: parallel queries share their memory there",
            "a query that needs more fails with 'No space left on device', although no disk is full; raise "
            "shm_size of the container",
            path=row.path,
            total_bytes=row.total_bytes,
        )
