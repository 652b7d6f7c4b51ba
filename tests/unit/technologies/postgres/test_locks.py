"""The tree of those who wait."""

from datetime import timedelta
from typing import Any

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.connect.session import APPLICATION
from incident_lib.technologies.postgres.findings.locks import trees
from incident_lib.technologies.postgres.roots import Root
from tests.unit.technologies.postgres.records import NOW, evidence, judge, waiter

CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))
ROOT = waiter(10, application="psql", state="idle in transaction", state_seconds=192.0, query_seconds=None)


def test_nobody_waits() -> None:
    found = judge(evidence("locks"))
    assert {name: one.severity for name, one in found.items()} == {"ok": OK}


def test_a_chain_and_two_waiters_have_one_root() -> None:
    (tree,) = trees((ROOT, waiter(11, 10), waiter(12, 11), waiter(13, 11, 10)))
    assert tree.root.pid == 10
    assert {one.pid for one in tree.waiters} == {11, 12, 13}


def test_a_waiter_behind_two_roots_counts_under_both() -> None:
    found = trees((ROOT, waiter(20), waiter(11, 10, 20), waiter(12, 20)))
    assert [(tree.root.pid, len(tree.waiters)) for tree in found] == [(20, 2), (10, 1)]


def test_a_deadlock_has_a_root_too() -> None:
    (tree,) = trees((waiter(11, 12), waiter(12, 11)))
    assert (tree.root.pid, [one.pid for one in tree.waiters]) == (11, [12])


def test_the_title_reads_well() -> None:
    found = judge(evidence("locks", ROOT, *(waiter(pid, 10) for pid in range(11, 16))))["blocked"]
    assert found.title == "5 sessions wait for a lock held by pid 10 (psql, idle in transaction for 3m 12s)"
    assert found.severity is CRITICAL
    assert found.data["waiters"] == 5
    assert found.data["root_application"] == "psql"
    assert [action.arguments for action in found.actions] == [{"pid": "10"}]


def test_a_root_in_a_long_transaction_of_short_queries_says_so() -> None:
    root = waiter(10, application="reprice", query_seconds=0.006, transaction_seconds=6.0)
    found = judge(evidence("locks", root, waiter(11, 10)))["blocked"]
    assert found.title == "1 session waits for a lock held by pid 10 (reprice, in a transaction for 6 s)"


def test_how_bad_a_queue_is() -> None:
    short = {"wait_seconds": 0.2}
    cases = [
        ((waiter(11, 10, **short),), INFO),
        ((waiter(11, 10, **short), waiter(12, 10, **short)), INFO),
        ((waiter(11, 10), waiter(12, 10)), WARNING),
        ((waiter(11, 10, wait_seconds=11.0),), WARNING),
        (tuple(waiter(pid, 10, **short) for pid in range(11, 16)), CRITICAL),
        ((waiter(11, 10, wait_seconds=None), waiter(12, 10, wait_seconds=None)), WARNING),
    ]
    for waiters, severity in cases:
        found = judge(evidence("locks", ROOT, *waiters))
        assert found["blocked"].severity is severity
        assert ("ok" in found) is (severity is INFO)


def test_a_wait_for_one_that_does_nothing_is_bad_sooner() -> None:
    working = waiter(10, application="report", query_seconds=30.0)
    cases = [(ROOT, 6.0, WARNING), (ROOT, 4.0, INFO), (working, 6.0, INFO), (working, 11.0, WARNING)]
    for root, seconds, severity in cases:
        found = judge(evidence("locks", root, waiter(11, 10, wait_seconds=seconds)))
        assert found["blocked"].severity is severity


def test_a_schema_change_that_queues_names_both() -> None:
    ddl = {"lock_type": "relation", "lock_mode": "AccessExclusiveLock", "relation": "public.orders"}
    middle = waiter(11, 10, application="migration", query="ALTER TABLE orders ADD x int", **ddl)
    found = judge(evidence("locks", ROOT, middle, waiter(12, 11), waiter(13, 11)))
    queue = found["ddl_queue"]
    assert queue.severity is CRITICAL
    assert (queue.data["root_pid"], queue.data["amplifier_pid"], queue.data["queue"]) == (10, 11, 2)
    assert queue.data["relation"] == "public.orders"
    assert [action.action for action in queue.actions] == ["postgres.cancel", "postgres.terminate"]
    assert "ddl_queue" not in judge(evidence("locks", ROOT, middle))


def test_a_prepared_transaction_is_named_and_not_to_be_killed() -> None:
    nobody = dict.fromkeys(("application", "role", "client_address", "state", "query", "query_seconds"))
    root = waiter(-1, **nobody, kind="prepared transaction", prepared_name="order-7")
    found = judge(evidence("locks", root, waiter(11, -1)))["prepared"]
    assert found.title == "1 session waits for a lock held by the prepared transaction order-7"
    assert found.actions == ()
    assert (found.data["root_pid"], found.data["transaction"]) == (None, "order-7")
    assert "COMMIT PREPARED 'order-7'" in str(found.data["advice"])
    unknown = judge(evidence("locks", waiter(0, **nobody, kind=None), waiter(11, 0)))["prepared"]
    assert unknown.title == "1 session waits for a lock held by a prepared transaction"


def test_without_privilege_the_tree_still_stands() -> None:
    untold = dict.fromkeys(("application", "client_address", "state", "kind", "query", "query_seconds"))
    problem = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor")
    seen = evidence("locks", waiter(10, **untold), waiter(11, 10, wait_seconds=20.0), problem=problem)
    found = judge(seen)["blocked"]
    title = "1 session waits for a lock held by pid 10 (app, the workbench's role cannot see what it is)"
    assert (found.title, found.severity, found.actions) == (title, WARNING, ())
    assert "Find out what pid 10 is" in str(found.data["advice"])


@pytest.mark.parametrize(
    ("root", "kind", "offered"),
    [
        ({}, Root.WORKS, ["postgres.cancel", "postgres.terminate"]),
        ({"state": "idle in transaction"}, Root.IDLE_TRANSACTION, ["postgres.terminate"]),
        ({"state": "idle", "query_started_at": None}, Root.IDLE_HOLDER, ["postgres.terminate"]),
        ({"wait_type": "IPC", "wait_event": "SyncRep"}, Root.STANDBY, []),
        ({"wait_type": "Client", "wait_event": "ClientWrite"}, Root.CLIENT_OUT, ["postgres.terminate"]),
        ({"wait_type": "Client", "wait_event": "ClientRead"}, Root.CLIENT_IN, ["postgres.terminate"]),
        ({"application": "pg_dump"}, Root.BACKUP, []),
        ({"application": APPLICATION}, Root.OURS, []),
        ({"kind": "walsender"}, Root.WALSENDER, []),
        ({"kind": "parallel worker"}, Root.WORKER, []),
        ({"kind": "startup"}, Root.REPLAY, []),
        ({"kind": "autovacuum worker", "query": "autovacuum: VACUUM public.t"}, Root.AUTOVACUUM, []),
        ({"state": None}, Root.UNSEEN, []),
    ],
)
def test_what_is_offered_follows_the_kind_of_the_root(
    root: dict[str, Any], kind: Root, offered: list[str]
) -> None:
    (found,) = judge(evidence("locks", waiter(10, **root), waiter(11, 10), waiter(12, 10))).values()
    assert found.data["root_kind"] == kind.value
    assert [action.action for action in found.actions] == offered
    assert "{" not in f"{found.data['advice']}{found.data['check']}"


@pytest.mark.parametrize(
    ("ran_seconds_ago", "kind", "offered"),
    [(60.0, Root.IDLE_HOLDER, ["postgres.terminate"]), (0.5, Root.BUSY_HOLDER, [])],
)
def test_a_leader_at_work_is_not_ended_for_those_who_wait_for_their_turn(
    ran_seconds_ago: float, kind: Root, offered: list[str]
) -> None:
    ran = NOW - timedelta(seconds=ran_seconds_ago)
    leader = waiter(10, state="idle", query_started_at=ran, state_changed_at=ran)
    turn = {"lock_type": "advisory", "wait_seconds": 20.0, "wait_started_at": NOW - timedelta(seconds=20)}
    (found,) = judge(evidence("locks", leader, waiter(11, 10, **turn), waiter(12, 10, **turn))).values()
    assert found.data["root_kind"] == kind.value
    assert [action.action for action in found.actions] == offered
    assert ("at work between two statements" in found.title) is (kind is Root.BUSY_HOLDER)


def test_what_waits_for_a_vacuum_against_wraparound_is_cancelled_and_not_the_vacuum() -> None:
    vacuum = {"kind": "autovacuum worker", "query": "autovacuum: VACUUM public.t (to prevent wraparound)"}
    found = judge(evidence("locks", waiter(10, **vacuum), waiter(11, 10)))["vacuum"]
    assert [(one.action, one.arguments) for one in found.actions] == [("postgres.cancel", {"pid": "11"})]
    assert str(found.data["advice"]).startswith("Let the vacuum run.")


def test_a_queue_that_moves_blames_none() -> None:
    notify = {"lock_type": "object", "lock_mode": "AccessExclusiveLock", "lock_object": "1262, 0"}
    waiting = [waiter(pid, 10, lasts=True, **notify) for pid in range(11, 16)]
    (found,) = judge(evidence("locks", waiter(10, lasts=False), *waiting)).values()
    assert found.id == "postgres.locks.moving"
    assert found.title.startswith("5 sessions queue for the lock that every commit with NOTIFY takes")
    assert (found.severity, found.actions) == (WARNING, ())
    late = waiter(10, transaction_started_at=NOW)  # it began after the others had begun to wait
    (found,) = judge(evidence("locks", late, waiter(11, 10), waiter(12, 10))).values()
    assert found.title.startswith("2 sessions queue for the same rows; the queue moves")


def test_a_queue_that_went_within_a_moment_is_no_finding() -> None:
    gone = judge(evidence("locks", waiter(10, lasts=False), waiter(11, 10, lasts=False)))
    assert {name: one.severity for name, one in gone.items()} == {"ok": OK}
    assert "1 queue cleared within a moment" in gone["ok"].title


def test_those_who_wait_for_each_other_are_left_to_the_server() -> None:
    found = judge(evidence("locks", waiter(11, 12), waiter(12, 11)))["blocked"]
    assert (found.data["root_kind"], found.actions) == ("circle", ())


def test_a_queue_behind_another_strong_lock_is_named_for_what_it_is() -> None:
    lock = {"lock_type": "relation", "lock_mode": "ShareLock", "relation": "public.orders"}
    middle = waiter(11, 10, query="CREATE INDEX ON orders (id)", **lock)
    queue = judge(evidence("locks", ROOT, middle, waiter(12, 11)))["ddl_queue"]
    assert queue.title.startswith("A schema change of public.orders waits for pid 10")
    lock["lock_mode"] = "AccessExclusiveLock"
    middle = waiter(11, 10, query="TRUNCATE orders", **lock)
    queue = judge(evidence("locks", waiter(10, application="pg_dump"), middle, waiter(12, 11)))["ddl_queue"]
    assert queue.title.startswith("TRUNCATE of public.orders waits for pid 10 (pg_dump")
    assert [(one.action, one.arguments["pid"]) for one in queue.actions] == [("postgres.cancel", "11")]
    assert str(queue.data["advice"]).startswith("Cancel the TRUNCATE (pid 11)")
