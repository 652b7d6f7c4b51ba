"""Which statements take the server's time: differences of two readings of pg_stat_statements."""

import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import (
    privilege_problem,
    seconds_between,
    statement,
    with_short_query,
)
from incident_lib.technologies.postgres.rows import PostgresEvictions, PostgresStatement

INTERVAL_SECONDS = 1.0
_KEPT_STATEMENTS = 20
_QUERY_CHARACTERS = 2_000
_OLDEST_EXTENSION, _COUNTS_EVICTIONS = (1, 8), (1, 9)
_KEY = re.compile(r"\d+/\d+/-?\d+")
_NOT_THERE = {ProblemKind.UNSUPPORTED, ProblemKind.PRIVILEGE, ProblemKind.BUSY}
Reading = Mapping[str, Any]


class FirstReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the second reading is compared with."""

    schema: str  # of the extension, quoted
    version: tuple[int, ...]
    rows: dict[str, Any]
    forgotten: Reading | None


def leave_first_reading(session: PostgresSession) -> None:
    """Read once and leave it to `fetch_statements`, which then need not wait; no extension, no reading."""
    try:
        session.kept["statements"] = _first(session)
    except TargetError as error:
        if error.kind not in _NOT_THERE:
            raise


def _first(session: PostgresSession) -> FirstReading:
    schema, version = _extension(session)
    rows = {row["key"]: row for row in session.rows(statement("statements").replace("SCHEMA", schema))}
    return FirstReading(
        schema=schema, version=version, rows=rows, forgotten=_forgotten(session, schema, version)
    )


def fetch_statements(session: PostgresSession, _window: Window) -> Fetched:
    """Return what took the server's time between two readings: a PostgresStatement each, the heaviest first.

    The first reading is that of `fetch_counters`, else one a second ago. From extension 1.9 on one
    PostgresEvictions comes behind them. Source: sql/statements.sql and sql/statements_info.sql twice, then
    sql/statement_texts.sql for those kept. Needs: pg_stat_statements in this database, pg_monitor. Errors:
    TargetError UNSUPPORTED without the extension.
    """
    first = session.kept.pop("statements", None)
    if not isinstance(first, FirstReading):
        first = _first(session)
        time.sleep(INTERVAL_SECONDS)
    schema = first.schema
    text = statement("statements").replace("SCHEMA", schema)
    after = session.rows(text)
    evictions = _evictions(first.forgotten, _forgotten(session, schema, first.version), len(after))
    rows = sorted(_worked(first.rows, after), key=lambda row: -row["total_seconds"])
    texts = _texts(session, schema, [row["key"] for row in rows[: 2 * _KEPT_STATEMENTS]])
    rows = [row for row in rows if not _is_ours(texts.get(row["key"], {}).get("query"))]
    kept = rows[:_KEPT_STATEMENTS]
    whole = sum(row["total_seconds"] for row in rows)
    return Fetched(
        rows=(*(_statement(row, texts.get(row["key"], {}), whole) for row in kept), *evictions),
        source=f"{text}\n-- twice, a second apart at the least",
        truncated=Truncation(kept=len(kept), total=len(rows)) if len(rows) > len(kept) else None,
        problem=privilege_problem(session),
    )


def _is_ours(query: str | None) -> bool:
    """Return whether `query` is one of the statements in sql/, which all begin with such a comment."""
    return query is not None and query.startswith("-- View: ")


def _extension(session: PostgresSession) -> tuple[str, tuple[int, ...]]:
    """Return the schema of pg_stat_statements, quoted, and its version. Errors: TargetError UNSUPPORTED."""
    found = session.rows(statement("statements_extension"))
    if not found:
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            "pg_stat_statements is not installed in this database",
            "add it to shared_preload_libraries, restart, then CREATE EXTENSION pg_stat_statements",
        )
    version = tuple(int(part) for part in found[0]["version"].split("."))
    if version < _OLDEST_EXTENSION:
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            f"pg_stat_statements {found[0]['version']} is too old",
            "ALTER EXTENSION pg_stat_statements UPDATE",
        )
    return '"' + found[0]["schema"].replace('"', '""') + '"', version


def _forgotten(session: PostgresSession, schema: str, version: tuple[int, ...]) -> Reading | None:
    """Return how many statements it has thrown out so far; None where its version does not count them."""
    if version < _COUNTS_EVICTIONS:
        return None
    return session.rows(statement("statements_info").replace("SCHEMA", schema))[0]


def _evictions(first: Reading | None, second: Reading | None, entries: int) -> tuple[PostgresEvictions, ...]:
    if first is None or second is None:
        return ()
    row = {
        **second,
        "evicted_count": max(0, second["evicted_count"] - first["evicted_count"]),
        "total_evicted_count": second["evicted_count"],
        "entry_count": entries,
    }
    return (msgspec.convert(row, PostgresEvictions),)


def _worked(before: Mapping[str, Reading], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the differences of the statements that ran in between; a new one counts from nothing."""
    nothing = {"call_count": 0, "total_seconds": 0, "row_count": 0, "block_read_count": 0}
    rows = []
    for second in after:
        first = before.get(second["key"], {**nothing, "temporary_block_count": 0, "at": None})
        row = {name: second[name] - first[name] for name in (*nothing, "temporary_block_count")}
        if row["call_count"] > 0 and row["total_seconds"] >= 0:
            rows.append({**row, "key": second["key"], "at": second["at"]})
    started = next(iter(before.values()), None)
    for row in rows:
        row["interval_seconds"] = seconds_between(started["at"], row["at"]) if started else INTERVAL_SECONDS
    return rows


def _texts(session: PostgresSession, schema: str, keys: list[str]) -> dict[str, dict[str, Any]]:
    quoted = ", ".join(f"'{key}'" for key in keys if _KEY.fullmatch(key))
    if not quoted:
        return {}
    text = statement("statement_texts").replace("SCHEMA", schema).replace("KEYS", quoted)
    return {row["key"]: row for row in session.rows(text)}


def _statement(row: Reading, text: Reading, whole_seconds: float) -> PostgresStatement:
    worked = {name: row[name] for name in row.keys() - {"key", "at"}}
    return msgspec.convert(
        {
            **worked,
            "statement_id": row["key"],
            "role": text.get("role"),
            "database": text.get("database"),
            **with_short_query({"query": text.get("query")}, _QUERY_CHARACTERS),
            "mean_seconds": row["total_seconds"] / row["call_count"],
            "share_ratio": row["total_seconds"] / whole_seconds if whole_seconds else 0.0,
        },
        PostgresStatement,
    )


STATEMENTS = Probe(
    name="postgres.statements",
    fetch=fetch_statements,
    question="Which statements take the server's time right now?",
    source=statement("statements"),
    needs="the extension pg_stat_statements, pg_monitor",
    cost="two readings of its shared memory, a second apart",
    tier=1,
)
