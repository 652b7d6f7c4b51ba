"""The health check of a PostgreSQL service: it lets the workbench in, into the database of the service."""

from collections.abc import Iterator
from functools import partial

from incident_lib.config import Dependency, Service, Settings
from incident_lib.probes.health import HealthAnswer, HealthCheck
from incident_lib.technologies.postgres.connect import open_postgres


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a PostgreSQL service."""
    if isinstance(target, Service) and target.kind == "postgres":
        ask = partial(_connect, settings, target)
        yield HealthCheck(name=target.name, container=target.container, ask=ask)


def _connect(settings: Settings, service: Service, _seconds: float) -> HealthAnswer:
    session = open_postgres(settings, service)
    vantage, refused = session.vantage, session.refused_database
    session.close()
    if refused:  # another database of the server let us in, which helps no user of this one
        return HealthAnswer(healthy=False, detail=f"{refused}; its server answers")
    return HealthAnswer(healthy=True, detail=f"accepts connections: {vantage}")
