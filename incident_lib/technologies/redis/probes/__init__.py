"""The probes of a Redis or Valkey server: what needs the second INFO comes after what does not."""

from functools import partial

from incident_lib.config import Settings
from incident_lib.probes.base import Lane, Probe
from incident_lib.technologies.redis.connect import acl_rule, open_session
from incident_lib.technologies.redis.probes import (
    access,
    clients,
    commands,
    connection,
    errors,
    keyspace,
    memory,
    persistence,
    replication,
    slowlog,
)

ACL_RULE = acl_rule()  # what `incident init` recommends: ACL SETUSER incident-workbench on >PASSWORD <rule>

# The sample of keys is last, because its own commands would count as hits.
PROBES: tuple[Probe, ...] = (
    connection.PROBE,
    slowlog.PROBE,
    access.ACL,
    access.SETTINGS,
    errors.PROBE,
    memory.PROBE,
    commands.PROBE,
    clients.PROBE,
    persistence.PROBE,
    replication.PROBE,
    keyspace.PROBE,
)


def lanes(configuration: Settings) -> tuple[Lane, ...]:
    """Return a lane for each Redis service of the configuration."""
    return tuple(
        Lane(
            target=service.name,
            open=partial(open_session, configuration, service),
            probes=PROBES,
            name="redis",
        )
        for service in configuration.services
        if service.kind == "redis"
    )
