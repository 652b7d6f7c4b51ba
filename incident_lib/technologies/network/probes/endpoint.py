"""Where something is reached: an address or a connection string, without anything secret."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from incident_lib.config import Dependency, Service, Settings
from incident_lib.errors import TargetError

_PORTS = {"https": 443, "tls": 443, "http": 80, "redis": 6379, "rediss": 6379}
_POSTGRES_PORTS = {"postgres": 5432, "postgresql": 5432}
_TLS = frozenset({"https", "tls", "rediss"})


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is reached: no credentials, no path. Without a port it is a name only."""

    host: str
    port: int | None = None
    uses_tls: bool = False
    ca: Path | None = None


def endpoint_of(settings: Settings, target: Service | Dependency) -> Endpoint | None:
    """Return where `target` is reached; None where it is no network's address, or not known now."""
    is_postgres = isinstance(target, Service) and target.kind == "postgres"
    address = target.dsn if isinstance(target, Service) and is_postgres else target.url
    try:
        text = settings.resolve(address)
    except TargetError:
        return None  # the technology's own lane says so
    endpoint = parse_endpoint(text)
    if endpoint is None or not target.ca:
        return endpoint
    return msgspec.structs.replace(endpoint, ca=settings.file(target.ca))


def parse_endpoint(address: str) -> Endpoint | None:
    """Return the endpoint that an address or a PostgreSQL connection string names, without anything secret.

    >>> parse_endpoint("postgresql://app:hunter2@db.example.com/shop").host
    'db.example.com'
    """
    if "://" not in address:
        return _from_keywords(address)
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    ports = _PORTS | _POSTGRES_PORTS
    if not host or "," in host or host.lower().startswith("%2f") or parts.scheme == "unix":
        return None
    if parts.scheme == "dns":
        return Endpoint(host=host)
    if (port or ports.get(parts.scheme)) is None:
        return None
    return Endpoint(host=host, port=port or ports[parts.scheme], uses_tls=parts.scheme in _TLS)


def _from_keywords(address: str) -> Endpoint | None:
    """Return the endpoint of `host=db port=5432 dbname=shop`, None for a socket file."""
    fields = dict(re.findall(r"(\w+)\s*=\s*'?([^\s']*)'?", address))
    host = fields.get("hostaddr") or fields.get("host", "")
    port = fields.get("port", "5432")
    if not host or host.startswith(("/", "@")) or "," in host or not port.isdigit():
        return None
    return Endpoint(host=host, port=int(port))
