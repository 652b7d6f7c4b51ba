"""The servers' own lists of wait events and processes: each is judged, or listed as not judged."""

import re

import pytest

from incident_lib.technologies.postgres.roots import PROCESSES
from incident_lib.technologies.postgres.waits import JUDGED, NOT_JUDGED, TYPES, is_listed
from tests.integration import postgres_service
from tests.integration.postgres_service import Server

pytestmark = pytest.mark.postgres
server = postgres_service.server
# From this version on the server lists its wait events itself; before, only its program has the names.
_LISTS = 17
# Events of every version from 13 on, some of each type.
_IN_ANY = [
    "SyncRep",
    "ClientRead",
    "ClientWrite",
    "PgSleep",
    "WALWrite",
    "ProcArray",
    "LockManager",
    "BufferContent",
    "XactGroupUpdate",
    "RecoveryConflictSnapshot",
    "BackupWaitWalArchive",
    "SafeSnapshot",
    "BufferPin",
    "spectoken",
    "virtualxid",
    "transactionid",
    "DataFileRead",
    "SLRURead",
    "VacuumDelay",
    "CheckpointDone",
    "WalSenderMain",
]


def test_every_wait_event_is_judged_or_listed(server: Server) -> None:
    if server.installation.major >= _LISTS:
        with server.connect() as connection:
            events = connection.execute("SELECT type, name FROM pg_wait_events").fetchall()
        assert len(events) > 200
        assert [event for event in events if not is_listed(*event)] == []
        return
    program = (server.installation.binaries / "postgres").read_bytes()
    assert [name for name in _IN_ANY if f"{name}\0".encode() not in program] == []
    assert [name for name in _IN_ANY if not any(one.endswith(f":{name.lower()}") for one in JUDGED)] == []
    held = {text.decode().lower() for text in re.findall(rb"[A-Za-z]{4,40}(?=\0)", program)}
    # What the program holds is the same list, but for what came with later versions.
    known = {one.partition(":")[2] for one in JUDGED | NOT_JUDGED}
    assert len(known & held) > 0.8 * len(known)


def test_every_process_is_judged(server: Server) -> None:
    program = (server.installation.binaries / "postgres").read_bytes()
    with server.connect() as connection:
        running = connection.execute("SELECT DISTINCT backend_type FROM pg_stat_activity").fetchall()
    assert [name for (name,) in running if name not in PROCESSES] == []
    # In the program the names of processes stand together, beginning with this one.
    begin = program.index(b"\0autovacuum launcher\0")
    near = program[max(0, begin - 4000) : begin + 4000].split(b"\0")
    listed = {
        text.decode()
        for text in near
        if re.fullmatch(
            rb"(autovacuum|background|parallel|logical replication|client|io|wal\w*) ?\w* ?\w*", text
        )
        and text.split()[-1] in {b"worker", b"launcher", b"writer", b"backend"}
    }
    assert len(listed) > 3
    assert listed <= PROCESSES.keys()


def test_every_type_of_waits_that_a_server_reports_is_known(server: Server) -> None:
    with server.connect() as connection:
        seen = connection.execute(
            "SELECT DISTINCT wait_event_type, wait_event FROM pg_stat_activity WHERE wait_event IS NOT NULL"
        ).fetchall()
    assert [event for event in seen if not is_listed(*event) or event[0].lower() not in TYPES] == []
