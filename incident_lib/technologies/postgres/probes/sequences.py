"""Is a sequence running out of numbers?"""

from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import statement
from incident_lib.technologies.postgres.rows import PostgresNarrowColumn, PostgresSequence

_BATCH = 100  # each read keeps a lock until its statement ends
_BUDGET_SECONDS = 0.4
_KEPT = 100
_FAR = 0.8 * 32_767  # of the narrowest column that may hold a key's numbers
Row = dict[str, Any]


def fetch_sequences(session: PostgresSession, _window: Window) -> Fetched:
    """Return how far sequences have come, the fullest first: a PostgresSequence each, at most 100.

    Behind them a PostgresNarrowColumn for each column that refers to a key and has less room than it has.
    Source: sql/sequences.sql, then sql/sequence_values.sql for 100 at a time, the least room first; then
    sql/narrow_columns.sql.
    Needs: SELECT on the sequences. Errors: TargetError.
    """
    listed = session.rows(statement("sequences"))
    seen, locked = _read(session, [row for row in listed if row["may_read"]])
    listed = [
        row for row in listed if not row["may_read"] or row["sequence"] in seen or row["sequence"] in locked
    ]
    values = (
        {**row, "last_value": seen.get(row["sequence"]), "is_left_alone": row["sequence"] in locked}
        for row in listed
    )
    rows = sorted(msgspec.convert(list(values), list[PostgresSequence]), key=lambda row: -_used(row))
    total = listed[0]["total_count"] if listed else 0
    narrow = _narrow(session, seen)
    sent = (
        statement("sequences"),
        f"{statement('sequence_values')}\n-- 100 at a time",
        *([statement("narrow_columns")] if narrow is not None else []),
    )
    return Fetched(
        rows=(*rows[:_KEPT], *(narrow or ())),
        source="\n\n".join(sent),
        problem=_problem([row for row in rows if not row.may_read], len(locked), total, session),
        truncated=_cut(len(rows), total),
    )


def _read(session: PostgresSession, readable: list[Row]) -> tuple[dict[int, int | None], set[int]]:
    """Return the values of the sequences and which were left alone; ends where the time is up."""
    seen: dict[int, int | None] = {}
    tried: set[int] = set()
    begun = clock.monotonic()
    for first in range(0, len(readable), _BATCH):
        if clock.monotonic() - begun > _BUDGET_SECONDS:
            break
        batch = [row["sequence"] for row in readable[first : first + _BATCH]]
        tried |= set(batch)
        seen |= _batch(session, batch)
    return seen, tried - seen.keys()


def _batch(session: PostgresSession, batch: list[int]) -> dict[int, int | None]:
    text = statement("sequence_values").replace("{KEYS}", "{" + ",".join(map(str, batch)) + "}")
    try:
        return {row["sequence"]: row["last_value"] for row in session.rows(text)}
    except TargetError as error:
        # Locked in between, or dropped: the whole batch waits for the next collection.
        if error.kind not in {ProblemKind.BUSY, ProblemKind.UNSUPPORTED}:
            raise
        return {}


def _narrow(session: PostgresSession, seen: dict[int, int | None]) -> list[PostgresNarrowColumn] | None:
    """Return the columns with too little room for a key; None where no sequence has come that far."""
    far = [sequence for sequence, value in seen.items() if abs(value or 0) > _FAR]
    if not far:
        return None
    text = statement("narrow_columns").replace("{KEYS}", "{" + ",".join(map(str, far)) + "}")
    rows = [{**row, "last_value": seen[row["sequence"]]} for row in session.rows(text)]
    return msgspec.convert(rows, list[PostgresNarrowColumn])


def _used(row: PostgresSequence) -> float:
    """Return how much of its room is used, for the order; hidden ones come before unused ones."""
    if not row.may_read or row.is_left_alone:
        return 0.5
    gone = 0 if row.last_value is None else abs(row.last_value - row.start_value)
    return 0.0 if row.is_cycling else gone / max(1, abs(row.limit_value - row.start_value))


def _cut(listed: int, total: int) -> Truncation | None:
    if listed < total:
        return Truncation(kept=listed, total=total, unit="sequences, those with the fewest numbers left,")
    return Truncation(kept=_KEPT, total=total, unit="sequences, the most used,") if total > _KEPT else None


def _problem(
    hidden: list[PostgresSequence], locked: int, total: int, session: PostgresSession
) -> Problem | None:
    if hidden:
        role = session.facts["role"] if session.facts else "the role that the workbench uses"
        schema = hidden[0].schema
        return Problem(
            kind=ProblemKind.PRIVILEGE,
            message=f"the workbench's role may not read {len(hidden)} of {total} sequences",
            advice=f'as their owner: GRANT SELECT ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{role}"',
        )
    if locked:
        return Problem(
            kind=ProblemKind.BUSY,
            message=f"{locked} of {total} sequences are being altered, and were skipped",
            advice="collect again when it is done; postgres.locks shows who waits for it",
        )
    return None


SEQUENCES = Probe(
    name="postgres.sequences",
    fetch=fetch_sequences,
    question="Is a sequence running out of numbers?",
    source=statement("sequences"),
    needs="SELECT on the sequences",
    cost="one scan of pg_depend; a short lock on each sequence, 100 at a time, for 0.4 s at most",
    tier=1,
)
