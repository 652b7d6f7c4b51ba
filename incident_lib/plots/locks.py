"""Who waits for whom, as a tree: the roots are those that wait for nobody."""

from collections.abc import Sequence
from html import escape

from incident_lib.plots.svg import shorten
from incident_lib.technologies.postgres.rows import PostgresLockSession
from incident_lib.units import format_duration


def plot_locks(sessions: Sequence[PostgresLockSession]) -> str:
    """Return nested lists of HTML. A session that waits for two stands under both; a circle is cut."""
    by_pid = {one.pid: one for one in sessions}
    roots = [one for one in sessions if not any(pid in by_pid for pid in one.blocked_by)]
    if not roots:
        roots = list(sessions[:1])  # everybody waits for somebody: a deadlock that is not resolved yet
    items = "".join(_branch(one, sessions, ()) for one in roots)
    return f'<ul class="iw-tree">{items}</ul>'


def _branch(one: PostgresLockSession, sessions: Sequence[PostgresLockSession], above: tuple[int, ...]) -> str:
    if one.pid in above:
        return f"<li>pid {one.pid} again: they wait for each other</li>"
    waiters = [other for other in sessions if one.pid in other.blocked_by]
    below = "".join(_branch(other, sessions, (*above, one.pid)) for other in waiters)
    nested = f"<ul>{below}</ul>" if below else ""
    css = ' class="iw-root"' if not above else ""
    return f"<li{css}>{_session(one, len(waiters))}{nested}</li>"


def _session(one: PostgresLockSession, waiters: int) -> str:
    who = "prepared transaction" if one.pid == 0 else f"pid {one.pid}"
    about = [part for part in (one.application, one.role, one.client_address, one.state) if part]
    facts = [f"{waiters} wait for it"] if waiters else []
    if one.transaction_seconds is not None:
        facts.append(f"transaction {format_duration(one.transaction_seconds)}")
    if one.blocked_by:
        waited = format_duration(one.wait_seconds) if one.wait_seconds is not None else "an unknown time"
        about_lock = " ".join(part for part in (one.lock_mode, one.relation or one.lock_type or "") if part)
        facts.append(f"waits {waited} for {about_lock or 'a lock'}")
    query = f"<code>{escape(shorten(' '.join(one.query.split()), 160))}</code>" if one.query else ""
    return (
        f"<b>{who}</b> {escape(' · '.join(about))}"
        f'<span class="iw-since"> {escape(" · ".join(facts))}</span>{"<br>" if query else ""}{query}'
    )
