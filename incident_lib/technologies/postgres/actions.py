"""Cancel a statement, or terminate a session, of PostgreSQL: that very one, or none."""

import re
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from time import sleep

from incident_lib import clock
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.model.remediation import Affected
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.postgres.change import (
    Backend,
    PostgresChange,
    open_for_change,
    signal_statement,
)
from incident_lib.technologies.postgres.roots import KINDS, Root, kind_of
from incident_lib.units import format_duration

_SHOWN = 200
_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.2


def propose(request: Request, *, how: str) -> Proposal:
    """Return what the signal would do. Errors: TargetError, RefusedError when the session is gone."""
    session = _open(request)
    try:
        backend = _find(session, request)
    finally:
        session.close()
    _check(backend, request, how)
    command = " ".join(signal_statement(how, backend).split())
    return Proposal(
        commands=(command,),
        affected=_affected(backend),
        risks=_risks(backend, how),
        undo="none: what its transaction did so far is rolled back and has to be repeated",
        world={
            "pid": str(backend.pid),
            "backend_start": _moment(backend.backend_started_micros),
            "transaction_start": _moment(backend.transaction_started_micros),
            "query": fingerprint(backend.query or ""),
        },
        private=backend,
    )


def _open(request: Request) -> PostgresChange:
    service = request.service
    if service.kind != "postgres":
        raise RefusedError(f"{service.name} is a service of kind {service.kind}, not postgres")
    return open_for_change(request.settings, service)


def _find(session: PostgresChange, request: Request) -> Backend:
    if request.arguments["pid"] == "0":
        raise RefusedError(KINDS[Root.PREPARED].refusal)
    pid = request.number("pid", least=1, most=2**31 - 1)
    backend = session.backend(pid)
    if backend is None:
        raise RefusedError(f"{request.target} no longer has a session with process id {pid}: nothing to do")
    if backend.backend_started_micros is None:
        raise TargetError(
            ProblemKind.PRIVILEGE,
            f"the role {backend.our_role} cannot see what process {pid} is",
            f"GRANT pg_monitor TO {backend.our_role}",
        )
    wanted = request.arguments["backend_start"]
    if wanted and _micros(wanted) != backend.backend_started_micros:
        raise RefusedError(
            f"process {pid} is a different session now: it began {_moment(backend.backend_started_micros)}, "
            f"not {wanted}; nothing was changed"
        )
    return backend


def _check(backend: Backend, request: Request, how: str) -> None:
    kind = KINDS[kind_of(backend.facts)]
    if kind.refusal:
        led = f"; its leader is pid {backend.leader_pid}" if backend.leader_pid else ""
        raise RefusedError(f"process {backend.pid} ({backend.kind}): {kind.refusal}{led}")
    if how == "cancel" and kind.no_cancel:
        raise RefusedError(
            f"process {backend.pid} ({backend.state}): {kind.no_cancel}; postgres.terminate ends the session",
            command=("mitigate", "postgres.terminate", request.target, "--arg", f"pid={backend.pid}"),
            incident=str(request.incident or ""),
        )
    if not backend.is_ours_to_signal:
        grant = "only a superuser can end a superuser's session"
        if backend.role and not backend.it_is_superuser:
            grant = f"GRANT pg_signal_backend TO {backend.our_role}"
        raise TargetError(
            ProblemKind.PRIVILEGE,
            f"the role {backend.our_role} may not signal sessions of {backend.role or 'the server'}",
            grant,
        )


def _affected(backend: Backend) -> tuple[Affected, ...]:
    who = (
        backend.application or "no application name",
        f"role {backend.role}",
        f"database {backend.database}",
    )
    where = f"from {backend.client_address}" if backend.client_address else "local"
    age = backend.transaction_seconds
    lasted = "no transaction" if age is None else f"transaction for {format_duration(max(0.0, age))}"
    return (
        Affected(what="session", detail=f"pid {backend.pid}: {', '.join((*who, where))}"),
        Affected(what="it is", detail=f"{backend.state or backend.kind}, {lasted}"),
        Affected(what="its statement", detail=excerpt(normalized(backend.query or ""), _SHOWN)),
        Affected(what="locks it holds", count=backend.lock_count),
        Affected(what="sessions waiting for it", count=backend.waiter_count),
    )


def _risks(backend: Backend, how: str) -> tuple[str, ...]:
    rolled = "its transaction fails and is rolled back, which may take as long as it has been running"
    lost = "its client gets an error" if how == "cancel" else "its client loses the connection"
    again = "if its client retries, the problem comes back: stop the client too"
    extra = {
        Root.AUTOVACUUM: "the server starts the vacuum again later",
        Root.BACKUP: "the backup is lost and has to start over",
    }
    more = extra.get(kind_of(backend.facts))
    return (rolled, lost, again, *((more,) if more else ()))


def carry_out(request: Request, proposal: Proposal, *, how: str) -> Done:
    """Send the signal and return what the server answered. Errors: TargetError."""
    backend: Backend = proposal.private
    session = _open(request)
    try:
        was_sent = session.signal(how, backend)
    finally:
        session.close()
    word = {"cancel": "cancelled the statement of", "terminate": "terminated"}[how]
    if was_sent:
        return Done(text=f"{word} process {backend.pid}")
    return Done(text=f"no signal was sent to process {backend.pid}", left="its transaction had just ended")


def verify(request: Request, proposal: Proposal, *, how: str) -> Verdict:
    """Return whether statement or session are gone, within some seconds."""
    backend: Backend = proposal.private
    deadline = clock.monotonic() + _WAIT_SECONDS
    session = _open(request)
    try:
        while not (gone := _is_gone(now := session.backend(backend.pid), backend, how)):
            if clock.monotonic() > deadline:
                break
            sleep(_PAUSE_SECONDS)
    finally:
        session.close()
    if now is None or now.backend_started_micros != backend.backend_started_micros:
        line = f"pg_stat_activity: process {backend.pid} is gone"
    else:
        line = (
            f"pg_stat_activity: process {backend.pid} is {now.state}, {now.waiter_count} sessions wait for it"
        )
    other = (
        "postgres.terminate ends the session itself" if how == "cancel" else "it may hang in a system call"
    )
    return Verdict(
        is_verified=gone,
        evidence=(line,),
        next_step=f"check that the other sessions continue: {request.commands.line('triage')}"
        if gone
        else other,
    )


def _is_gone(now: Backend | None, before: Backend, how: str) -> bool:
    if now is None or now.backend_started_micros != before.backend_started_micros:
        return True
    if how == "terminate":
        return False
    return now.state != "active" or now.transaction_started_micros != before.transaction_started_micros


def normalized(query: str) -> str:
    """Return a statement without what varies and what may be private: strings and numbers.

    >>> normalized("UPDATE users SET mail = 'a''b@c.d'  WHERE id = 7 -- now")
    'UPDATE users SET mail = ? WHERE id = ?'
    """
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", query, flags=re.DOTALL)
    text = re.sub(r"\$(\w*)\$.*?\$\1\$|[eE]?'(?:[^'\\]|''|\\.)*(?:'|\Z)", "?", text, flags=re.DOTALL)
    return " ".join(re.sub(r"(?<![\w$.])\d+(?:\.\d+)?\b", "?", text).split())


def fingerprint(query: str) -> str:
    """Return what distinguishes statements of one form from others.

    >>> fingerprint("SELECT 1") == fingerprint("select  2")
    True
    """
    return sha256(normalized(query).lower().encode()).hexdigest()[:16]


def _moment(micros: int | None) -> str:
    if micros is None:
        return "none"
    whole = datetime.fromtimestamp(micros // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{micros % 1_000_000:06d}+00:00"


def _micros(text: str) -> int:
    try:
        moment = clock.parse_time(text)
    except UsageError as error:
        raise RefusedError(f"backend_start: {error}") from error
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond


_ARGUMENTS = (
    Argument(name="pid", help="the process id, as shown in findings"),
    Argument(name="backend_start", help="when that session began, if a finding shows it", default=""),
)


_SAFE = (
    (
        "A commit waits for a synchronous standby: its data is already committed here, and ending it would "
        "only give up the guarantee of a second copy. Refused."
    ),
    (
        "The process is a walsender, an anti-wraparound vacuum, a background or parallel worker, or another "
        "server process: it starts again, or something else has to start over. Refused."
    ),
    (
        "Sessions wait for a prepared transaction: it has no process; its coordinator commits it or rolls it "
        "back. Refused."
    ),
    "The session belongs to the workbench, or the workbench's role cannot see what it is. Refused.",
    (
        "The queue moves, with a different session at its head a moment later: none is to blame. It is not "
        "proposed, and a session whose transaction has changed since the plan is left alone."
    ),
    "It is a backup (pg_dump), which would have to start over: cancel what waits for it instead.",
)


def _action(how: str, title: str, does: str, undo: str, not_when: tuple[str, ...]) -> Action:
    return Action(
        id=f"postgres.{how}",
        title=title,
        targets="a service of kind postgres",
        does=does,
        undo=undo,
        not_when=(*not_when, *_SAFE),
        propose=partial(propose, how=how),
        carry_out=partial(carry_out, how=how),
        verify=partial(verify, how=how),
        arguments=_ARGUMENTS,
    )


CANCEL = _action(
    "cancel",
    "Cancel the statement that a PostgreSQL session runs",
    "Sends pg_cancel_backend to exactly that session in exactly that transaction, or to none. Its statement "
    "fails "
    "with 57014, its transaction is rolled back, the session stays. Waits up to five seconds to see it end.",
    "Nothing has to be undone: the statement's work is rolled back, and it can be run again.",
    (
        "The session is idle, or idle in a transaction: there is no statement to cancel. Refused.",
        "It waits for its client to send (COPY FROM STDIN): it does not notice a cancel. Refused.",
        "It waits for its client to read: it may not notice a cancel, and the client stays stuck.",
    ),
)
TERMINATE = _action(
    "terminate",
    "Terminate a PostgreSQL session",
    "Sends pg_terminate_backend to exactly that session in exactly that transaction, or to none. Its "
    "transaction "
    "is rolled back, its locks are released, its client loses the connection. Waits up to five seconds to "
    "see it end.",
    "It cannot be undone: the client has to reconnect and repeat its transaction.",
    (
        "If a statement is running, try postgres.cancel first: it keeps the session.",
        "If the client opens the same transaction again at once, stop the client or its code path too.",
    ),
)
