"""Health checks of outside dependencies: a name resolves, a port accepts, TLS is trusted."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections.names import resolve
from incident_lib.connections.sockets import connect_any
from incident_lib.connections.tls import context_for, wrap
from incident_lib.probes.health import HealthAnswer, HealthCheck


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a dependency that is reached by name, port or TLS alone."""
    if isinstance(target, Dependency) and not target.url.startswith(("http://", "https://")):
        ca = settings.file(target.ca) if target.ca else None
        yield HealthCheck(name=target.name, url=target.url, ask=partial(_reach, target.url, ca))


def _reach(url: str, ca: Path | None, seconds: float) -> HealthAnswer:
    """Return whether it can be reached, as far as the scheme asks for."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = resolve(host, parts.port or 443, seconds)
    if parts.scheme == "dns":
        names = dict.fromkeys(address.host for address in addresses)
        return HealthAnswer(healthy=True, detail=", ".join(names))
    attempt = connect_any(addresses, seconds)
    if attempt.sock is None:
        return HealthAnswer(healthy=False, detail=attempt.message)
    if parts.scheme != "tls":
        attempt.sock.close()
        return HealthAnswer(healthy=True, detail=f"{attempt.address.text} accepts connections")
    with wrap(attempt.sock, host, context_for(ca), seconds) as secured:
        return HealthAnswer(healthy=True, detail=f"{secured.version()} with a trusted certificate")
