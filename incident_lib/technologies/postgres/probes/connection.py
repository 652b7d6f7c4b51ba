"""Is the server there, what is it, and what may our role see?"""

from datetime import datetime
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, statement
from incident_lib.technologies.postgres.rows import PostgresConnection

_LIMITS = {"statement_timeout": "2s", "read_only": "on"}


def fetch_connection(session: PostgresSession, _window: Window) -> Fetched:
    """Return how the server was reached and what it says of itself: one PostgresConnection.

    Source: sql/connection.sql. Needs: a login. Cost: none. Errors: TargetError.
    """
    facts, begun, seconds = _read_facts(session)
    through_pooler = any(facts[name] != value for name, value in _LIMITS.items())
    if through_pooler:
        # Something between us and the server kept the start-up options to itself.
        session.bound_each_statement()
        facts, begun, seconds = _read_facts(session)
    session.remember(facts)
    row = msgspec.convert(
        {
            **facts,
            "latency_seconds": seconds,
            "clock_difference_seconds": _difference(facts["server_time_at"], begun, seconds),
            "way": session.way,
            "attempts": [str(attempt) for attempt in session.attempts],
            "through_pooler": through_pooler,
            **_refused(session),
        },
        PostgresConnection,
    )
    source = "\n".join((statement("connection"), *(f"-- {note}" for note in session.notes)))
    return Fetched(rows=(row,), source=source, problem=_problem(session))


def _read_facts(session: PostgresSession) -> tuple[dict[str, Any], datetime, float]:
    begun, started = clock.now(), clock.monotonic()
    facts = session.rows(statement("connection"))[0]
    return facts, begun, clock.monotonic() - started


def _difference(server_time: datetime | str, begun: datetime, seconds: float) -> float | None:
    """Return the server's clock less ours, None when the answer took too long to be exact."""
    if seconds > 1:
        return None
    server = server_time if isinstance(server_time, datetime) else datetime.fromisoformat(server_time)
    return (server - begun).total_seconds() - seconds / 2


def _refused(session: PostgresSession) -> dict[str, str]:
    refused = session.refused_database
    if refused is None:
        return {}
    return {
        "refused_database": refused.way.removeprefix("the database "),
        "refused_kind": str(refused.error.kind),
        "refused_message": refused.error.message,
    }


def _problem(session: PostgresSession) -> Problem | None:
    if refused := session.refused_database:
        return Problem(
            kind=refused.error.kind,
            message=f"{refused.way}: {refused.error.message}; seen through another database",
            advice=refused.error.advice,
        )
    return privilege_problem(session)


CONNECTION = Probe(
    name="postgres.connection",
    fetch=fetch_connection,
    question="Is it accepting connections, and which role does the workbench use?",
    source=statement("connection"),
    needs="a login",
    cost="one connection",
)
