"""Who waits for whom, as a tree: the roots are those that do not wait."""

from collections.abc import Sequence
from html import escape

from incident_lib.plots.svg import shorten
from incident_lib.technologies.postgres.rows import PostgresLockSession
from incident_lib.units import format_duration


def plot_locks(sessions: Sequence[PostgresLockSession]) -> str:
    """Return nested lists of HTML. A session that waits for two stands under both; a circle is cut."""
    by_pid = {session.pid: session for session in sessions}
    roots = [session for session in sessions if not any(pid in by_pid for pid in session.blocked_by)]
    if not roots:
        roots = list(sessions[:1])  # all of them wait: a deadlock that is not resolved yet
    items = "".join(_branch(session, sessions, ()) for session in roots)
    return f'<ul class="iw-tree">{items}</ul>'


def _branch(
    session: PostgresLockSession, sessions: Sequence[PostgresLockSession], above: tuple[int, ...]
) -> str:
    if session.pid in above:
        return f"<li>pid {session.pid} again: they wait for each other</li>"
    waiters = [other for other in sessions if session.pid in other.blocked_by]
    below = "".join(_branch(other, sessions, (*above, session.pid)) for other in waiters)
    nested = f"<ul>{below}</ul>" if below else ""
    css = ' class="iw-root"' if not above else ""
    return f"<li{css}>{_session(session, len(waiters))}{nested}</li>"


def _session(session: PostgresLockSession, waiters: int) -> str:
    who = "prepared transaction" if session.pid == 0 else f"pid {session.pid}"
    about = [
        part for part in (session.application, session.role, session.client_address, session.state) if part
    ]
    facts = [f"{waiters} waiting for it"] if waiters else []
    if session.transaction_seconds is not None:
        facts.append(f"transaction {format_duration(session.transaction_seconds)}")
    if session.blocked_by:
        about_lock = " ".join(
            part for part in (session.lock_mode, session.relation or session.lock_type or "") if part
        )
        facts.append(f"waits {format_duration(session.wait_seconds)} for {about_lock or 'a lock'}")
    query = f"<code>{escape(shorten(' '.join(session.query.split()), 160))}</code>" if session.query else ""
    return (
        f"<b>{who}</b> {escape(' · '.join(about))}"
        f'<span class="iw-since"> {escape(" · ".join(facts))}</span>{"<br>" if query else ""}{query}'
    )
