"""What our looks cost a server: one connection, nothing slow, nobody who waits behind us."""

import threading
from contextlib import ExitStack

import pytest

from incident_lib.model import EvidenceStatus
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect

pytestmark = pytest.mark.postgres
server = postgres_service.server
clients = postgres_clients.clients
_LOOK = """
SELECT count(*) FILTER (WHERE application_name = 'incident-workbench'),
       count(*) FILTER (WHERE 'incident-workbench' = ANY (
           SELECT b.application_name FROM pg_stat_activity AS b
           WHERE a.wait_event_type = 'Lock' AND b.pid = ANY (pg_blocking_pids(a.pid)))),
       count(*) FILTER (WHERE application_name = 'incident-workbench' AND state LIKE 'idle in transaction%'
                        AND clock_timestamp() - state_change > interval '0.2 seconds')
FROM pg_stat_activity AS a
"""


def test_one_connection_and_nobody_waits_for_us(clients: Clients, server: Server) -> None:
    """Migrations of every kind come and go while we look; none of them ever waits for us."""
    admin = clients.open("setup")
    admin.execute("DROP TABLE IF EXISTS moved; CREATE TABLE moved (id serial, n int)")
    admin.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO workbench")
    stop, seen = threading.Event(), []

    def migrate() -> None:
        changer = clients.open("migration")
        while not stop.is_set():
            changer.execute("ALTER TABLE moved ADD COLUMN IF NOT EXISTS note text")
            changer.execute("ALTER TABLE moved DROP COLUMN note")
            changer.execute("ALTER SEQUENCE moved_id_seq RESTART WITH 5")

    def watch() -> None:
        watcher = clients.open("watcher", dbname="postgres")
        while not stop.is_set():
            seen.append(watcher.execute(_LOOK.encode()).fetchone())

    threads = [threading.Thread(target=work) for work in (migrate, watch)]
    for thread in threads:
        thread.start()
    try:
        evidence = collect(server.settings())
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    failed = {name for name, one in evidence.items() if one.status is EvidenceStatus.FAILED}
    assert failed <= {"statements"}
    assert max(ours for ours, _, _ in seen) == 1
    # A sequence that is read keeps its lock for the statement: longer than one look nobody waits.
    assert not any(
        first[1] and second[1] and third[1]
        for first, second, third in zip(seen, seen[1:], seen[2:], strict=False)
    )
    assert max(idle for _, _, idle in seen) == 0


def test_nothing_of_ours_is_in_the_slow_log() -> None:
    slow = {"log_min_duration_statement": "100ms", "log_line_prefix": "%a|", "log_lock_waits": "on"}
    with postgres_service.running(postgres_service.INSTALLATIONS[-1], **slow) as own, ExitStack() as stack:
        with own.connect() as admin:
            admin.execute(
                "DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format("
                "'CREATE TABLE many_%s (id serial PRIMARY KEY, n int)', i); END LOOP; END $$"
            )
            admin.execute("SELECT pg_sleep(0.2)")  # proves that the log would tell
        for _ in range(30):
            stack.enter_context(own.connect(application_name="web"))
        for _ in range(3):  # another process of this machine may hold one of them up
            before = (own.data / "log").stat().st_size
            collect(own.settings())
            log = (own.data / "log").read_text(errors="replace")
            ours = [line for line in log[before:].splitlines() if line.startswith("incident-workbench|")]
            if not ours:
                break
    assert "test|LOG:  duration: 2" in log
    assert not ours
