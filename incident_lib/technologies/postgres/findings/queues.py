"""What sessions queue for, where the queue moves and no session is to blame. Pure."""

from collections.abc import Iterable

import msgspec

from incident_lib.technologies.postgres.rows import PostgresLockSession

_NOTIFY = "1262, 0"  # pg_database, no object of it: what every commit takes that notifies
_ROWS = frozenset({"tuple", "transactionid"})


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that sessions queue for, and how to queue less for it."""

    name: str
    advice: str
    lock_type: str | None = None
    relation: str | None = None


def queue_of(waiters: Iterable[PostgresLockSession]) -> Queue:
    """Return what `waiters` queue for, by the locks that they wait for."""
    listed = list(waiters)
    kinds = {waiter.lock_type for waiter in listed}
    relation = next((waiter.relation for waiter in listed if waiter.relation), None)
    objects = {waiter.lock_object for waiter in listed if waiter.lock_type in {"object", "advisory"}}
    if kinds == {"object"} and objects == {_NOTIFY}:
        return Queue(
            name="the lock that every commit with NOTIFY takes",
            advice="Notify less: one NOTIFY for many rows, and none in a row-level trigger. Transactions "
            "that notify commit one at a time, each after the previous commit is on disk.",
            lock_type="object",
        )
    if kinds <= _ROWS:
        return Queue(
            name=f"the same rows of {relation}" if relation else "the same rows",
            advice="Update those rows less often: last in the transaction, right before the commit; spread "
            "a counter over several rows, or collect changes and write them in one statement.",
            lock_type="tuple",
            relation=relation,
        )
    if kinds == {"advisory"}:
        return Queue(
            name=f"the application's advisory lock {' and '.join(sorted(filter(None, objects)))}".rstrip(),
            advice="Hold that advisory lock for less time, or split what it protects.",
            lock_type="advisory",
        )
    if kinds == {"extend"}:
        return Queue(
            name=f"room at the end of {relation or 'a table'}",
            advice="Insert in larger batches from fewer sessions: each insert may need that lock to extend "
            "the table.",
            lock_type="extend",
            relation=relation,
        )
    lock_type = next(iter(sorted(filter(None, kinds))), None)
    return Queue(
        name=f"locks on {relation}" if relation else f"a lock ({lock_type or 'of an unknown kind'})",
        advice="Take that lock in fewer or shorter transactions, or in a weaker mode.",
        lock_type=lock_type,
        relation=relation,
    )
