"""Who blocks whom: the tree of those who wait, from its roots."""

from collections.abc import Iterator, Mapping

import msgspec

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import (
    conclude,
    end_session,
    one_line,
    where,
    who,
)
from incident_lib.technologies.postgres.rows import PostgresLockSession
from incident_lib.units import format_count, format_duration

_LISTED = 10
_DDL = "AccessExclusiveLock"
ByPid = Mapping[int, PostgresLockSession]


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
    found: list[Finding] = []
    for tree in trees(sessions):
        found += _ddl_queue(evidence, tree)
        found.append(_blocked(evidence, tree, context))
    yield from conclude(evidence, found, "No session waits for a lock", waiters=0)


def _blocked(evidence: Evidence, tree: Tree, context: Context) -> Finding:
    first = min(tree.waiters, key=lambda waiter: -(waiter.wait_seconds or 0))
    verb = "wait" if len(tree.waiters) > 1 else "waits"
    return finding(
        evidence,
        "blocked",
        _severity(tree, context),
        f"{format_count(len(tree.waiters), 'session')} {verb} for {_thing(tree)} {who(tree.root)}",
        _detail(tree),
        since=min(
            (waiter.wait_started_at for waiter in tree.waiters if waiter.wait_started_at), default=None
        ),
        actions=end_session(evidence, tree.root.pid, running=tree.root.state == "active"),
        **_data(tree),
        lock_type=first.lock_type,
        lock_mode=first.lock_mode,
    )


def _severity(tree: Tree, context: Context) -> FindingSeverity:
    """Return how bad a queue is: by its length, once it lasts, and by how long the first one waits."""
    limits, wait = context.thresholds, tree.longest_wait_seconds
    by_wait = limits.severity("postgres.locks.wait", wait, "seconds")
    by_length = limits.severity("postgres.locks.waiters", len(tree.waiters), "count")
    lasts = limits.severity("postgres.locks.queue", wait, "seconds") or wait is None
    if by_length is FindingSeverity.WARNING and not lasts:
        by_length = None
    known = [severity for severity in (by_wait, by_length) if severity]
    return min(known, key=lambda severity: severity.rank, default=FindingSeverity.INFO)


def _thing(tree: Tree) -> str:
    kinds = {waiter.lock_type for waiter in tree.waiters if tree.root.pid in waiter.blocked_by}
    if kinds == {"virtualxid"}:
        return "the end of the transaction of"
    if kinds == {"advisory"}:
        return "an advisory lock held by"
    return "a lock held by"


def _ddl_queue(evidence: Evidence, tree: Tree) -> Iterator[Finding]:
    """Yield a waiter for an exclusive lock on a table behind whom others queue: a schema change, mostly."""
    for middle in tree.waiters:
        behind = [waiter for waiter in tree.waiters if middle.pid in waiter.blocked_by]
        if middle.lock_mode != _DDL or middle.lock_type != "relation" or not behind:
            continue
        table = middle.relation or f"relation {middle.lock_relation}"
        queue = format_count(len(behind), "session")
        yield finding(
            evidence,
            "ddl_queue",
            FindingSeverity.CRITICAL,
            f"A schema change of {table} waits for {who(tree.root)}, and {queue} behind it",
            f"Schema change: {who(middle)}, {where(middle)}: {one_line(middle.query)}\n"
            f"It waits for: {who(tree.root)}, {where(tree.root)}: {one_line(tree.root.query)}\n"
            "Cancel the schema change and everybody goes on; run it again with a lock_timeout",
            since=middle.wait_started_at,
            actions=(
                *end_session(evidence, middle.pid, running=True)[:1],
                *end_session(evidence, tree.root.pid, running=tree.root.state == "active")[-1:],
            ),
            **{**_data(tree), "relation": table},
            amplifier_pid=middle.pid,
            amplifier_application=middle.application,
            amplifier_client=middle.client_address,
            amplifier_query=one_line(middle.query, 500),
            queue=len(behind),
        )


def _detail(tree: Tree) -> str:
    lines = [f"Root: {who(tree.root)}, {where(tree.root)}: {one_line(tree.root.query)}"]
    ordered = sorted(tree.waiters, key=lambda waiter: -(waiter.wait_seconds or 0))
    lines += [_waiter(waiter) for waiter in ordered[:_LISTED]]
    if len(ordered) > _LISTED:
        lines.append(f"and {len(ordered) - _LISTED} more")
    return "\n".join(lines)


def _waiter(waiter: PostgresLockSession) -> str:
    name = waiter.application or waiter.role or "?"
    blockers = ", ".join(f"pid {pid}" if pid else "a prepared transaction" for pid in waiter.blocked_by)
    lock = " ".join(filter(None, (waiter.lock_mode, waiter.lock_type, waiter.relation or waiter.lock_object)))
    waits = "" if waiter.wait_seconds is None else f" for {format_duration(max(waiter.wait_seconds, 0))}"
    about = " (counted from the start of its statement)" if waiter.wait_is_estimate else ""
    waiting = f"pid {waiter.pid} ({name}) waits{waits}{about} for {lock}"
    return f"{waiting}, blocked by {blockers}: {one_line(waiter.query)}"


def _data(tree: Tree) -> dict[str, str | float | None]:
    root = tree.root
    relations = {waiter.relation for waiter in tree.waiters if waiter.relation}
    return {
        "root_pid": root.pid,
        "root_application": root.application,
        "root_role": root.role,
        "root_database": root.database,
        "root_client": root.client_address,
        "root_state": root.state,
        "root_state_seconds": root.state_seconds,
        "root_transaction_seconds": root.transaction_seconds,
        "root_query": one_line(root.query, 500),
        "waiters": len(tree.waiters),
        "longest_wait_seconds": tree.longest_wait_seconds,
        "relation": ", ".join(sorted(relations)) or None,
    }
