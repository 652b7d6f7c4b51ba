"""Statements from sql/*.sql, one a file, and their rows as records."""

from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.model import Problem, Row, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.postgres.connect import PostgresSession

R = TypeVar("R", bound=Row)
QUERY_CHARACTERS = 1_000
_STATEMENTS = Path(__file__).parents[1] / "sql"
PRIVILEGE = Problem(
    kind=ProblemKind.PRIVILEGE,
    message="the workbench's role is not a member of pg_monitor, so it sees little of what other roles do",
    advice="as a superuser: GRANT pg_monitor TO the role that the workbench uses",
)


@cache
def statement(name: str) -> str:
    """Return the statement of `sql/NAME.sql`, with the comment that says what it needs and costs.

    >>> statement("activity").startswith("-- View: pg_stat_activity")
    True
    """
    return (_STATEMENTS / f"{name}.sql").read_text(encoding="utf-8").strip()


def read(session: PostgresSession, name: str, row_type: type[R]) -> tuple[tuple[R, ...], Truncation | None]:
    """Return the records that statement `name` gives, and what its LIMIT left out. Errors: TargetError."""
    answer = session.rows(statement(name))
    total = answer[0].get("total_count") if answer else None
    truncated = Truncation(kept=len(answer), total=total) if total and total > len(answer) else None
    return records(answer, row_type), truncated


def records(answer: list[dict[str, Any]], row_type: type[R]) -> tuple[R, ...]:
    """Return `answer` as records; columns that the record does not have are left out, statements are cut."""
    return tuple(msgspec.convert(with_short_query(row), row_type) for row in answer)


def with_short_query(row: dict[str, Any], most: int = QUERY_CHARACTERS) -> dict[str, Any]:
    """Return a row whose statement is not too long; it comes long, so that no secret in it is cut."""
    query = row.get("query")
    return row if not query or len(query) <= most else {**row, "query": excerpt(query, most)}


def probe_of(
    name: str,
    row_type: type[Row],
    question: str,
    *,
    needs: str = "nothing",
    cost: str = "none",
    tier: int = 0,
) -> Probe:
    """Return the probe of one statement, `sql/NAME.sql`: a record of `row_type` for each of its rows."""
    return Probe(
        name=f"postgres.{name}",
        fetch=partial(_fetch, name=name, row_type=row_type, needs_privilege=needs == "pg_monitor"),
        question=question,
        source=statement(name),
        needs=needs,
        cost=cost,
        tier=tier,
    )


def _fetch(
    session: PostgresSession, _window: Window, *, name: str, row_type: type[Row], needs_privilege: bool
) -> Fetched:
    rows, truncated = read(session, name, row_type)
    problem = privilege_problem(session) if needs_privilege else None
    return Fetched(rows=rows, truncated=truncated, problem=problem)


def privilege_problem(session: PostgresSession) -> Problem | None:
    """Return what is missing when our role does not see what other roles do; None when it does."""
    facts = session.facts
    if facts is None or facts["role_sees_everything"]:
        return None
    advice = f'as a superuser: GRANT pg_monitor TO "{facts["role"]}"'
    return Problem(kind=PRIVILEGE.kind, message=PRIVILEGE.message, advice=advice)


def seconds_between(first: datetime | str, second: datetime | str) -> float:
    """Return the seconds between two times of the server, which come as text through a container."""
    moments = [at if isinstance(at, datetime) else datetime.fromisoformat(at) for at in (first, second)]
    return (moments[1] - moments[0]).total_seconds()
