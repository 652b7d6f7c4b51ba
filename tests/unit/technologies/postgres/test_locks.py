"""The tree of those who wait."""

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.findings.locks import trees
from tests.unit.technologies.postgres.records import evidence, judge, waiter

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
    nobody = dict.fromkeys(("application", "role", "database", "client_address", "state", "kind", "query"))
    found = judge(evidence("locks", waiter(0, **nobody), waiter(11, 0)))["blocked"]
    assert found.title == "1 session waits for a lock held by a prepared transaction"
    assert found.actions == ()


def test_without_privilege_the_tree_still_stands() -> None:
    untold = dict.fromkeys(("application", "client_address", "state", "kind", "query", "query_seconds"))
    problem = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor")
    seen = evidence("locks", waiter(10, **untold), waiter(11, 10, wait_seconds=20.0), problem=problem)
    found = judge(seen)["blocked"]
    assert (found.title, found.severity) == ("1 session waits for a lock held by pid 10 (app)", WARNING)
