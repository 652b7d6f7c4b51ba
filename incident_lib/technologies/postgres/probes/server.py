"""The server's own life: start, settings, replication, databases."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, read, statement
from incident_lib.technologies.postgres.rows import (
    PostgresDatabase,
    PostgresServer,
    PostgresSetting,
    PostgresSlot,
    PostgresStandby,
)


def fetch_server(session: PostgresSession, _window: Window) -> Fetched:
    """Return start, configuration and ages: one PostgresServer. Source: sql/server.sql."""
    rows, _ = read(session, "server", PostgresServer)
    return Fetched(rows=rows)


def fetch_replication(session: PostgresSession, _window: Window) -> Fetched:
    """Return standbys, subscriptions and slots: PostgresStandby, then PostgresSlot. Needs: pg_monitor."""
    standbys, _ = read(session, "standbys", PostgresStandby)
    subscriptions, _ = read(session, "subscriptions", PostgresStandby)
    slots, _ = read(session, "slots", PostgresSlot)
    source = "\n\n".join(statement(name) for name in ("standbys", "subscriptions", "slots"))
    return Fetched(
        rows=(*standbys, *subscriptions, *slots), source=source, problem=privilege_problem(session)
    )


def fetch_settings(session: PostgresSession, _window: Window) -> Fetched:
    """Return settings that incidents turn on, and those waiting for a restart: a PostgresSetting each."""
    rows, _ = read(session, "settings", PostgresSetting)
    return Fetched(rows=rows, problem=privilege_problem(session))


def fetch_databases(session: PostgresSession, _window: Window) -> Fetched:
    """Return size, age and limit of each database: a PostgresDatabase each."""
    rows, truncated = read(session, "databases", PostgresDatabase)
    return Fetched(rows=rows, truncated=truncated, problem=privilege_problem(session))


SERVER = Probe(
    name="postgres.server",
    fetch=fetch_server,
    question="Was it restarted or reconfigured, and how far is wraparound?",
    source=statement("server"),
)
REPLICATION = Probe(
    name="postgres.replication",
    fetch=fetch_replication,
    question="Do the standbys keep up, and does a slot hold WAL back?",
    source=statement("standbys"),
    needs="pg_monitor",
    tier=1,
)
SETTINGS = Probe(
    name="postgres.settings",
    fetch=fetch_settings,
    question="Which settings matter here, and which wait for a restart?",
    source=statement("settings"),
    needs="pg_monitor",
    tier=1,
)
DATABASES = Probe(
    name="postgres.databases",
    fetch=fetch_databases,
    question="How large are the databases, and is one at its limit?",
    source=statement("databases"),
    needs="pg_monitor",
    cost="reads the size of every file of every database",
    tier=1,
)
