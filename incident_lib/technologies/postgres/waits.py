"""What each wait event of PostgreSQL 13 to 18 means, as data. Pure.

Names changed their case with 17 (WALSync, WalSync), so they are compared without it. Source: the view
pg_wait_events (17 and later), for older versions the names that the server's program holds
(`tests/data/postgres_lists.json`).
"""

from collections.abc import Mapping
from enum import StrEnum, auto

from incident_lib.technologies.postgres.wait_names import NAMES


class Meaning(StrEnum):
    """What a process waits for, as far as it makes a difference to what may be done about it."""

    STANDBY = auto()
    CLIENT_IN = auto()
    CLIENT_OUT = auto()
    LOCK = auto()
    PIN = auto()
    DISK = auto()
    INSIDE = auto()
    HELPERS = auto()
    CHECKPOINT = auto()
    COMMAND = auto()
    SLEEP = auto()
    THROTTLE = auto()
    REPLICATION = auto()
    REPLAY_CONFLICT = auto()
    REMOTE = auto()
    IDLE = auto()
    NOT_JUDGED = auto()


# "waits for ..."; empty where nothing can be said.
TEXTS: Mapping[Meaning, str] = {
    Meaning.STANDBY: "a synchronous standby",
    Meaning.CLIENT_IN: "its client to send",
    Meaning.CLIENT_OUT: "its client to read",
    Meaning.LOCK: "a lock",
    Meaning.PIN: "a page that another session is using",
    Meaning.DISK: "the disk",
    Meaning.INSIDE: "a short lock inside the server",
    Meaning.HELPERS: "other processes that work on the same query",
    Meaning.CHECKPOINT: "a checkpoint",
    Meaning.COMMAND: "a command that the server runs",
    Meaning.SLEEP: "a delay that its statement set",
    Meaning.THROTTLE: "a pause required by its settings",
    Meaning.REPLICATION: "another server, in replication",
    Meaning.REPLAY_CONFLICT: "queries that conflict with replay",
    Meaning.REMOTE: "something outside the server, in an extension",
    Meaning.IDLE: "work",
    Meaning.NOT_JUDGED: "",
}
# What a type means where no event of it is listed apart.
TYPES: Mapping[str, Meaning] = {
    "activity": Meaning.IDLE,
    "bufferpin": Meaning.PIN,
    "buffer": Meaning.INSIDE,
    "client": Meaning.NOT_JUDGED,
    "extension": Meaning.REMOTE,
    "io": Meaning.DISK,
    "ipc": Meaning.HELPERS,
    "injectionpoint": Meaning.NOT_JUDGED,
    "lock": Meaning.LOCK,
    "lwlock": Meaning.INSIDE,
    "timeout": Meaning.THROTTLE,
}
_APART: Mapping[Meaning, str] = {
    Meaning.STANDBY: "IPC:SyncRep",
    Meaning.CLIENT_IN: "Client:ClientRead",
    Meaning.CLIENT_OUT: "Client:ClientWrite",
    Meaning.CHECKPOINT: "IPC:CheckpointDone IPC:CheckpointStart IPC:CheckpointDelayComplete "
    "IPC:CheckpointDelayStart",
    Meaning.COMMAND: "IPC:ArchiveCleanupCommand IPC:ArchiveCommand IPC:RestoreCommand IPC:RecoveryEndCommand "
    "IPC:BackupWaitWalArchive",
    Meaning.SLEEP: "Timeout:PgSleep",
    Meaning.REPLICATION: "Client:LibpqwalreceiverConnect Client:LibpqwalreceiverReceive "
    "Client:WalSenderWaitForWal Client:WalSenderWriteData Client:WaitForStandbyConfirmation IPC:Promote "
    "IPC:LogicalSyncData IPC:LogicalSyncStateChange IPC:LogicalApplySendData IPC:RecoveryPause "
    "IPC:LogicalParallelApplyStateChange IPC:ReplicationOriginDrop IPC:ReplicationSlotDrop "
    "IPC:WalReceiverExit IPC:WalReceiverWaitStart IPC:WalSummaryReady",
    Meaning.REPLAY_CONFLICT: "IPC:RecoveryConflictSnapshot IPC:RecoveryConflictTablespace",
    Meaning.LOCK: "IPC:SafeSnapshot",
    Meaning.INSIDE: "IPC:BtreePage IPC:MultixactCreation IPC:ProcarrayGroupUpdate IPC:XactGroupUpdate "
    "IPC:ProcSignalBarrier Timeout:SpinDelay Timeout:RegisterSyncRequest",
    Meaning.DISK: "IPC:BufferIo",
}
_EVENTS = {name.lower(): meaning for meaning, names in _APART.items() for name in names.split()}
JUDGED = frozenset(f"{kind}:{name}".lower() for kind, names in NAMES.items() for name in names.split())
# Events that may be reported, and that no advice depends on.
NOT_JUDGED = frozenset({"client:gssopenserver", "client:sslopenserver"})


def meaning_of(wait_type: str | None, wait_event: str | None) -> Meaning | None:
    """Return what a session waits for, None where it does not wait.

    >>> meaning_of("IO", "WALSync"), meaning_of("Client", "ClientWrite"), meaning_of(None, None)
    (<Meaning.DISK: 'disk'>, <Meaning.CLIENT_OUT: 'client_out'>, None)
    """
    if not wait_type:
        return None
    event = _EVENTS.get(f"{wait_type}:{wait_event}".lower())
    return event or TYPES.get(wait_type.lower(), Meaning.NOT_JUDGED)


def is_listed(wait_type: str, wait_event: str) -> bool:
    """Return whether an event is judged, or listed as not judged; extensions name theirs as they like.

    >>> is_listed("IPC", "SyncRep"), is_listed("IPC", "NoSuchEvent"), is_listed("Extension", "AnyName")
    (True, False, True)
    """
    name = f"{wait_type}:{wait_event}".lower()
    return wait_type in {"Extension", "InjectionPoint"} or name in JUDGED or name in NOT_JUDGED


def text_of(wait_type: str | None, wait_event: str | None) -> str:
    """Return what a session waits for in words, empty where it waits for nothing that is known.

    >>> text_of("IO", "WALSync"), text_of(None, None)
    ('the disk', '')
    """
    meaning = meaning_of(wait_type, wait_event)
    return TEXTS[meaning] if meaning else ""
