"""Does the data reach the disk?"""

from collections.abc import Iterator

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisPersistence
from incident_lib.units import format_number


def analyze_persistence(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield what cannot be written to disk, else OK."""
    for row in evidence.of(RedisPersistence):
        bad = [*_aof(evidence, row), *_dump(evidence, row)]
        yield from bad
        if not bad:
            yield _ok(evidence, row)


def _ok(evidence: Evidence, row: RedisPersistence) -> Finding:
    if row.dump_ok is None and row.aof_write_ok is None:
        return finding(
            evidence, "unknown", FindingSeverity.UNKNOWN, "not assessed: INFO has no persistence section"
        )
    ways = ("append-only file",) if row.aof_enabled else ()
    ways = (*ways, "dumps") if row.save else ways
    title = (
        f"saving to disk works ({' and '.join(ways)})"
        if ways
        else ("nothing is saved to disk, as configured")
    )
    if row.save is None and not row.aof_enabled:
        title = "the last dump did not fail"
    since = f"last dump {format_time(row.dump_at)}, " if row.dump_at and row.save else ""
    detail = f"{since}{format_number(row.unsaved_change_count)} changes since the last dump"
    return ok(evidence, title, detail)


def _aof(evidence: Evidence, row: RedisPersistence) -> Iterator[Finding]:
    if row.aof_enabled and row.aof_write_ok is False:
        yield finding(
            evidence,
            "failing",
            FindingSeverity.CRITICAL,
            "the append-only file cannot be written, and writes are refused",
            "check the disk of its directory and its log",
            what="append-only file",
        )
    elif row.aof_enabled and row.aof_rewrite_ok is False:
        yield finding(
            evidence,
            "rewrite_failing",
            FindingSeverity.WARNING,
            "the append-only file cannot be rewritten and keeps growing",
            "check the disk of its directory and its log",
        )


def _dump(evidence: Evidence, row: RedisPersistence) -> Iterator[Finding]:
    """Yield a dump that fails. Writes are refused where dumps are scheduled, unless that is switched off."""
    if row.dump_ok is not False:
        return
    goes_on = row.stop_writes_on_failure is False or row.save == ""
    assumed = row.stop_writes_on_failure is None
    yield finding(
        evidence,
        "dump_failing" if goes_on else "failing",
        FindingSeverity.WARNING if goes_on else FindingSeverity.CRITICAL,
        "the last dump failed" if goes_on else "dumps fail, and writes are refused",
        (f"last good one {format_time(row.dump_at)}; " if row.dump_at else "")
        + f"{format_number(row.unsaved_change_count)} changes are not saved. "
        + "Check the disk and permissions of its directory."
        + (
            " That writes are refused is assumed from the default, because CONFIG GET is not allowed."
            if assumed
            else ""
        ),
        what="dump",
        unsaved_change_count=row.unsaved_change_count,
    )
