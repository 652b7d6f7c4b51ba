"""How sessions read in findings, and how an analyzer ends."""

from collections.abc import Iterator

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import ok
from incident_lib.model import Evidence, Finding, FindingSeverity, ProposedAction
from incident_lib.technologies.postgres.roots import CLIENT, KINDS, Root, Session, kind_of
from incident_lib.technologies.postgres.rows import PostgresActiveSession, PostgresLockSession
from incident_lib.units import format_duration

AnySession = PostgresActiveSession | PostgresLockSession


def root_of(session: AnySession) -> Root:
    """Return what kind of root a session is, whether others wait for it or not."""
    if isinstance(session, PostgresLockSession) and session.pid <= 0:
        return Root.PREPARED
    return kind_of(facts(session))


def facts(session: AnySession) -> Session:
    """Return what decides what may be advised about a session."""
    # The probe of transactions sees client sessions only.
    kind = session.kind if isinstance(session, PostgresLockSession) else CLIENT
    return Session(
        pid=session.pid,
        backend_type=kind,
        state=session.state,
        wait_type=session.wait_type,
        wait_event=session.wait_event,
        application=session.application,
        query=session.query,
    )


def who(session: AnySession, kind: Root | None = None) -> str:
    """Return a session as people name it: `pid 4211 (psql, idle in transaction for 3m 12s)`."""
    if isinstance(session, PostgresLockSession) and session.pid <= 0:
        return f"the prepared transaction {session.prepared_name}" if session.prepared_name else _PREPARED
    name = session.application or session.role
    inside = ", ".join(part for part in (name, what(session), KINDS[kind or root_of(session)].does) if part)
    return f"pid {session.pid} ({inside})" if inside else f"pid {session.pid}"


_PREPARED = "a prepared transaction"


def what(session: AnySession) -> str:
    """Return what a session does and for how long, empty if it is not known."""
    if session.state is None:
        return ""
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


def end_session(evidence: Evidence, pid: int, kind: Root) -> tuple[ProposedAction, ...]:
    """Return what may be proposed about a session of that kind: only what helps and does no harm."""
    return tuple(signal(evidence, pid, how) for how in KINDS[kind].offers) if pid > 0 else ()


def signal(evidence: Evidence, pid: int, how: str) -> ProposedAction:
    """Return the proposal to cancel what a session runs, or to terminate it."""
    text = f"Cancel the statement of pid {pid}"
    if how == "terminate":
        text = f"End the session of pid {pid}; its transaction is rolled back"
    return ProposedAction(
        action=f"postgres.{how}", target=evidence.target, text=text, arguments={"pid": str(pid)}
    )


def advised(session: AnySession, kind: Root, waiter: int | None = None) -> dict[str, str]:
    """Return what to check and to do first, as `check` and `advice` of a finding's data."""
    names = {
        "pid": session.pid,
        "application": session.application or session.role or "the application",
        "gid": getattr(session, "prepared_name", None) or "its name",
        "database": session.database or "that it belongs to",
        "waiter": waiter or "unknown",
    }
    return {
        "check": KINDS[kind].check.format(**names),
        "advice": KINDS[kind].advice.format(**names),
        "root_kind": kind.value,
    }


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
