"""The postgres probes, in the order they run: shared memory first, then catalogs and samples."""

from functools import partial

from incident_lib.config import ServiceKind, Settings
from incident_lib.connections.postgres import open_postgres
from incident_lib.probes.base import Lane, Probe
from incident_lib.probes.postgres import activity, connection, locks, samples, server, tables, upkeep

PROBES: tuple[Probe, ...] = (
    connection.CONNECTION,
    activity.SATURATION,
    activity.ACTIVITY,
    activity.TRANSACTIONS,
    locks.LOCKS,
    server.SERVER,
    samples.COUNTERS,
    server.REPLICATION,
    server.SETTINGS,
    server.DATABASES,
    upkeep.ARCHIVER,
    upkeep.INDEXES,
    upkeep.HORIZON,
    upkeep.SEQUENCES,
    tables.TABLES,
    samples.STATEMENTS,
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each PostgreSQL service: one connection, one probe after the other."""
    return tuple(
        Lane(
            target=service.name,
            open=partial(open_postgres, settings, service),
            probes=PROBES,
            name="postgres",
        )
        for service in settings.services
        if service.kind is ServiceKind.POSTGRES
    )
