"""Does a sequence run out of numbers?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege
from incident_lib.technologies.postgres.rows import PostgresSequence
from incident_lib.units import format_count, format_share

_LISTED = 5


def analyze_sequences(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the sequences that are near their end. One that our role may not read is unknown."""
    rows = evidence.of(PostgresSequence)
    known = [(used, row) for row in rows if (used := used_ratio(row)) is not None]
    known.sort(key=lambda pair: -pair[0])
    found = list(_high(evidence, known, context))
    title = "No sequence in this database"
    if known:
        count = len(known) if evidence.truncated is None else evidence.truncated.total or len(known)
        title = f"{format_count(count, 'sequence')}, the fullest at {format_share(known[0][0])}"
    yield from conclude(evidence, found, title, blind=lacks_privilege(evidence), sequences=len(known))


def used_ratio(row: PostgresSequence) -> float | None:
    """Return how much of its room a sequence has used; None where it may not be read, or begins again.

    >>> row = PostgresSequence(schema="public", name="s", table=None, column=None, column_type=None,
    ...     start_value=1, increment=1, is_cycling=False, limit_value=101, may_read=True, last_value=51)
    >>> used_ratio(row)
    0.5
    """
    if not row.may_read or row.is_left_alone or row.is_cycling:
        return None
    if row.last_value is None:
        return 0.0
    whole = abs(row.limit_value - row.start_value)
    gone = (row.last_value - row.start_value) * (1 if row.increment > 0 else -1)
    return min(1.0, max(0, gone) / whole) if whole else 1.0


def _high(
    evidence: Evidence, known: list[tuple[float, PostgresSequence]], context: Context
) -> Iterator[Finding]:
    late = [pair for pair in known if context.thresholds.severity("postgres.sequences", pair[0], "ratio")]
    used, worst = known[0] if known else (None, None)
    severity = context.thresholds.severity("postgres.sequences", used, "ratio")
    if severity is None or worst is None:
        return
    left = abs(worst.limit_value - (worst.last_value or worst.start_value)) // abs(worst.increment)
    more = f", and {len(late) - 1} more" if len(late) > 1 else ""
    yield finding(
        evidence,
        "high",
        severity,
        f"The sequence {worst.schema}.{worst.name} is {format_share(used)} used, {left:,} numbers are "
        f"left{more}",
        "\n".join(_line(ratio, row) for ratio, row in late[:_LISTED]),
        sequence=f"{worst.schema}.{worst.name}",
        table=worst.table,
        column=worst.column,
        used_ratio=used,
        left=left,
        sequences=len(late),
    )


def _line(ratio: float, row: PostgresSequence) -> str:
    fills = f", fills {row.table}.{row.column} ({row.column_type})" if row.table else ""
    return (
        f"{row.schema}.{row.name}: {row.last_value:,} of {row.limit_value:,} ({format_share(ratio)}){fills}"
    )
