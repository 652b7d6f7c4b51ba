"""Redis and Valkey, opened for change: find keys by pattern and unlink them. For remediation alone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.connections.places.container import container_of
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.redis.connect import ReplyError, container, from_reply
from incident_lib.technologies.redis.connect.address import Address, parse_url
from incident_lib.technologies.redis.connect.problems import from_library

if TYPE_CHECKING:
    import redis

NAME = "incident-workbench-change"
_SECONDS = 2.0
_SCAN_COUNT = 1000


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself, as far as deleting keys goes."""

    run_id: str
    role: str
    mode: str  # "standalone", "cluster", "sentinel"
    used_memory_bytes: int
    maxmemory_bytes: int
    policy: str
    database_key_count: int
    client_buffer_bytes: int = 0


class RedisChange:
    """A bounded connection that may scan and unlink, and does nothing else."""

    def __init__(self, client: "redis.Redis", address: Address) -> None:
        self.where = str(address)
        self.database = address.database or 0
        self._client = client

    def server(self) -> Server:
        """Return what INFO says. Errors: TargetError."""
        with _translated(self.where):
            info: dict[str, Any] = self._client.info()
            count = int(self._client.dbsize())
        return Server(
            run_id=str(info["run_id"]),
            role=str(info["role"]),
            mode=str(info.get("redis_mode") or info.get("server_mode") or "standalone"),
            used_memory_bytes=int(info["used_memory"]),
            maxmemory_bytes=int(info.get("maxmemory") or 0),
            policy=str(info.get("maxmemory_policy", "")),
            database_key_count=count,
            client_buffer_bytes=int(info.get("mem_clients_normal") or 0),
        )

    def scan(self, pattern: str) -> Iterator[list[bytes]]:
        """Yield matching keys, a reply at a time, some empty. Source: SCAN MATCH. Errors: TargetError."""
        cursor = 0
        while True:
            with _translated(self.where):
                reply: Any = self._client.scan(cursor, match=pattern, count=_SCAN_COUNT)
            cursor, keys = reply
            yield keys
            if cursor == 0:
                return

    def describe(self, keys: list[bytes]) -> list[tuple[str, bool]]:
        """Return of each key its type and whether it has an expiry. Source: TYPE, TTL."""
        found: list[tuple[str, bool]] = []
        with _translated(self.where):
            for key in keys:
                kind: Any = self._client.type(key)
                seconds: Any = self._client.ttl(key)
                found.append((kind.decode("latin-1"), seconds >= 0))
        return found

    def unlink(self, keys: list[bytes]) -> int:
        """Return how many of `keys` were removed; their memory is freed later. Errors: TargetError."""
        with _translated(self.where):
            return int(self._client.unlink(*keys)) if keys else 0

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def open_for_change(settings: Settings, service: Service) -> RedisChange:
    """Return a connection with `service`. Errors: TargetError.

    Needs: +scan, +type, +ttl, +unlink, +info, +dbsize.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    address = _address(settings, service)
    where = {"path": address.path, "connection_class": redis.UnixDomainSocketConnection}
    options: dict[str, Any] = where if address.path else {"host": address.host, "port": address.port}
    if address.tls:
        checks = "required" if address.verify else "none"
        options |= {"connection_class": redis.SSLConnection, "ssl_cert_reqs": checks}
        options |= {"ssl_ca_certs": address.ca or None, "ssl_check_hostname": address.verify}
    pool = redis.ConnectionPool(
        **options,
        username=address.user or None,
        password=address.password or None,
        db=address.database or 0,
        client_name=NAME,
        protocol=2,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=1,
    )
    return RedisChange(redis.Redis.from_pool(pool), address)


def _address(settings: Settings, service: Service) -> Address:
    if address := service.change_url or service.url:
        ca = str(settings.file(service.ca)) if service.ca else ""
        return parse_url(settings.resolve(address), ca)
    if not (service.container and settings.document.workbench.discover_credentials):
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            f"no address of {service.name} is configured",
            'set `url = "env:REDIS_URL"` for that service',
        )
    with closing(container_of(service).open()) as place:
        found = container.find(place)
    if found.address is None:
        raise TargetError(
            ProblemKind.UNREACHABLE,
            f"no port of container {service.container} can be reached from here",
            "publish its port, or set `url` for that service",
        )
    return found.address


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Turn the library's errors into TargetError. Nothing of a refused login is quoted."""
    import redis

    try:
        yield
    except redis.AuthenticationError as error:
        raise TargetError(
            ProblemKind.DENIED,
            f"{where} refused the login",
            "correct the user and password in the service's `url`",
        ) from error
    except (redis.TimeoutError, redis.ConnectionError) as error:
        raise from_library(error, where) from error
    except redis.ResponseError as error:
        raise _reply(error) from error


def _reply(error: "redis.ResponseError") -> TargetError:
    import redis

    text = str(error)
    if isinstance(error, redis.exceptions.NoPermissionError):
        return TargetError(
            ProblemKind.PRIVILEGE,
            f"the server says: {excerpt(text, 200)}",
            "grant the user in the service's `url` +info +dbsize +scan +type +ttl +unlink and the keys",
        )
    return from_reply(ReplyError(text))
