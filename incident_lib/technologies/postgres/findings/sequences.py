"""Is a sequence running out of numbers?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege
from incident_lib.technologies.postgres.rows import PostgresNarrowColumn, PostgresSequence
from incident_lib.units import format_count, format_share

_LISTED = 5
_ROOM = {"smallint": 32_767, "integer": 2_147_483_647}


def analyze_sequences(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the sequences that are near their end. One that the workbench's role may not read is unknown."""
    rows = evidence.of(PostgresSequence)
    known = [(used, row) for row in rows if (used := used_ratio(row)) is not None]
    known.sort(key=lambda pair: -pair[0])
    found = [*_high(evidence, known, context), *_references(evidence, context)]
    title = "No sequence in this database"
    if known:
        count = len(known) if evidence.truncated is None else evidence.truncated.total or len(known)
        title = f"{format_count(count, 'sequence')}, the most used at {format_share(known[0][0])}"
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
    left = left_of(worst)
    more = f", and {len(late) - 1} more" if len(late) > 1 else ""
    name = f"{worst.schema}.{worst.name}"
    title = f"The sequence {name} is {format_share(used)} used, {left:,} numbers left{more}"
    if not left:
        end = f"{worst.table}.{worst.column} ({worst.column_type})" if _is_columns(worst) else "its range"
        title = f"The sequence {name} has reached the end of {end}: no numbers are left, inserts fail{more}"
    yield finding(
        evidence,
        "high",
        severity,
        title,
        "\n".join([*(_line(ratio, row) for ratio, row in late[:_LISTED]), _remedy(worst)]),
        sequence=name,
        table=worst.table,
        column=worst.column,
        used_ratio=used,
        left=left,
        sequences=len(late),
        remedy=_remedy(worst),
    )


def left_of(row: PostgresSequence) -> int:
    """Return how many numbers a sequence has left for the column that it fills.

    >>> row = PostgresSequence(schema="public", name="s", table="t", column="c", column_type="integer",
    ...     start_value=1, increment=1, is_cycling=False, limit_value=2147483647, may_read=True,
    ...     last_value=2147483665)
    >>> left_of(row)
    0
    """
    direction = 1 if row.increment > 0 else -1
    last = row.start_value - row.increment if row.last_value is None else row.last_value
    return max(0, (row.limit_value - last) * direction // abs(row.increment))


def _is_columns(row: PostgresSequence) -> bool:
    """Return whether the limit is that of the column's type, and not one of the sequence's own."""
    return abs(row.limit_value) >= _ROOM.get(row.column_type or "", 1 << 63)


def _remedy(row: PostgresSequence) -> str:
    name = f"{row.schema}.{row.name}"
    if _is_columns(row):
        down = f"MINVALUE -{abs(row.limit_value)} INCREMENT -1 RESTART -1"
        return (
            f"Change {row.table}.{row.column} and the columns that refer to it to bigint: that rewrites the "
            f"table under an exclusive lock. Until then, if all code accepts negative numbers: "
            f"ALTER SEQUENCE {name} {down}."
        )
    room = f": {row.table}.{row.column} ({row.column_type}) has room for more" if row.column_type else ""
    limit = "MAXVALUE" if row.increment > 0 else "MINVALUE"
    return f"The limit is the sequence's: ALTER SEQUENCE {name} AS bigint NO {limit}{room}."


def _references(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield columns that refer to a key and have no room for its numbers; INFO where only a name says so."""
    rows = [
        (severity, row)
        for row in evidence.of(PostgresNarrowColumn)
        if (severity := context.thresholds.severity("postgres.sequences", _share(row), "ratio"))
    ]
    for is_declared in (True, False):
        alike = sorted((pair for pair in rows if pair[1].is_declared is is_declared), key=_worst_first)
        if not alike:
            continue
        severity, worst = alike[0]
        name = f"{worst.table}.{worst.column}"
        over = "past the end of" if _share(worst) >= 1 else "near the end of"
        refers = "refers to" if is_declared else "may hold numbers of"
        yield finding(
            evidence,
            "reference" if is_declared else "maybe_reference",
            severity if is_declared else FindingSeverity.INFO,
            f"{name} ({worst.column_type}) {refers} {worst.key_table}.{worst.key_column}, which is at "
            f"{worst.last_value:,}: {over} {worst.column_type}",
            "\n".join(_reference_line(row) for _, row in alike[:_LISTED]),
            table=worst.table,
            column=name,
            key=f"{worst.key_table}.{worst.key_column}",
            used_ratio=_share(worst),
        )


def _share(row: PostgresNarrowColumn) -> float:
    return abs(row.last_value) / row.limit_value


def _worst_first(pair: tuple[FindingSeverity, PostgresNarrowColumn]) -> tuple[int, float]:
    return pair[0].rank, -_share(pair[1])


def _reference_line(row: PostgresNarrowColumn) -> str:
    return (
        f"{row.schema}.{row.table}.{row.column} ({row.column_type}, up to {row.limit_value:,}): "
        f"{row.key_table}.{row.key_column} is at {row.last_value:,}; change it to bigint"
    )


def _line(ratio: float, row: PostgresSequence) -> str:
    fills = f", fills {row.table}.{row.column} ({row.column_type})" if row.table else ""
    return (
        f"{row.schema}.{row.name}: {row.last_value:,} of {row.limit_value:,} ({format_share(ratio)}){fills}"
    )
