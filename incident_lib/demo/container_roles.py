"""What each container of the stack is: as `compose.yaml` describes it, and what differs here."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from docker.utils import parse_bytes

from incident_lib.demo.certificates import GOOD
from incident_lib.demo.deploy import FIRST_VERSION
from incident_lib.demo.layout import Layout

SHARED = "/shop"  # where the stack's directory is in the containers
SOCKETS = "/tmp"  # noqa: S108 - of a standby, in a container of its own
DATABASE = "shop"
ADMIN = "postgres"
PORTS = {"db": 5432, "redis": 6379, "payments": 8443, "backend": 8000, "frontend": 3000}
REVISIONS = {FIRST_VERSION: "0f3c2d1a9b8e7d6c5b4a39281706f5e4d3c2b1a0"}
_PASSWORD = "${DEMO_PASSWORD:?set DEMO_PASSWORD}"  # noqa: S105 - as compose.yaml reads it
_SECOND = 1_000_000_000  # the engine counts nanoseconds

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


class Roles:
    """The containers' settings, as the engine's API wants them. All logins share one password."""

    def __init__(self, layout: Layout, images: Images, options: Options, password: str, *, disk: str) -> None:
        text = Path(__file__).with_name("compose.yaml").read_text(encoding="utf-8")
        self._services: dict[str, Any] = yaml.safe_load(text.replace(_PASSWORD, password))["services"]
        self._disk = disk  # the volume that the database's data lie on, "" for the container itself
        self._layout = layout
        self._images = images
        self._options = options
        self._password = password

    def memory(self, role: str) -> int:
        """Return the bytes that a container may use; clients that cause trouble may use what users may."""
        usual = self._services.get(role, self._services["load"])["mem_limit"]
        return self._options.memory.get(role) or int(parse_bytes(usual))

    def db(self) -> dict[str, Any]:
        """Return the database's settings."""
        disk = {self._disk: {"bind": "/var/lib/postgresql/data", "mode": "rw"}} if self._disk else {}
        return {"image": self._images.postgres, **self._described("db"), "volumes": disk}

    def standby(self, name: str) -> dict[str, Any]:
        """Return the settings of a copy of the database that follows it."""
        primary = f"postgresql://{ADMIN}:{self._password}@db:{PORTS['db']}/{DATABASE}"
        different = ["-c", "listen_addresses=*", "-c", f"unix_socket_directories={SOCKETS}"]
        return {
            "image": self._images.postgres,
            "user": ADMIN,
            "entrypoint": ["sh", "-c", _FOLLOW, f"{SOCKETS}/standby"],
            "command": [*self._described("db")["command"], *different],
            "environment": {"PRIMARY": f"{primary}?application_name={name}"},
        }

    def redis(self) -> dict[str, Any]:
        """Return the cache's settings."""
        return {"image": self._images.redis, **self._described("redis")}

    def payments(self, certificate: str = GOOD, port: int = PORTS["payments"]) -> dict[str, Any]:
        """Return the provider's settings. It reads its key, which only root can."""
        command = ["python3", "-m", "incident_lib.demo.payments", "--host=0.0.0.0", f"--port={port}"]
        for option, name in (
            ("certificate", certificate),
            ("delay", "payments-delay"),
            ("failing", "payments-failing"),
        ):
            command.append(f"--{option}={SHARED}/secrets/{name}")
        options = {**self._shop({"command": command}), "user": "root"}
        if self._disk:  # in memory: it is there as long as a container holds it, and the database may end
            options["volumes"][self._disk] = {"bind": "/srv/disk", "mode": "ro"}
        return options

    def backend(self, version: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return the application's settings; `environment` adds to the usual one, and empty values remove."""
        described = self._described("backend")
        variables = {
            **described["environment"],
            "PAYMENTS_CA": f"{SHARED}/{self._layout.ca.name}",
            "FEATURES": f"{SHARED}/{self._layout.features.name}",
            "APP_VERSION": version,
            "WORKERS": str(self._options.workers),
            **environment,
        }
        described["environment"] = {name: value for name, value in variables.items() if value}
        return {
            **self._shop(described),
            "labels": {
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": REVISIONS.get(version, "9b2e" * 10),
            },
        }

    def frontend(self) -> dict[str, Any]:
        """Return the web pages' settings."""
        return self._shop(self._described("frontend"))

    def load(self) -> dict[str, Any]:
        """Return the users' settings."""
        return self._shop(self._described("load"))

    def client(self, job: str, address: str) -> dict[str, Any]:
        """Return the settings of a client that causes trouble."""
        command = ["python3", "-m", "incident_lib.demo.clients", job]
        return self._shop({"command": command, "environment": {"ADDRESS": address}})

    def _described(self, role: str) -> dict[str, Any]:
        """Return command, environment and health check of a service in compose.yaml."""
        service = self._services[role]
        command, check = service["command"], service.get("healthcheck")
        settings = {
            "command": shlex.split(command) if isinstance(command, str) else command,
            "environment": service.get("environment", {}),
        }
        if check:
            limits = {"interval": 4 * _SECOND, "timeout": 4 * _SECOND, "retries": 3}
            settings["healthcheck"] = {"test": check["test"], **limits}
        return settings

    def _shop(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of one of the shop's own programs, with the stack's files in it."""
        folders = {**self._images.mounts, SHARED: str(self._layout.directory)}
        variables = settings.get("environment", {})
        return {
            **settings,
            "image": self._images.shop,
            "environment": {"PYTHONUNBUFFERED": "1", **self._images.environment, **variables},
            "volumes": {here: {"bind": inside, "mode": "ro"} for inside, here in folders.items()},
        }
