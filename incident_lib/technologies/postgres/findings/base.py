"""How sessions read in findings, and how an analyzer ends."""

from collections.abc import Iterator

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import ok
from incident_lib.model import Evidence, Finding, FindingSeverity, ProposedAction
from incident_lib.technologies.postgres.rows import PostgresActiveSession, PostgresLockSession
from incident_lib.units import format_duration

AnySession = PostgresActiveSession | PostgresLockSession


def who(session: AnySession) -> str:
    """Return a session as people name it: `pid 4211 (psql, idle in transaction for 3m 12s)`."""
    if session.pid == 0:
        return "a prepared transaction"
    name = session.application or session.role
    doing = what(session)
    inside = ", ".join(part for part in (name, doing) if part)
    return f"pid {session.pid} ({inside})" if inside else f"pid {session.pid}"


def what(session: AnySession) -> str:
    """Return what a session does and for how long, empty if it is not known."""
    if session.state is None:
        return (session.kind or "") if isinstance(session, PostgresLockSession) else ""
    state, seconds = session.state, session.state_seconds
    if state == "active":
        state, seconds = "running a query", session.query_seconds
        if (session.transaction_seconds or 0) > max(2 * (seconds or 0), 1):
            # One short statement after another: the transaction is what lasts.
            state, seconds = "in a transaction", session.transaction_seconds
    return state if seconds is None else f"{state} for {format_duration(max(seconds, 0))}"


def where(session: AnySession) -> str:
    """Return role, database and client of a session, as far as they are known."""
    parts = {"role": session.role, "database": session.database, "client": session.client_address}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def one_line(query: str | None, length: int = 200) -> str:
    r"""Return a statement on one line, cut to `length`.

    >>> one_line("SELECT *\n  FROM orders", 12)
    'SELECT * FR…'
    """
    text = " ".join((query or "").split())
    return text if len(text) <= length else text[: length - 1] + "…"


def end_session(evidence: Evidence, pid: int, *, running: bool) -> tuple[ProposedAction, ...]:
    """Return what may be proposed about a session: cancel first where a statement runs, else terminate."""
    if pid <= 0:
        return ()
    arguments = {"pid": str(pid)}
    terminate = ProposedAction(
        action="postgres.terminate",
        target=evidence.target,
        text=f"End the session of pid {pid}; its transaction is rolled back",
        arguments=arguments,
    )
    cancel = ProposedAction(
        action="postgres.cancel",
        target=evidence.target,
        text=f"Cancel the statement that pid {pid} runs",
        arguments=arguments,
    )
    return (cancel, terminate) if running else (terminate,)


def lacks_privilege(evidence: Evidence) -> bool:
    """Return whether our role did not see what other roles do."""
    return evidence.problem is not None and evidence.problem.kind is ProblemKind.PRIVILEGE


def conclude(
    evidence: Evidence, found: list[Finding], title: str, *, blind: bool = False, **data: float | str | None
) -> Iterator[Finding]:
    """Yield `found`; with nothing bad in it also OK with `title`, unless our role was `blind`.

    What it did not see is reported once, as UNKNOWN, where the evidence's problem is judged.
    """
    yield from found
    if not blind and all(finding.severity is FindingSeverity.INFO for finding in found):
        yield ok(evidence, title, "", **data)
