"""A SELECT of the team, through the session of the service."""

import math
from decimal import Decimal
from typing import Any

from incident_lib.config import OwnProbe
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched, SqlSession
from incident_lib.redact.excerpt import excerpt

_FENCE = "SELECT * FROM (\n{}\n) AS own LIMIT 2"  # a second row is enough to know that there is more than one
_LABEL_CHARACTERS = 200
_ADVICE = {
    ProblemKind.UNSUPPORTED: "try it in psql; write tables with their schema (public.jobs), because the "
    "search path is only pg_catalog",
    ProblemKind.PRIVILEGE: "GRANT SELECT on what it reads TO the role that the workbench uses",
    ProblemKind.TIMED_OUT: "it takes longer than the 2 s limit for a statement; query less",
    ProblemKind.BUSY: "another session holds a lock on what it reads; check who blocks whom",
}


def fetch_statement(session: SqlSession, _window: Window, *, custom: OwnProbe) -> Fetched:
    """Return one Measurement a column: those that are named, else the first with a number.

    Source: the statement in a subquery, which leaves no room for a second one. Needs: SELECT on what it
    reads. Cost: the statement's, two seconds at most. Errors: TargetError, also for no row and for several.
    """
    statement = _FENCE.format(custom.sql.strip().removesuffix(";"))
    try:
        answer = session.rows(statement)
    except TargetError as error:
        advice = _ADVICE.get(error.kind, error.advice)
        raise TargetError(error.kind, error.message, advice, answered=error.answered) from error
    if len(answer) != 1:
        many = "more than one row" if answer else "no row"
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"the statement returned {many}", "write it so that it returns one row"
        )
    return Fetched(rows=measurements(custom, answer[0]), source=statement)


def measurements(custom: OwnProbe, row: dict[str, Any]) -> tuple[Measurement, ...]:
    """Return what one row says. Errors: TargetError where a column is missing or none is a number.

    >>> from incident_lib.config import ProbeKind
    >>> custom = OwnProbe(name="shop.it", target="db", kind=ProbeKind.SQL, sql="SELECT ...", unit="orders")
    >>> [(row.value, row.labels) for row in measurements(custom, {"queue": "mail", "depth": Decimal(7)})]
    [(7.0, {'queue': 'mail'})]
    """
    if missing := [name for name in custom.columns if name not in row]:
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"there is no column {missing[0]!r}", f"it returns {', '.join(row)}"
        )
    numeric = [name for name, value in row.items() if _is_number(value)]
    empty = [name for name, value in row.items() if value is None]
    chosen = custom.columns or tuple((numeric or empty)[:1])
    if not chosen or any(name not in numeric and name not in empty for name in chosen):
        raise TargetError(
            ProblemKind.UNSUPPORTED, "it returned no number", "cast the column: extract, ::float8"
        )
    labels = {
        name: excerpt(str(value), _LABEL_CHARACTERS)
        for name, value in row.items()
        if name not in chosen and isinstance(value, str | bool)
    }
    return tuple(
        Measurement(
            name=custom.name,
            value=_finite(row[name]),
            unit=custom.unit,
            labels={**labels, "column": name} if len(chosen) > 1 else labels,
        )
        for name in chosen
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
