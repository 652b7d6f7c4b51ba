"""The server's own life: start, settings, replication, databases."""

import time

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import (
    privilege_problem,
    probe_of,
    read,
    records,
    statement,
)
from incident_lib.technologies.postgres.probes.slots import read_slots
from incident_lib.technologies.postgres.rows import (
    PostgresCommitWait,
    PostgresDatabase,
    PostgresOwnSetting,
    PostgresServer,
    PostgresSetting,
    PostgresStandby,
)

_MOMENT_SECONDS = 0.5  # longer than a commit waits for a synchronous standby that is well


def read_commit_waits(session: PostgresSession) -> tuple[PostgresCommitWait, ...]:
    """Return whose commits wait for a synchronous standby, and whether they wait for long.

    Nothing where synchronous_standby_names is empty and no commit waits.
    Source: sql/commit_waits.sql, twice where a commit waits.
    """
    text = statement("commit_waits")
    rows = session.rows(text)
    if rows and rows[0]["waiting_pids"]:
        time.sleep(_MOMENT_SECONDS)
        later = session.rows(text)
        still = set(rows[0]["commits"]).intersection(*(row["commits"] for row in later))
        rows = [{**later[0], "still_waiting_pids": sorted(int(commit.split()[0]) for commit in still)}]
    asked = [row for row in rows if row["standby_names"] or row["waiting_pids"]]
    return records(asked, PostgresCommitWait)


def fetch_replication(session: PostgresSession, _window: Window) -> Fetched:
    """Return standbys, subscriptions and slots: PostgresStandby, then PostgresSlot; one PostgresCommitWait.

    Needs: pg_monitor.
    """
    waits = read_commit_waits(session)
    standbys, _ = read(session, "standbys", PostgresStandby)
    subscriptions, _ = read(session, "subscriptions", PostgresStandby)
    slots = read_slots(session)
    source = "\n\n".join(statement(name) for name in ("standbys", "subscriptions", "slots", "commit_waits"))
    return Fetched(
        rows=(*standbys, *subscriptions, *slots, *waits), source=source, problem=privilege_problem(session)
    )


_SETTINGS = ("settings", "own_settings")


def fetch_settings(session: PostgresSession, _window: Window) -> Fetched:
    """Return settings of the server: PostgresSetting, then PostgresOwnSetting. Needs: pg_monitor."""
    settings, _ = read(session, "settings", PostgresSetting)
    own, _ = read(session, "own_settings", PostgresOwnSetting)
    return Fetched(rows=(*settings, *own), problem=privilege_problem(session))


SERVER = probe_of("server", PostgresServer, "Was it restarted or reconfigured, and how close is wraparound?")
REPLICATION = Probe(
    name="postgres.replication",
    fetch=fetch_replication,
    question="Do the standbys keep up, does a commit wait for one, and does a slot retain WAL?",
    source=statement("standbys"),
    needs="pg_monitor",
    tier=1,
)
SETTINGS = Probe(
    name="postgres.settings",
    fetch=fetch_settings,
    question="Which settings matter here, which of them wait for a restart, and which roles or databases "
    "set their own?",
    source="\n\n".join(map(statement, _SETTINGS)),
    needs="pg_monitor",
    tier=1,
)
DATABASES = probe_of(
    "databases",
    PostgresDatabase,
    "How large are the databases, and has one reached its connection limit?",
    needs="pg_monitor",
    cost="reads the size of every file of every database",
    tier=1,
)
