"""What is compared with another snapshot of a PostgreSQL server: numbers, settings, version, scans. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, Reader, difference, other_values, reading, share
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading
from incident_lib.technologies.postgres.findings.counters import wal_explains
from incident_lib.technologies.postgres.rows import (
    PostgresCapacity,
    PostgresCheckpoints,
    PostgresConnection,
    PostgresSetting,
    PostgresTable,
)


def _capacity(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(PostgresCapacity):
        used = share(row.connection_count, row.usable_count)
        yield reading(evidence, "connections", "connections in use", used, "ratio", limit=1.0)


def _settings(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "settings", _settings_of)


def _settings_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    for row in evidence.of(PostgresSetting):
        yield row.name, f"{row.value} {row.unit or ''}".strip() if row.value is not None else None


def _version(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "version", _version_of)


def _version_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    yield from (("PostgreSQL", row.version or None) for row in evidence.of(PostgresConnection))


def _scans(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    """Yield large tables that are read from end to end since then, and were mostly not before."""
    old = {(row.schema, row.table): row for row in before.of(PostgresTable)}
    for row in now.of(PostgresTable):
        known = old.get((row.schema, row.table))
        if known is None or row.size_bytes < thresholds["baseline.scans.least_bytes"]:
            continue
        scans = row.sequential_scan_count - known.sequential_scan_count
        reads = scans + (row.index_scan_count or 0) - (known.index_scan_count or 0)
        if scans < thresholds["baseline.scans.warning_count"] or reads <= 0:  # reset or restored: unknown
            continue
        known_reads = known.sequential_scan_count + (known.index_scan_count or 0)
        now_ratio, normal = scans / reads, share(known.sequential_scan_count, known_reads) or 0.0
        if now_ratio >= thresholds["baseline.scans.least_share_ratio"] and normal < now_ratio / 2:
            what = f"looks at {row.schema}.{row.table} that read all of it"
            values = (normal, now_ratio)
            yield difference(now, "scans", what, values, FindingSeverity.WARNING, unit="ratio")


def _checkpoints(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    """Yield that since then more checkpoints were requested than came in time, for all that was written."""
    for first, last in zip(before.of(PostgresCheckpoints), now.of(PostgresCheckpoints), strict=False):
        if first.counted_since_at != last.counted_since_at:
            continue  # reset: the totals are not of one count
        timed = last.total_timed_count - first.total_timed_count
        requested = last.total_requested_count - first.total_requested_count
        if first.wal_position_bytes is None or last.wal_position_bytes is None:
            continue
        enough = wal_explains(last, requested, last.wal_position_bytes - first.wal_position_bytes)
        least = thresholds["postgres.counters.checkpoints.warning_count"]
        if requested >= least and requested > timed and enough:
            what = "checkpoints requested since, and those that came in time"
            values = (timed, requested)
            yield difference(now, "checkpoints", what, values, FindingSeverity.WARNING, unit="count")


READINGS: dict[str, Reader] = {"postgres.saturation": _capacity}
NOVELTIES: dict[str, Novelty] = {
    "postgres.settings": _settings,
    "postgres.connection": _version,
    "postgres.tables": _scans,
    "postgres.counters": _checkpoints,
}
