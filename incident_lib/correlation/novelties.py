"""What is there now and was not in another snapshot: errors, settings, versions, scans. Pure."""

from collections.abc import Callable, Iterator, Mapping

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.difference import Difference, Value
from incident_lib.technologies.deploys.rows import Deployment
from incident_lib.technologies.docker.rows import ContainerState
from incident_lib.technologies.logs.rows import LogException, LogTemplate, same_statement
from incident_lib.technologies.postgres.findings.counters import wal_explains
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresConnection,
    PostgresSetting,
    PostgresTable,
)
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisServer, RedisSetting

_ERRORS = {"ERROR", "CRITICAL"}


def novelties(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    """Yield what is new or has another value; both evidences are of one probe and have rows."""
    compare = _COMPARED.get(now.probe)
    if compare is not None:
        yield from compare(before, now, thresholds)


def _difference(
    now: Evidence,
    name: str,
    what: str,
    values: tuple[Value, Value],
    severity: FindingSeverity,
    *,
    unit: str = "",
) -> Difference:
    """Return a difference between two evidences of one probe and target, so with one name."""
    return Difference(
        id=f"baseline.{name}",
        target=now.target,
        what=what,
        before=values[0],
        now=values[1],
        unit=unit,
        severity=severity,
        evidence_before=(now.ref,),
        evidence_now=(now.ref,),
    )


def _logs(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    yield from _exceptions(before, now, thresholds)
    known = {row.template for row in before.of(LogTemplate)}
    many = thresholds["baseline.new.warning_count"]
    for row in now.of(LogTemplate):
        if row.template not in known and not any(same_statement(row.template, old) for old in known):
            bad = row.level in _ERRORS and row.count >= many
            severity = FindingSeverity.WARNING if bad else FindingSeverity.INFO
            what = f"{row.level} {row.template}".strip()
            values = (_none_seen(before), row.count)
            yield _difference(now, "templates", what, values, severity, unit="count")


def _exceptions(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    known = {(row.type, row.frame) for row in before.of(LogException)}
    many = thresholds["baseline.new.warning_count"]
    for row in now.of(LogException):
        if (row.type, row.frame) not in known:
            severity = FindingSeverity.WARNING if row.count >= many else FindingSeverity.INFO
            what = f"{row.type} in {row.frame}" if row.frame else row.type
            values = (_none_seen(before), row.count)
            yield _difference(now, "exceptions", what, values, severity, unit="count")


def _none_seen(before: Evidence) -> int | None:
    """Return 0 where the whole log was read; what was cut may have held it."""
    return None if before.truncated or before.problem else 0


def _settings(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    old, new = _values(before), _values(now)
    for name in sorted(old.keys() | new.keys()):
        values = (old.get(name), new.get(name))
        if values[0] != values[1]:
            severity = FindingSeverity.UNKNOWN if None in values else FindingSeverity.INFO
            yield _difference(now, "settings", name, values, severity)


def _values(evidence: Evidence) -> dict[str, str]:
    postgres = {
        row.name: f"{row.value} {row.unit or ''}".strip()
        for row in evidence.of(PostgresSetting)
        if row.value is not None
    }
    return postgres | {row.name: row.value for row in evidence.of(RedisSetting)}


def _versions(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    old, new = dict(_versions_of(before)), dict(_versions_of(now))
    for what in sorted(old.keys() | new.keys()):
        values = (old.get(what), new.get(what))
        if values[0] != values[1]:
            severity = FindingSeverity.UNKNOWN if None in values else FindingSeverity.INFO
            yield _difference(now, "version", what, values, severity)


def _versions_of(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield what runs, each by a name; what is not told is left out, so that it counts as unknown."""
    told: list[tuple[str, str | None]] = []
    for row in evidence.rows:
        match row:
            case ContainerState():
                told += [("image", row.image), ("image id", row.image_id), ("version", row.version)]
                told += [("revision", row.revision), ("Python", row.python_version)]
                told += [("variables that are set", ", ".join(sorted(row.environment_names)))]
            case ProcessState(is_running=True):
                told.append(("Python", row.python_version))
            case PostgresConnection():
                told.append(("PostgreSQL", row.version))
            case RedisServer():
                told += [(row.software or "server", row.version), ("role", row.role)]
            case Deployment():  # oldest first, so that the newest of a service stays
                told.append((f"version of {row.service or 'everything'}", row.version))
            case _:
                pass
    yield from ((what, value) for what, value in told if value)


def _scans(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    """Yield large tables that are read from end to end since then, and were mostly not before."""
    old = {(row.schema, row.table): row for row in before.of(PostgresTable)}
    for row in now.of(PostgresTable):
        known = old.get((row.schema, row.table))
        if known is None or row.size_bytes < thresholds["baseline.scans.least_bytes"]:
            continue
        scans = row.sequential_scan_count - known.sequential_scan_count
        looks = scans + (row.index_scan_count or 0) - (known.index_scan_count or 0)
        if scans < thresholds["baseline.scans.warning_count"] or looks <= 0:  # reset or restored: unknown
            continue
        share, normal = scans / looks, _scan_share(known)
        if share >= thresholds["baseline.scans.least_share_ratio"] and normal < share / 2:
            what = f"looks at {row.schema}.{row.table} that read all of it"
            values = (normal, share)
            yield _difference(now, "scans", what, values, FindingSeverity.WARNING, unit="ratio")


def _checkpoints(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    """Yield that since then more checkpoints were requested than came in time, for all that was written."""
    for first, last in zip(before.of(PostgresCheckpoints), now.of(PostgresCheckpoints), strict=False):
        if first.counted_since_at != last.counted_since_at:
            continue  # reset: the totals are not of one count
        timed = last.total_timed_count - first.total_timed_count
        requested = last.total_requested_count - first.total_requested_count
        positions = (first.wal_position_bytes, last.wal_position_bytes)
        if positions[0] is None or positions[1] is None:
            continue
        enough = wal_explains(last, requested, positions[1] - positions[0])
        least = thresholds["postgres.counters.checkpoints.warning_count"]
        if requested >= least and requested > timed and enough:
            what = "checkpoints requested since, and those that came in time"
            yield _difference(
                now, "checkpoints", what, (timed, requested), FindingSeverity.WARNING, unit="count"
            )


def _scan_share(row: PostgresTable) -> float:
    looks = row.sequential_scan_count + (row.index_scan_count or 0)
    return row.sequential_scan_count / looks if looks else 0.0


_COMPARED: Mapping[str, Callable[[Evidence, Evidence, Thresholds], Iterator[Difference]]] = {
    "logs.lines": _logs,
    "postgres.settings": _settings,
    "redis.settings": _settings,
    "docker.container": _versions,
    "process.state": _versions,
    "postgres.connection": _versions,
    "redis.connection": _versions,
    "deploys.log": _versions,
    "postgres.tables": _scans,
    "postgres.counters": _checkpoints,
}
COMPARED = frozenset(_COMPARED)
