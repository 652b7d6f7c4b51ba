"""What each container of the stack is: image, command, environment, limits, health check."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from incident_lib.demo.certificates import GOOD
from incident_lib.demo.deploy import FIRST_VERSION
from incident_lib.demo.layout import Layout

SHARED = "/shop"  # where the stack's directory is in the containers
SOCKETS = "/tmp"  # noqa: S108 - of a standby, in a container of its own
DATABASE = "shop"
ADMIN = "postgres"
PORTS = {"db": 5432, "redis": 6379, "payments": 8443, "backend": 8000, "frontend": 3000}
REVISIONS = {FIRST_VERSION: "0f3c2d1a9b8e7d6c5b4a39281706f5e4d3c2b1a0"}
_ANYWHERE = "0.0.0.0"  # noqa: S104 - inside a container, which has an address of its own
_SECOND = 1_000_000_000  # the engine counts nanoseconds
_MIB = 1024 * 1024

_POSTGRES_SETTINGS = {
    "max_connections": "40",
    "shared_buffers": "32MB",
    "shared_preload_libraries": "pg_stat_statements",
    "log_lock_waits": "on",
    "deadlock_timeout": "1s",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "fsync": "off",
    "jit": "off",
}

_FOLLOW = """\
pg_basebackup --dbname "$PRIMARY" --pgdata "$0" --write-recovery-conf --no-sync --checkpoint fast &&
exec postgres -D "$0" "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Images:
    """Which images the stack runs, and what they lack.

    The official ones by default; `shop` is built from the Dockerfile where the engine does not have it.
    Images given instead must understand the same: that of PostgreSQL POSTGRES_USER, POSTGRES_PASSWORD,
    POSTGRES_DB and options as its command, that of Redis options as its command, that of the shop
    `python3 -m incident_lib.demo...`. What such an image does not hold is mounted: `mounts` names folders
    of this machine by their place in the container, `environment` what the shop's Python needs to find it.
    """

    postgres: str = "postgres:16"
    redis: str = "redis:7"
    shop: str = "incident-demo-shop"
    mounts: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How one stack differs from the usual one."""

    workers: int = 2  # processes of the backend
    memory: Mapping[str, int] = field(default_factory=dict)  # bytes, by role, where it is not the usual
    db_disk_bytes: int = 0  # the database's data lie on a disk of this size; 0 for the engine's own


@dataclass(frozen=True)
class Passwords:
    """Made anew for each stack."""

    db: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)
    redis: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)

    def dsn(self, role: str, place: str) -> str:
        """Return the database's address at `place` (host:port); all roles share one password."""
        return f"postgresql://{role}:{self.db}@{place}/{DATABASE}"

    def redis_url(self, place: str) -> str:
        """Return the cache's address at `place`."""
        return f"redis://:{self.redis}@{place}/0"


_MEMORY = {
    "db": 512 * _MIB,
    "redis": 128 * _MIB,
    "payments": 128 * _MIB,
    "backend": 512 * _MIB,
    "frontend": 128 * _MIB,
}
_OTHERS_MEMORY = 128 * _MIB


class Roles:
    """The containers' settings, as the engine's API wants them."""

    def __init__(
        self, layout: Layout, images: Images, options: Options, passwords: Passwords, *, disk: str
    ) -> None:
        self._disk = disk  # the volume that the database's data lie on, "" for the container itself
        self._layout = layout
        self._images = images
        self._options = options
        self._passwords = passwords

    def memory(self, role: str) -> int:
        """Return the bytes that a container may use."""
        return self._options.memory.get(role, _MEMORY.get(role, _OTHERS_MEMORY))

    def db(self) -> dict[str, Any]:
        """Return the database's settings."""
        options: dict[str, Any] = {
            "image": self._images.postgres,
            "command": _flags(_POSTGRES_SETTINGS),
            "environment": {
                "POSTGRES_USER": ADMIN,
                "POSTGRES_PASSWORD": self._passwords.db,
                "POSTGRES_DB": DATABASE,
            },
            "healthcheck": _check(["CMD", "pg_isready", "-q", "-U", ADMIN, "-d", DATABASE]),
        }
        if self._disk:
            options["volumes"] = {self._disk: {"bind": "/var/lib/postgresql/data", "mode": "rw"}}
        return options

    def standby(self, name: str) -> dict[str, Any]:
        """Return the settings of a copy of the database that follows it."""
        own = {"listen_addresses": "*", "unix_socket_directories": SOCKETS}
        return {
            "image": self._images.postgres,
            "user": ADMIN,
            "entrypoint": ["sh", "-c", _FOLLOW, f"{SOCKETS}/standby"],
            "command": _flags({**_POSTGRES_SETTINGS, **own}),
            "environment": {"PRIMARY": f"{self._passwords.dsn(ADMIN, 'db:5432')}?application_name={name}"},
        }

    def redis(self) -> dict[str, Any]:
        """Return the cache's settings."""
        command = ["--requirepass", self._passwords.redis, "--maxmemory", "32mb"]
        command += ["--maxmemory-policy", "allkeys-lru", "--save", "", "--latency-monitor-threshold", "100"]
        return {
            "image": self._images.redis,
            "command": command,
            "environment": {"REDISCLI_AUTH": self._passwords.redis, "TZ": "UTC"},
            "healthcheck": _check(["CMD", "redis-cli", "ping"]),
        }

    def payments(self, certificate: str = GOOD, port: int = PORTS["payments"]) -> dict[str, Any]:
        """Return the provider's settings. It reads its key, which only root can."""
        command = self._module("payments", "--host", _ANYWHERE, "--port", str(port))
        for option, name in (
            ("--certificate", certificate),
            ("--delay", "payments-delay"),
            ("--failing", "payments-failing"),
        ):
            command += [option, f"{SHARED}/secrets/{name}"]
        options = {**self._shop(command), "user": "root"}
        if self._disk:  # in memory: it is there as long as a container holds it, and the database may end
            options["volumes"][self._disk] = {"bind": "/srv/disk", "mode": "ro"}
        return options

    def backend(self, version: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return the application's settings; `environment` adds to the usual one, and empty values remove."""
        usual = {
            "DATABASE_URL": self._passwords.dsn("app", "db:5432"),
            "REPORTING_URL": self._passwords.dsn("reporting", "db:5432"),
            "REDIS_URL": self._passwords.redis_url("redis:6379"),
            "PAYMENTS_URL": f"https://payments:{PORTS['payments']}",
            "PAYMENTS_CA": f"{SHARED}/{self._layout.ca.name}",
            "FEATURES": f"{SHARED}/{self._layout.features.name}",
            "HOST": _ANYWHERE,
            "PORT": str(PORTS["backend"]),
            "APP_VERSION": version,
            "WORKERS": str(self._options.workers),
        }
        variables = {name: value for name, value in {**usual, **environment}.items() if value}
        return {
            **self._shop(self._module("application"), variables),
            "healthcheck": _check(["CMD", "python3", "-c", _ask(PORTS["backend"], "/health")]),
            "labels": {
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": REVISIONS.get(version, "9b2e" * 10),
            },
        }

    def frontend(self) -> dict[str, Any]:
        """Return the web pages' settings."""
        command = self._module("frontend", "--host", _ANYWHERE, "--port", str(PORTS["frontend"]))
        command += ["--backend", f"http://backend:{PORTS['backend']}"]
        check = _check(["CMD", "python3", "-c", _ask(PORTS["frontend"], "/")])
        return {**self._shop(command), "healthcheck": check}

    def load(self) -> dict[str, Any]:
        """Return the users' settings."""
        command = self._module("load", "--backend", f"http://backend:{PORTS['backend']}")
        return self._shop([*command, "--frontend", f"http://frontend:{PORTS['frontend']}"])

    def client(self, job: str, address: str) -> dict[str, Any]:
        """Return the settings of a client that causes trouble."""
        return self._shop(self._module("clients", job), {"ADDRESS": address})

    def _shop(self, command: list[str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        folders = {**{inside: str(here) for inside, here in self._images.mounts.items()}}
        folders[SHARED] = str(self._layout.directory)
        return {
            "image": self._images.shop,
            "command": command,
            "environment": {"PYTHONUNBUFFERED": "1", **self._images.environment, **(environment or {})},
            "volumes": {here: {"bind": inside, "mode": "ro"} for inside, here in folders.items()},
        }

    def _module(self, name: str, *arguments: str) -> list[str]:
        return ["python3", "-m", f"incident_lib.demo.{name}", *arguments]


def _flags(settings: Mapping[str, str]) -> list[str]:
    """Return a server's settings as its command line has them.

    >>> _flags({"jit": "off"})
    ['-c', 'jit=off']
    """
    return [part for pair in settings.items() for part in ("-c", "=".join(pair))]


def _ask(port: int, path: str) -> str:
    return f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}{path}', timeout=3)"


def _check(test: list[str]) -> dict[str, Any]:
    return {"test": test, "interval": 4 * _SECOND, "timeout": 4 * _SECOND, "retries": 3}
