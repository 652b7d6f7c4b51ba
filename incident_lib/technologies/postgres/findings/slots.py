"""Which replication slot keeps the write-ahead log: one without a reader, a stuck reader, or a late one."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresSlot
from incident_lib.units import format_bytes, format_count

_KEEPS_TWICE = 2  # max_wal_size is a wish, and checkpoints go a little beyond it


def judge_slots(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield slots that lost their log or are about to, and those that keep much of it."""
    for row in evidence.of(PostgresSlot):
        if row.wal_status == "lost":
            yield _lost(evidence, row)
        elif row.wal_status == "unreserved":
            yield _about_to_lose(evidence, row)
        elif _keeps_much(row, context):
            yield _late(evidence, row) if row.active else _unused(evidence, row)


def slots_in_words(rows: tuple[PostgresSlot, ...]) -> str:
    """Return how many slots there are and what the one that keeps most keeps.

    >>> slots_in_words(())
    'no slot'
    """
    if not rows:
        return "no slot"
    most = max(row.retained_bytes or 0 for row in rows)
    unused = sum(not row.active for row in rows)
    idle = f", {unused} not in use" if unused else ""
    verb = "keep" if len(rows) > 1 else "keeps"
    return f"{format_count(len(rows), 'slot')} that {verb} {format_bytes(most)} of WAL at most{idle}"


def _keeps_much(row: PostgresSlot, context: Context) -> bool:
    limit = context.thresholds["postgres.replication.slot.warning_bytes"]
    if row.max_wal_bytes is not None:
        limit = min(limit, _KEEPS_TWICE * row.max_wal_bytes)
    return (row.retained_bytes or 0) >= limit


def _lost(evidence: Evidence, row: PostgresSlot) -> Finding:
    why = f" ({row.invalidation_reason})" if row.invalidation_reason else ""
    problem = f"has lost its WAL{why}: its consumer cannot continue"
    remedy = (
        f"Rebuild the consumer of {row.name} from a fresh copy, then drop the slot; removed WAL cannot be "
        f"recovered. Raise max_slot_wal_keep_size first, or it will happen again."
    )
    return _slot(evidence, row, FindingSeverity.CRITICAL, problem, remedy)


def _about_to_lose(evidence: Evidence, row: PostgresSlot) -> Finding:
    limit = f" (max_slot_wal_keep_size is {format_bytes(row.limit_bytes)})" if row.limit_bytes else ""
    remedy = (
        f"Bring the consumer of {row.name} back before the next checkpoint, or raise max_slot_wal_keep_size "
        "for now if the disk has room (a reload is enough)."
    )
    return _slot(evidence, row, FindingSeverity.WARNING, f"is about to lose its WAL{limit}", remedy)


def _unused(evidence: Evidence, row: PostgresSlot) -> Finding:
    remedy = (
        f"Bring the consumer of {row.name} back. Drop the slot only if its consumer no longer exists: a "
        f"consumer without its slot needs a new copy. WAL that is not consumed fills the disk."
    )
    return _slot(evidence, row, FindingSeverity.WARNING, f"is not in use and keeps {_kept(row)}", remedy)


def _late(evidence: Evidence, row: PostgresSlot) -> Finding:
    """Return what a slot that is in use keeps: for a consumer that does not move, or an old transaction."""
    consumer = (
        f"{row.consumer or 'its consumer'} (pid {row.active_pid})" if row.active_pid else "its consumer"
    )
    moved = row.confirmed_moved_bytes if row.kind == "logical" else row.moved_bytes
    severity = FindingSeverity.WARNING
    if _waits_for_a_transaction(row):
        problem = f"keeps {_kept(row)} for a transaction that is still open; {consumer} keeps up"
        remedy = (
            "Find the oldest writing transaction (prepared transactions included) and let it end: decoding "
            "has to start before it."
        )
    elif moved is not None and moved <= 0:
        problem = f"is in use but does not advance: {consumer} confirms nothing, {_kept(row)} are retained"
        remedy = (
            f"Fix or restart the consumer of {row.name}: it is connected but confirms nothing that it "
            f"receives. Drop the slot only if its consumer can be rebuilt."
        )
    else:
        pace = ""
        if moved is not None and row.interval_seconds:
            pace = f", which advances by {format_bytes(moved / row.interval_seconds)} a second"
        problem = f"keeps {_kept(row)} for {consumer}{pace}"
        remedy = f"Find what slows the consumer of {row.name} (its disk, its locks), or write less for now."
        if moved is not None and (row.grown_bytes or 0) <= 0:
            severity, remedy = FindingSeverity.INFO, "It is catching up: watch it; no restart is needed."
    return _slot(evidence, row, severity, problem, remedy)


def _waits_for_a_transaction(row: PostgresSlot) -> bool:
    """Return whether the consumer confirmed most of it, so that it is not what keeps the log."""
    if row.unconfirmed_bytes is None or row.retained_bytes is None:
        return False
    return row.unconfirmed_bytes < row.retained_bytes / 4


def _kept(row: PostgresSlot) -> str:
    return f"{format_bytes(row.retained_bytes or 0)} of WAL"


def _slot(
    evidence: Evidence, row: PostgresSlot, severity: FindingSeverity, problem: str, remedy: str
) -> Finding:
    return finding(
        evidence,
        "slot",
        severity,
        f"The replication slot {row.name} {problem}",
        remedy,
        since=row.inactive_since,
        slot=row.name,
        wal_status=row.wal_status,
        retained_bytes=row.retained_bytes,
        moved_bytes=row.moved_bytes,
        consumer=row.consumer,
        problem=problem,
        remedy=remedy,
    )
