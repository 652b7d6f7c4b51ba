"""The server's own life: start, settings, replication, databases."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, probe_of, read, statement
from incident_lib.technologies.postgres.probes.slots import read_slots
from incident_lib.technologies.postgres.rows import (
    PostgresDatabase,
    PostgresServer,
    PostgresSetting,
    PostgresStandby,
)


def fetch_replication(session: PostgresSession, _window: Window) -> Fetched:
    """Return standbys, subscriptions and slots: PostgresStandby, then PostgresSlot. Needs: pg_monitor."""
    standbys, _ = read(session, "standbys", PostgresStandby)
    subscriptions, _ = read(session, "subscriptions", PostgresStandby)
    slots = read_slots(session)
    source = "\n\n".join(statement(name) for name in ("standbys", "subscriptions", "slots"))
    return Fetched(
        rows=(*standbys, *subscriptions, *slots), source=source, problem=privilege_problem(session)
    )


SERVER = probe_of("server", PostgresServer, "Was it restarted or reconfigured, and how far is wraparound?")
REPLICATION = Probe(
    name="postgres.replication",
    fetch=fetch_replication,
    question="Do the standbys keep up, and does a slot hold WAL back?",
    source=statement("standbys"),
    needs="pg_monitor",
    tier=1,
)
SETTINGS = probe_of(
    "settings",
    PostgresSetting,
    "Which settings matter here, and which wait for a restart?",
    needs="pg_monitor",
    tier=1,
)
DATABASES = probe_of(
    "databases",
    PostgresDatabase,
    "How large are the databases, and is one at its limit?",
    needs="pg_monitor",
    cost="reads the size of every file of every database",
    tier=1,
)
