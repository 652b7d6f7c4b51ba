"""Who blocks whom: the tree of those who wait, from its roots, and what each root is."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity, ProposedAction
from incident_lib.technologies.postgres.findings.base import (
    advised,
    conclude,
    end_session,
    one_line,
    root_of,
    signal,
    where,
    who,
)
from incident_lib.technologies.postgres.findings.queues import Queue, queue_of
from incident_lib.technologies.postgres.roots import CLIENT, Root
from incident_lib.technologies.postgres.rows import PostgresLockSession
from incident_lib.technologies.postgres.waits import text_of
from incident_lib.units import format_count, format_duration

_LISTED = 10
# Modes in which one that waits for a table keeps ordinary work behind it.
_STRONG = frozenset({"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
_CHANGES = re.compile(r"(?i)\s*(ALTER|CREATE|DROP|COMMENT)\b")
_NAMED = re.compile(
    r"(?i)\s*(TRUNCATE|LOCK(?:\s+TABLE)?|VACUUM\s+FULL|CLUSTER|REINDEX|REFRESH\s+MATERIALIZED\s+VIEW)\b"
)
# The finding of a tree whose root needs a cause of its own; the others are `blocked`.
_OWN = {
    Root.PREPARED: "prepared",
    Root.WRAPAROUND: "vacuum",
    Root.STANDBY: "commit",
}
# Roots that end no wait by themselves: their clients have to act, or a coordinator.
_DOES_NOTHING = frozenset(
    {Root.IDLE_TRANSACTION, Root.IDLE_HOLDER, Root.CLIENT_OUT, Root.CLIENT_IN, Root.PREPARED}
)
ByPid = Mapping[int, PostgresLockSession]
Data = dict[str, str | float | None]


class Tree(msgspec.Struct, frozen=True):
    """A session that waits for no other, and all that wait for it, directly or behind others."""

    root: PostgresLockSession
    waiters: tuple[PostgresLockSession, ...]

    @property
    def longest_wait_seconds(self) -> float | None:
        """The longest wait, None where none is known."""
        return max(
            (waiter.wait_seconds for waiter in self.waiters if waiter.wait_seconds is not None), default=None
        )

    @property
    def first(self) -> PostgresLockSession:
        """The one that waits for the root itself, and longest."""
        direct = [waiter for waiter in self.waiters if self.root.pid in waiter.blocked_by]
        return max(direct or self.waiters, key=lambda waiter: waiter.wait_seconds or 0)

    @property
    def kind(self) -> Root:
        """What the root is, which decides what may be advised."""
        if self.root.blocked_by:
            return Root.CIRCLE
        if self.moves:
            return Root.MOVING
        kind = root_of(self.root)
        return Root.BUSY_HOLDER if kind is Root.IDLE_HOLDER and self.is_busy else kind

    @property
    def is_busy(self) -> bool:
        """Whether the root has run a statement since the first of the others began to wait."""
        ran, waits = self.root.query_started_at, [waiter.wait_started_at for waiter in self.waiters]
        return ran is not None and any(began is not None and began < ran for began in waits)

    @property
    def moves(self) -> bool:
        """Whether the queue moves: another session was at its head before, or is a moment later."""
        if self.root.kind != CLIENT or self.root.pid <= 0:
            return False
        began = self.root.transaction_started_at
        came_late = began is not None and any(
            waiter.wait_started_at is not None
            and not waiter.wait_is_estimate
            and waiter.wait_started_at < began
            for waiter in self.waiters
        )
        return came_late or (self.root.lasts is False and any(waiter.lasts for waiter in self.waiters))

    @property
    def has_passed(self) -> bool:
        """Whether a moment later nothing of it was left."""
        waits = [waiter.lasts for waiter in self.waiters]
        return self.root.lasts is not True and bool(waits) and all(lasts is False for lasts in waits)


def trees(sessions: tuple[PostgresLockSession, ...]) -> tuple[Tree, ...]:
    """Return one tree for each root, the one with most waiters first. A deadlock's root is its lowest pid."""
    by_pid = {session.pid: session for session in sessions}
    below: dict[int, list[PostgresLockSession]] = {}
    for session in sessions:
        for root in sorted(_roots(session.pid, by_pid)) if session.blocked_by else ():
            if root != session.pid:
                below.setdefault(root, []).append(session)
    found = [Tree(by_pid[root], tuple(waiters)) for root, waiters in below.items() if root in by_pid]
    return tuple(sorted(found, key=lambda tree: (-len(tree.waiters), tree.root.pid)))


def _roots(pid: int, by_pid: ByPid) -> set[int]:
    """Return where the ways from `pid` to those who block it end."""
    seen: set[int] = set()
    ends: set[int] = set()
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        session = by_pid.get(current)
        if session is None or not session.blocked_by:
            ends.add(current)
        else:
            waiting.extend(session.blocked_by)
    return ends or {min(seen)}


def analyze_locks(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield each root that sessions wait for, and each schema change that a queue has formed behind."""
    sessions = evidence.of(PostgresLockSession)
    grown = trees(sessions)
    found: list[Finding] = []
    moving: list[Tree] = []
    for tree in grown:
        if tree.has_passed:
            continue
        if tree.kind is Root.MOVING:
            moving.append(tree)
            continue
        found += _ddl_queue(evidence, tree)
        found.append(_blocked(evidence, tree, context))
    found += _moving(evidence, moving, context)
    passed = sum(tree.has_passed for tree in grown)
    title = "No session waits for a lock for long" if found else "No session waits for a lock"
    if passed and not found:
        title = (
            f"No session waits for a lock for long: {format_count(passed, 'queue')} cleared within a moment"
        )
    yield from conclude(evidence, found, title, waiters=0)


def _blocked(evidence: Evidence, tree: Tree, context: Context) -> Finding:
    kind = tree.kind
    verb = "wait" if len(tree.waiters) > 1 else "waits"
    return finding(
        evidence,
        _OWN.get(kind, "blocked"),
        _severity(tree, context),
        f"{format_count(len(tree.waiters), 'session')} {verb} for {_thing(tree)} {_root_name(tree)}",
        _detail(tree),
        since=_since(tree),
        actions=_actions(evidence, tree),
        **_data(tree),
        lock_type=tree.first.lock_type,
        lock_mode=tree.first.lock_mode,
    )


def _root_name(tree: Tree) -> str:
    if tree.kind is Root.CIRCLE:
        return f"{who(tree.root)}, which waits for one of them itself"
    return who(tree.root, tree.kind)


def _actions(evidence: Evidence, tree: Tree) -> tuple[ProposedAction, ...]:
    """Return what helps: ending the root, or what queued for a vacuum that must come to its end."""
    if tree.kind is Root.WRAPAROUND and tree.first.kind == CLIENT:
        return (signal(evidence, tree.first.pid, "cancel"),)
    return end_session(evidence, tree.root.pid, tree.kind)


def _since(*grown: Tree) -> datetime | None:
    starts = [waiter.wait_started_at for tree in grown for waiter in tree.waiters if waiter.wait_started_at]
    return min(starts, default=None)


def _severity(tree: Tree, context: Context) -> FindingSeverity:
    """Return how bad a queue is: by its length, once it lasts, and by how long the first one waits."""
    wait = tree.longest_wait_seconds
    severity = _how_bad(len(tree.waiters), wait, context)
    if tree.kind in _DOES_NOTHING and severity is FindingSeverity.INFO:
        return context.thresholds.severity("postgres.locks.wait_for_idle", wait, "seconds") or severity
    return severity


def _how_bad(waiters: int, wait: float | None, context: Context) -> FindingSeverity:
    limits = context.thresholds
    by_wait = limits.severity("postgres.locks.wait", wait, "seconds")
    by_length = limits.severity("postgres.locks.waiters", waiters, "count")
    lasts = limits.severity("postgres.locks.queue", wait, "seconds") or wait is None
    if by_length is FindingSeverity.WARNING and not lasts:
        by_length = None
    known = [severity for severity in (by_wait, by_length) if severity]
    return min(known, key=lambda severity: severity.rank, default=FindingSeverity.INFO)


def _moving(evidence: Evidence, moving: list[Tree], context: Context) -> Iterator[Finding]:
    """Yield one finding for each thing that sessions queue for, whoever stands at the head of the queue."""
    by_queue: dict[Queue, list[Tree]] = {}
    for tree in moving:
        by_queue.setdefault(queue_of(tree.waiters), []).append(tree)
    for queue, grown in by_queue.items():
        waiters = {waiter.pid: waiter for tree in grown for waiter in tree.waiters}
        longest = max((tree.longest_wait_seconds or 0.0 for tree in grown), default=0.0)
        yield finding(
            evidence,
            "moving",
            _how_bad_when_moving(len(waiters), longest, context),
            f"{format_count(len(waiters), 'session')} queue for {queue.name}; the queue moves: no single "
            f"session blocks it",
            "\n".join((queue.advice, *map(_waiter, list(waiters.values())[:_LISTED]))),
            since=_since(*grown),
            waiters=len(waiters),
            longest_wait_seconds=longest,
            thing=queue.name,
            relation=queue.relation,
            lock_type=queue.lock_type,
            application=_applications(waiters.values()),
            advice=queue.advice,
            root_kind=Root.MOVING.value,
        )


def _how_bad_when_moving(waiters: int, longest: float, context: Context) -> FindingSeverity:
    """Return how bad a queue is in which everybody gets his turn: by its length only when it is slow, too."""
    severity = _how_bad(waiters, longest, context)
    is_slow = context.thresholds.severity("postgres.locks.wait", longest, "seconds")
    if severity is FindingSeverity.CRITICAL and not is_slow:
        return FindingSeverity.WARNING
    return severity


def _applications(waiters: Iterable[PostgresLockSession]) -> str | None:
    names = {waiter.application or waiter.role for waiter in waiters}
    return ", ".join(sorted(name for name in names if name)) or None


def _thing(tree: Tree) -> str:
    kinds = {waiter.lock_type for waiter in tree.waiters if tree.root.pid in waiter.blocked_by}
    if kinds == {"virtualxid"}:
        return "the end of the transaction of"
    if kinds == {"advisory"}:
        return "an advisory lock held by"
    return "a lock held by"


def _ddl_queue(evidence: Evidence, tree: Tree) -> Iterator[Finding]:
    """Yield a waiter for a strong lock on a table behind whom others queue: a schema change, mostly."""
    for middle in tree.waiters:
        behind = [waiter for waiter in tree.waiters if middle.pid in waiter.blocked_by]
        if middle.lock_mode not in _STRONG or middle.lock_type != "relation" or not behind:
            continue
        table = middle.relation or f"relation {middle.lock_relation}"
        queue = format_count(len(behind), "session")
        change = change_of(middle)
        advice = _queue_advice(tree, middle, change)
        yield finding(
            evidence,
            "ddl_queue",
            FindingSeverity.CRITICAL,
            f"{change} of {table} waits for {_root_name(tree)}, and {queue} behind it",
            f"{change}: {who(middle)}, {where(middle)}: {one_line(middle.query)}\n"
            f"It waits for: {who(tree.root)}, {where(tree.root)}: {one_line(tree.root.query)}\n"
            f"{advice}",
            since=middle.wait_started_at,
            actions=_queue_actions(evidence, tree, middle),
            **{**_data(tree), "relation": table, "advice": advice},
            change=change,
            amplifier_pid=middle.pid,
            amplifier_application=middle.application,
            amplifier_client=middle.client_address,
            amplifier_query=one_line(middle.query, 500),
            queue=len(behind),
        )


def change_of(session: PostgresLockSession) -> str:
    """Return in words what a session wants a strong lock for."""
    if session.kind == "startup":
        return "The replay of an exclusive lock"
    query = session.query or ""
    if named := _NAMED.match(query):
        return " ".join(named[1].upper().split())
    return "A schema change" if not query or _CHANGES.match(query) else "A lock against all others"


# Roots that themselves wait for an answer from elsewhere: nothing in the queue is cancelled in haste.
_UNTOUCHED = frozenset({Root.PREPARED, Root.STANDBY})


def _queue_actions(evidence: Evidence, tree: Tree, middle: PostgresLockSession) -> tuple[ProposedAction, ...]:
    if tree.kind in _UNTOUCHED:
        return ()
    change = (signal(evidence, middle.pid, "cancel"),) if middle.kind == CLIENT else ()
    root = end_session(evidence, tree.root.pid, tree.kind)
    return (*change, *(root[:1] if tree.kind is Root.WORKS else root[-1:]))


def _queue_advice(tree: Tree, middle: PostgresLockSession, change: str) -> str:
    root = advised(tree.root, tree.kind, middle.pid)["advice"]
    if middle.kind != CLIENT:
        return root
    what = change[0].lower() + change[1:] if change.startswith("A ") else change
    what = what.removeprefix("a ")
    cancel = (
        f"Cancel the {what} (pid {middle.pid}): everything behind it continues at once; run it again with a "
        f"lock_timeout."
    )
    if tree.kind in _UNTOUCHED:
        return (
            f"{root} Until then, cancelling the {what} (pid {middle.pid}) lets the sessions behind it "
            f"continue."
        )
    if tree.kind in {Root.WORKS, Root.CIRCLE, Root.AUTOVACUUM}:
        return cancel
    return (
        f"{cancel} What it waits for: {root[0].lower()}{root[1:]}"
        if tree.kind is not Root.WRAPAROUND
        else root
    )


def _detail(tree: Tree) -> str:
    waits = text_of(tree.root.wait_type, tree.root.wait_event) if not tree.root.blocked_by else ""
    own = f" (it waits for {waits})" if waits and tree.root.state == "active" else ""
    since = f", prepared {format_duration(tree.root.transaction_seconds)} ago" if tree.root.pid <= 0 else ""
    lines = [
        f"Root: {who(tree.root, tree.kind)}{own}{since}, {where(tree.root)}: {one_line(tree.root.query)}"
    ]
    lines.append(advised(tree.root, tree.kind, tree.first.pid)["advice"])
    ordered = sorted(tree.waiters, key=lambda waiter: -(waiter.wait_seconds or 0))
    lines += [_waiter(waiter) for waiter in ordered[:_LISTED]]
    if len(ordered) > _LISTED:
        lines.append(f"and {len(ordered) - _LISTED} more")
    return "\n".join(lines)


def _waiter(waiter: PostgresLockSession) -> str:
    name = waiter.application or waiter.role or "?"
    blockers = ", ".join(f"pid {pid}" if pid > 0 else "a prepared transaction" for pid in waiter.blocked_by)
    lock = " ".join(filter(None, (waiter.lock_mode, waiter.lock_type, waiter.relation or waiter.lock_object)))
    waits = "" if waiter.wait_seconds is None else f" for {format_duration(max(waiter.wait_seconds, 0))}"
    about = " (counted from the start of its statement)" if waiter.wait_is_estimate else ""
    waiting = f"pid {waiter.pid} ({name}) waits{waits}{about} for {lock}"
    return f"{waiting}, blocked by {blockers}: {one_line(waiter.query)}"


def _data(tree: Tree) -> Data:
    root = tree.root
    relations = {waiter.relation for waiter in tree.waiters if waiter.relation}
    return {
        **advised(root, tree.kind, tree.first.pid),
        "root_pid": root.pid if root.pid > 0 else None,
        "root_application": root.application,
        "root_role": root.role,
        "root_database": root.database,
        "root_client": root.client_address,
        "root_state": root.state,
        "root_state_seconds": root.state_seconds,
        "root_transaction_seconds": root.transaction_seconds,
        "root_query": one_line(root.query, 500),
        "root_wait": text_of(root.wait_type, root.wait_event) or None,
        "transaction": root.prepared_name,
        "database": root.database,
        "waiters": len(tree.waiters),
        "longest_wait_seconds": tree.longest_wait_seconds,
        "relation": ", ".join(sorted(relations)) or None,
    }
