"""The health check of a Redis service: it lets the workbench in and answers INFO."""

from collections.abc import Iterator
from functools import partial

from incident_lib.config import Dependency, Service, Settings
from incident_lib.probes.health import HealthAnswer, HealthCheck
from incident_lib.technologies.redis.connect import open_session


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a Redis service."""
    if isinstance(target, Service) and target.kind == "redis":
        ask = partial(_connect, settings, target)
        yield HealthCheck(name=target.name, container=target.container, ask=ask)


def _connect(settings: Settings, service: Service, _seconds: float) -> HealthAnswer:
    session = open_session(settings, service)
    problem, vantage = session.info_problem, session.vantage
    session.close()
    if problem:
        return HealthAnswer(healthy=False, detail=problem.message)
    return HealthAnswer(healthy=True, detail=f"answers: {vantage}")
