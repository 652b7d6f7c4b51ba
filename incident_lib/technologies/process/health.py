"""The health check of a plain process: the one in its pid file is alive."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from incident_lib.config import Dependency, Service, Settings
from incident_lib.probes.health import HealthAnswer, HealthCheck


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a service with a pid file."""
    if isinstance(target, Service) and target.pid_file:
        yield HealthCheck(name=target.name, ask=partial(_lives, settings.root / target.pid_file))


def _lives(pid_file: Path, _seconds: float) -> HealthAnswer:
    try:
        pid = int(pid_file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return HealthAnswer(healthy=False, detail=f"{pid_file} holds no process id")
    import psutil

    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return HealthAnswer(healthy=False, detail=f"process {pid} does not exist")
    except psutil.AccessDenied:
        return HealthAnswer(healthy=True, detail=f"process {pid} is running")
    well = status not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED}
    return HealthAnswer(healthy=well, detail=f"process {pid} is {status}")
