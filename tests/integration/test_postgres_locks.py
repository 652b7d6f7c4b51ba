"""Who blocks whom, each case really made, on each version that is installed."""

import time

import pytest

from incident_lib.model import FindingSeverity
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
server = postgres_service.server
clients = postgres_clients.clients
CRITICAL = FindingSeverity.CRITICAL


def test_a_row_chain_is_told_from_its_root(clients: Clients, server: Server) -> None:
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    clients.later(
        "web", "BEGIN", "UPDATE stock SET n = 2 WHERE id = 2", "UPDATE stock SET n = 2 WHERE id = 1"
    )
    clients.waiting(1)
    clients.later("web", "UPDATE stock SET n = 3 WHERE id = 2")
    clients.waiting(2)
    time.sleep(0.6)
    found = triage(server.settings(), "locks", "transactions")
    blocked = found["locks.blocked"]
    assert blocked.data["root_pid"] == root.info.backend_pid
    assert blocked.data["root_application"] == "reprice"
    assert blocked.data["root_client"] == "127.0.0.1"
    assert blocked.data["root_state"] == "idle in transaction"
    assert blocked.data["waiters"] == 2
    assert 0.5 < float(blocked.data["longest_wait_seconds"] or 0) < 10
    assert blocked.since is not None
    assert blocked.title.startswith(
        f"2 sessions wait for a lock held by pid {root.info.backend_pid} (reprice, idle in transaction for "
    )
    assert [action.action for action in blocked.actions] == ["postgres.terminate"]
    assert found["transactions.idle_blocking"].severity is CRITICAL
    assert "incident-workbench" not in str(found)


def test_two_waiters_on_one_row_have_one_root(clients: Clients, server: Server) -> None:
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    for number in range(1, 6):
        clients.later("web", "UPDATE stock SET n = 2 WHERE id = 1")
        clients.waiting(number)
    found = judge(collect(server.settings(), "locks")["locks"])
    assert [(one.id, one.severity) for one in found] == [("postgres.locks.blocked", CRITICAL)]
    assert found[0].data["waiters"] == 5
    assert found[0].data["root_pid"] == root.info.backend_pid
    assert found[0].data["relation"] == "public.stock"


def test_a_ddl_queue_names_root_and_amplifier(clients: Clients, server: Server) -> None:
    root = clients.open("report")
    root.execute("BEGIN; SELECT * FROM stock")
    middle = clients.later("migration", "ALTER TABLE stock ADD COLUMN note text")
    clients.waiting(1)
    clients.later("web", "SELECT * FROM stock WHERE id = 1")
    clients.later("web", "SELECT * FROM stock WHERE id = 2")
    clients.waiting(3)
    found = triage(server.settings(), "locks")
    queue = found["locks.ddl_queue"]
    assert queue.severity is CRITICAL
    assert queue.data["root_pid"] == root.info.backend_pid
    assert queue.data["amplifier_pid"] == middle.info.backend_pid
    assert queue.data["relation"] == "public.stock"
    assert queue.data["queue"] == 2
    assert found["locks.blocked"].data["waiters"] == 3


def test_an_advisory_lock_is_told(clients: Clients, server: Server) -> None:
    root = clients.open("scheduler")
    root.execute("SELECT pg_advisory_lock(42)")
    clients.later("worker", "SELECT pg_advisory_lock(42)")
    clients.waiting(1)
    blocked = triage(server.settings(), "locks")["locks.blocked"]
    assert "an advisory lock held by" in blocked.title
    assert blocked.data["lock_type"] == "advisory"
    assert blocked.data["root_pid"] == root.info.backend_pid


def test_an_index_build_waits_for_an_old_snapshot(clients: Clients, server: Server) -> None:
    root = clients.open("report")
    root.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM stock")
    clients.open("web").execute("UPDATE stock SET n = 9 WHERE id = 9")
    clients.later("migration", "CREATE INDEX CONCURRENTLY stock_n ON stock (n)")
    clients.waiting(1)
    blocked = triage(server.settings(), "locks")["locks.blocked"]
    assert "the end of the transaction of" in blocked.title
    assert blocked.data["root_pid"] == root.info.backend_pid


def test_several_queues_at_once_are_kept_apart(clients: Clients, server: Server) -> None:
    """A row chain, a schema change with its queue behind that chain's root, an advisory lock beside them."""
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    middle = clients.later(
        "web", "BEGIN", "UPDATE stock SET n = 2 WHERE id = 2", "UPDATE stock SET n = 2 WHERE id = 1"
    )
    clients.waiting(1)
    change = clients.later("migration", "ALTER TABLE stock ADD COLUMN note text")
    clients.waiting(2)
    reader = clients.later("web", "SELECT * FROM stock WHERE id = 7")
    clients.waiting(3)
    keeper = clients.open("scheduler")
    keeper.execute("SELECT pg_advisory_lock(77)")
    clients.later("worker", "SELECT pg_advisory_lock(77)")
    clients.waiting(4)
    found = judge(collect(server.settings(), "locks")["locks"])
    trees = {one.data["root_pid"]: one for one in found if one.id == "postgres.locks.blocked"}
    assert set(trees) == {root.info.backend_pid, keeper.info.backend_pid}
    assert trees[root.info.backend_pid].data["waiters"] == 3
    assert trees[keeper.info.backend_pid].data["waiters"] == 1
    assert trees[keeper.info.backend_pid].data["lock_type"] == "advisory"
    (queue,) = (one for one in found if one.id == "postgres.locks.ddl_queue")
    assert (queue.data["root_pid"], queue.data["amplifier_pid"]) == (
        root.info.backend_pid,
        change.info.backend_pid,
    )
    assert queue.data["queue"] == 1
    assert f"pid {reader.info.backend_pid} (web) waits" in trees[root.info.backend_pid].detail
    assert f"blocked by pid {root.info.backend_pid}" in trees[root.info.backend_pid].detail
    assert middle.info.backend_pid not in trees
    assert str(trees[root.info.backend_pid].data["root_query"]).endswith(
        "UPDATE stock SET n = 1 WHERE id = 1"
    )


def test_a_prepared_transaction_is_named_and_has_no_process(clients: Clients, server: Server) -> None:
    owner = clients.open("coordinator")
    owner.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1; PREPARE TRANSACTION 'order-7'")
    try:
        clients.later("web", "UPDATE stock SET n = 2 WHERE id = 1")
        clients.waiting(1)
        time.sleep(1.1)
        found = triage(server.settings(), "locks", "server")
        held = found["locks.prepared"]
        assert "held by the prepared transaction order-7" in held.title
        assert (held.data["root_pid"], held.data["database"], held.actions) == (None, "shop", ())
        assert found["server.prepared"].data["transaction"] == "order-7"
    finally:
        owner.execute("ROLLBACK PREPARED 'order-7'")


def test_a_locked_catalog_is_seen_through_another_database(clients: Clients, server: Server) -> None:
    clients.later("web", "SELECT pg_sleep(0.3)", "SELECT count(*) FROM pg_class")
    root = clients.open("maintenance")
    root.execute("BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE")
    clients.waiting(1)
    started = time.monotonic()
    found = triage(server.settings(), "locks", "activity")
    assert time.monotonic() - started < 6
    locked = found["connection.busy"]
    assert locked.severity is CRITICAL
    assert locked.title.startswith("The database shop lets no client in: one of its catalogs is locked")
    assert found["locks.blocked"].data["root_pid"] == root.info.backend_pid
    root.rollback()
