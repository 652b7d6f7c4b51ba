"""What a session that others wait for is, and what may be advised and done about it. Pure.

Findings and actions ask the same table: what is never offered is refused, too.
"""

import re
from collections.abc import Callable
from enum import StrEnum, auto

import msgspec

from incident_lib.technologies.postgres.connect.session import APPLICATION
from incident_lib.technologies.postgres.waits import Meaning, meaning_of

CLIENT = "client backend"
_WRAPAROUND = "(to prevent wraparound)"
# Programs that copy a whole database out, by the name that they give their sessions.
_BACKUP = re.compile(r"(?i)\b(pg_dump(all)?|pg_basebackup|pgbackrest|barman|wal-g|pg_probackup)\b")
_EXPORT = re.compile(r"(?i)\s*COPY\b.*\bTO\s+(STDOUT|PROGRAM|')", re.DOTALL)
# Statements that take long by their nature, and harm only where a session waits for them.
_UPKEEP = re.compile(
    r"(?i)\s*(VACUUM|ANALYZE|CLUSTER|REINDEX|REFRESH\s+MATERIALIZED|CREATE\s+(UNIQUE\s+)?INDEX)\b"
)


class Root(StrEnum):
    """The kinds of what sessions wait for."""

    WORKS = auto()  # runs a statement
    IDLE_TRANSACTION = auto()
    IDLE_HOLDER = auto()  # outside of any transaction: it holds an advisory lock
    BUSY_HOLDER = auto()  # as that one, and has run statements since the others began to wait
    STANDBY = auto()  # its commit waits for a synchronous standby
    CLIENT_OUT = auto()  # its client does not read
    CLIENT_IN = auto()  # its client does not send what was announced
    PREPARED = auto()
    WRAPAROUND = auto()  # vacuum that must come to its end
    AUTOVACUUM = auto()
    WALSENDER = auto()
    BACKUP = auto()
    WORKER = auto()  # background and parallel workers
    REPLAY = auto()  # the start-up process of a standby
    SERVER = auto()  # the server's other processes
    OURS = auto()
    UNSEEN = auto()  # our role does not see it
    CIRCLE = auto()  # they wait for each other
    MOVING = auto()  # a queue that moves: the head is another one by now


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of a session before anything is advised."""

    pid: int
    backend_type: str | None
    state: str | None
    wait_type: str | None
    wait_event: str | None
    application: str | None
    query: str | None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about one kind of root, and what not."""

    does: str = ""  # what it does, behind its name; where empty, state and duration stand there
    check: str
    advice: str  # {who} is the session, {pid} its number
    offers: tuple[str, ...] = ()  # of cancel and terminate: what helps and does no harm
    refusal: str = ""  # what `mitigate` answers to both, with what to do instead
    no_cancel: str = ""  # what it answers to cancel, where the session may be terminated


_OWN_WORK = "Which code of {application} is it, and is its work needed?"
KINDS = {
    Root.WORKS: Kind(
        check=_OWN_WORK,
        advice="Cancel the statement of pid {pid} if it is not needed; terminate the session only if that "
        "does not help.",
        offers=("cancel", "terminate"),
    ),
    Root.IDLE_TRANSACTION: Kind(
        check="Which code of {application} began the transaction and does not end it?",
        advice="End the session of pid {pid} if its work is not needed; it is idle, so there is nothing to "
        "cancel.",
        offers=("terminate",),
        no_cancel="it is idle in its transaction, so there is no statement to cancel",
    ),
    Root.IDLE_HOLDER: Kind(
        does="idle, with an advisory lock that it kept",
        check="Which code of {application} takes the advisory lock and does not release it? Behind a pooler "
        "that shares sessions, session locks outlive the client that took them.",
        advice="End the session of pid {pid}: it is idle and keeps its advisory lock until it ends; "
        "cancelling does nothing.",
        offers=("terminate",),
        no_cancel="it runs no statement; it keeps its lock until the session ends",
    ),
    Root.BUSY_HOLDER: Kind(
        does="at work between two statements, with an advisory lock that it keeps",
        check="Does {application} elect a leader by that lock? Then the others wait for their turn, as they "
        "should. Behind a pooler that shares sessions, it may be the lock of a client that has left.",
        advice="Leave pid {pid} alone if it is the leader, or the only instance of a job: it has run "
        "statements since the others began to wait. Only a lock that a pooled connection was left with is "
        "given back by closing that connection.",
    ),
    Root.STANDBY: Kind(
        does="its commit waits for a synchronous standby",
        check="Which standbys does synchronous_standby_names name, and which of them stream "
        "(pg_stat_replication)?",
        advice="Bring the synchronous standby back, or take it out of synchronous_standby_names and reload; "
        "leave the waiting writers alone.",
        refusal="its transaction is already committed here and waits for a synchronous standby: ending it "
        "only gives up the guarantee of a second copy. Bring the standby back, or take it out of "
        "synchronous_standby_names and reload",
    ),
    Root.CLIENT_OUT: Kind(
        does="waits for its client to read the result",
        check="Why does the client of {application} not read: is it stopped or stuck, or is its network "
        "down?",
        advice="End the session of pid {pid}: its client does not read, and it may not notice a cancel; "
        "then check that client.",
        offers=("terminate",),
    ),
    Root.CLIENT_IN: Kind(
        does="waits for its client to send data",
        check="Why does the client of {application} not send the data it announced (COPY FROM STDIN)?",
        advice="End the session of pid {pid}: its client does not send, and it does not notice a cancel; "
        "then check that client.",
        offers=("terminate",),
        no_cancel="it waits for its client to send, and does not notice a cancel",
    ),
    Root.PREPARED: Kind(
        check="What does its coordinator report for {gid}: commit or roll back?",
        advice="Let its coordinator decide: COMMIT PREPARED '{gid}' or ROLLBACK PREPARED '{gid}', in the "
        "database {database}. It has no session to end.",
        refusal="a prepared transaction has no process. Its coordinator finishes it, in its own database: "
        "COMMIT PREPARED or ROLLBACK PREPARED with its name (pg_prepared_xacts)",
    ),
    Root.WRAPAROUND: Kind(
        does="anti-wraparound vacuum",
        check="How far along is it (pg_stat_progress_vacuum), and must the schema change run now?",
        advice="Let the vacuum run. Cancel what waits for it (a schema change, pid {waiter}), so that the "
        "sessions behind it continue; run it again later, with a lock_timeout.",
        refusal="it is an anti-wraparound vacuum: the server starts it again at once, and without it all "
        "writes eventually stop. Let it run; cancel what waits for it instead",
    ),
    Root.AUTOVACUUM: Kind(
        does="autovacuum",
        check="Does it yield? The server cancels it once a session has waited for deadlock_timeout.",
        advice="Wait a moment: autovacuum cancels itself for the session that waits for it.",
    ),
    Root.WALSENDER: Kind(
        does="sends to a standby, a subscriber or a base backup",
        check="Who receives from it, and how far along is that (pg_stat_replication)?",
        advice="Let it finish; if what waits for it cannot wait (pid {waiter}), cancel that.",
        refusal="it sends to a standby, a subscriber or a base backup, which would have to start over; "
        "cancel what waits for it instead",
    ),
    Root.BACKUP: Kind(
        does="a backup",
        check="When will the backup end, and what needs the table meanwhile?",
        advice="Let the backup finish; if what waits for it cannot wait (pid {waiter}), cancel that and run "
        "it again afterwards.",
    ),
    Root.WORKER: Kind(
        does="a worker process of the server",
        check="What does this worker belong to (see backend_type and the server's log)?",
        advice="Find what the worker pid {pid} belongs to: end the query that leads it, or stop what starts "
        "it (ALTER SUBSCRIPTION ... DISABLE); the server restarts a worker that ends.",
        refusal="it is a worker process of the server, which starts it again. Cancel the query that leads "
        "it, or "
        "stop what starts it (ALTER SUBSCRIPTION ... DISABLE, the extension's own switch)",
    ),
    Root.REPLAY: Kind(
        does="replays what the primary did",
        check="Which transaction on the primary holds that lock?",
        advice="End or commit the transaction on the primary whose lock is replayed here; ending sessions "
        "on this standby does not help.",
        refusal="it replays what the primary did. End or commit the transaction on the primary",
    ),
    Root.SERVER: Kind(
        check="What does the server's log say of this process?",
        advice="Leave pid {pid} alone: it is a process of the server itself.",
        refusal="it is a process of the server itself",
    ),
    Root.OURS: Kind(
        check="Which workbench is it?",
        advice="Leave it alone: it ends on its own within seconds.",
        refusal="it is a session of the workbench, and ends on its own within seconds",
    ),
    Root.UNSEEN: Kind(
        does="the workbench's role cannot see what it is",
        check="What is pid {pid}? Grant pg_monitor to the workbench's role, or query pg_stat_activity as a "
        "superuser.",
        advice="Find out what pid {pid} is before you do anything to it: the workbench's role cannot see it.",
        refusal="the workbench's role cannot see what it is: GRANT pg_monitor to that role first",
    ),
    Root.CIRCLE: Kind(
        check="Which statements block each other? The server's log shows both once it has ended one of them.",
        advice="Wait for deadlock_timeout: the server ends one of them on its own. Then make the code lock "
        "in one order.",
    ),
    Root.MOVING: Kind(
        check="What do they all queue for, and who needs it that often?",
        advice="No single session is to blame: the head of the queue keeps changing. Use less of what they "
        "queue for.",
    ),
}


def kind_of(session: Session) -> Root:
    """Return what kind of root a session is, by what it is, its state and its own wait.

    >>> wait = {"wait_type": "IPC", "wait_event": "SyncRep"}
    >>> nothing = {"application": None, "query": None, "pid": 7}
    >>> kind_of(Session(backend_type="client backend", state="active", **wait, **nothing))
    <Root.STANDBY: 'standby'>
    """
    if session.application == APPLICATION:
        return Root.OURS
    if session.backend_type is None:
        return Root.UNSEEN
    if session.backend_type == CLIENT:
        return _client_kind(session)
    if session.backend_type == "autovacuum worker":
        return Root.WRAPAROUND if _WRAPAROUND in (session.query or "") else Root.AUTOVACUUM
    return kind_of_process(session.backend_type)


# The first that fits decides.
_CLIENT_KINDS: tuple[tuple[Callable[[Session, Meaning | None], bool], Root], ...] = (
    (lambda session, _wait: session.state in {None, "disabled", "starting"}, Root.UNSEEN),
    (lambda session, _wait: session.state == "idle", Root.IDLE_HOLDER),
    (lambda _session, wait: wait is Meaning.STANDBY, Root.STANDBY),
    (lambda session, _wait: str(session.state).startswith("idle in transaction"), Root.IDLE_TRANSACTION),
    (lambda session, _wait: is_backup(session), Root.BACKUP),
    (lambda _session, wait: wait is Meaning.CLIENT_OUT, Root.CLIENT_OUT),
    (lambda _session, wait: wait is Meaning.CLIENT_IN, Root.CLIENT_IN),
)


def _client_kind(session: Session) -> Root:
    wait = meaning_of(session.wait_type, session.wait_event)
    return next((kind for fits, kind in _CLIENT_KINDS if fits(session, wait)), Root.WORKS)


def is_backup(session: Session) -> bool:
    """Return whether a session copies data out for a backup or an export."""
    return bool(_BACKUP.search(session.application or ""))


def takes_long_by_nature(session: Session) -> bool:
    """Return whether what a session runs is upkeep or an export, which is long and harms none by itself."""
    query = session.query or ""
    return is_backup(session) or bool(_EXPORT.match(query) or _UPKEEP.match(query))


# What each process of the server is, versions 13 to 18. Extensions name their workers as they like.
PROCESSES: dict[str, Root] = {
    CLIENT: Root.WORKS,
    "autovacuum worker": Root.AUTOVACUUM,
    "walsender": Root.WALSENDER,
    "background worker": Root.WORKER,
    "parallel worker": Root.WORKER,
    "logical replication launcher": Root.SERVER,
    "logical replication worker": Root.WORKER,
    "logical replication apply worker": Root.WORKER,
    "logical replication parallel worker": Root.WORKER,
    "logical replication tablesync worker": Root.WORKER,
    "slotsync worker": Root.SERVER,
    "startup": Root.REPLAY,
    "archiver": Root.SERVER,
    "autovacuum launcher": Root.SERVER,
    "background writer": Root.SERVER,
    "checkpointer": Root.SERVER,
    "dead-end client backend": Root.SERVER,
    "io worker": Root.SERVER,
    "logger": Root.SERVER,
    "not initialized": Root.SERVER,
    "postmaster": Root.SERVER,
    "standalone backend": Root.SERVER,
    "stats collector": Root.SERVER,
    "walreceiver": Root.SERVER,
    "walsummarizer": Root.SERVER,
    "walwriter": Root.SERVER,
}


def kind_of_process(backend_type: str) -> Root:
    """Return what a process is by its type alone; what no server of ours knows is an extension's worker.

    >>> kind_of_process("checkpointer"), kind_of_process("pg_cron launcher")
    (<Root.SERVER: 'server'>, <Root.WORKER: 'worker'>)
    """
    return PROCESSES.get(backend_type, Root.WORKER)
