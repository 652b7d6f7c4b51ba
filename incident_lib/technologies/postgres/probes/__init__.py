"""The postgres probes, in the order they run: shared memory first, then catalogs and samples."""

from functools import partial

from incident_lib.config import Settings
from incident_lib.probes.base import Lane, Probe
from incident_lib.technologies.postgres.connect import open_pooler, open_postgres
from incident_lib.technologies.postgres.probes import (
    activity,
    connection,
    counters,
    disk,
    locks,
    pooler,
    schema,
    sequences,
    server,
    statements,
    tables,
    upkeep,
)

PROBES: tuple[Probe, ...] = (
    connection.CONNECTION,
    activity.SATURATION,
    activity.ACTIVITY,
    locks.LOCKS,
    activity.TRANSACTIONS,
    server.SERVER,
    counters.COUNTERS,
    server.REPLICATION,
    server.SETTINGS,
    server.DATABASES,
    disk.DISK,
    upkeep.ARCHIVER,
    upkeep.INDEXES,
    upkeep.HORIZON,
    sequences.SEQUENCES,
    tables.TABLES,
    schema.SCHEMA,
    statements.STATEMENTS,
    pooler.POOLER,
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the lanes of each PostgreSQL service: its own, and that of its pooler if one is configured."""
    services = [service for service in settings.services if service.kind == "postgres"]
    servers = (
        Lane(
            target=service.name,
            open=partial(open_postgres, settings, service),
            probes=PROBES[:-1],
            name="postgres",
        )
        for service in services
    )
    poolers = (
        Lane(
            target=service.name,
            open=partial(open_pooler, settings, service),
            probes=(pooler.POOLER,),
            name="pgbouncer",
        )
        for service in services
        if service.pooler_dsn
    )
    return (*servers, *poolers)
