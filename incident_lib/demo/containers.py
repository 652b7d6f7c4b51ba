"""The demo stack on a Docker engine: the same shop as `DemoStack`, each part in a container of its own.

    with ContainerStack() as stack:                    # or ContainerStack(images, network=..., options=...)
        stack.drive(6)                                 # users at work
        fault = CONTAINER_FAULTS["crash-loop"]
        fault.inject(stack)
        stack.drive(fault.settle_seconds)
        case = take_snapshot(config.load(stack.config), where, since, Watch())
        fault.undo(stack)

A fault that needs another stack than the usual one says so in `fault.options`, so the general form is
`ContainerStack(images, options=fault.options)`. `config` names the containers and gives no credentials: the
workbench has to find them. Roles are db, redis, payments, backend and frontend, and so are the targets in
workbench.toml, but for `cache`, which is the role redis; users and clients that cause trouble are containers,
too, and no targets.
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import psycopg
import redis
from docker.errors import ImageNotFound

from incident_lib.demo import database
from incident_lib.demo.base import Stack, is_well, while_running
from incident_lib.demo.certificates import make_certificates
from incident_lib.demo.configuration import render_for_containers
from incident_lib.demo.container_roles import ADMIN, DATABASE, PORTS, Images, Options, Roles
from incident_lib.demo.container_set import ContainerSet, engine_errors
from incident_lib.demo.deploy import FIRST_VERSION
from incident_lib.demo.layout import Layout
from incident_lib.demo.ports import free_port
from incident_lib.demo.redis import operator
from incident_lib.errors import WorkbenchError
from incident_lib.units import format_duration

_CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 120.0
_ROLES = ("app", "reporting", "workbench", "operator")


class ContainerStack(Stack):
    """The shop on the engine that DOCKER_HOST names, which must be one of this machine.

    Files are in `directory`, or in a temporary one that is removed at the end. `network`
    is an existing one to use; without it the stack makes its own. Containers and network are named
    `demoNNNNNN-...`, and removed at the end, also after a failure.
    """

    def __init__(
        self,
        images: Images | None = None,
        *,
        options: Options | None = None,
        directory: Path | None = None,
        network: str = "",
    ) -> None:
        self._images = images or Images()
        self._options = options or Options()
        self._directory = directory.resolve() if directory else None
        self._network = network
        self._layout: Layout | None = None
        self._containers: ContainerSet | None = None
        self._password = secrets.token_hex(12)
        self._ports: dict[str, int] = {}

    @property
    def layout(self) -> Layout:
        """The stack's files. Errors: WorkbenchError when the stack is not running."""
        return while_running(self._layout)

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._layout is not None

    @property
    def ports(self) -> dict[str, int]:
        """The ports of this machine, by role; a stack that is started again has the same."""
        return self._ports

    @property
    def containers(self) -> ContainerSet:
        """The stack's containers. Errors: WorkbenchError when the stack is not running."""
        return while_running(self._containers)

    @property
    def roles(self) -> Roles:
        """What each container is made of."""
        disk = self.containers.name("data") if self._options.db_disk_bytes else ""
        return Roles(self.layout, self._images, self._options, self._password, disk=disk)

    @property
    def postgres_dsn(self) -> str:
        """The database, as its administrator."""
        return f"postgresql://{ADMIN}:{self._password}@127.0.0.1:{self.ports['db']}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        """The cache."""
        return f"redis://:{self._password}@127.0.0.1:{self.ports['redis']}/0"

    def inside_dsn(self, role: str) -> str:
        """The database as `role`, as containers of the stack reach it."""
        return f"postgresql://{role}:{self._password}@db:{PORTS['db']}/{DATABASE}"

    @property
    def inside_redis_url(self) -> str:
        """The cache, as containers of the stack reach it."""
        return f"redis://:{self._password}@redis:{PORTS['redis']}/0"

    def stop(self) -> None:
        """Remove everything that was made, however far that went. May be called again."""
        containers, layout = self._containers, self._layout
        self._containers, self._layout = None, None
        try:
            if containers:
                containers.close()
                containers.client.close()
        finally:
            if layout and not self._directory:
                shutil.rmtree(layout.directory, ignore_errors=True)

    def drive(self, seconds: float) -> None:
        """Let users use the shop for `seconds`; they stay afterwards, until the stack stops."""
        if not self.containers.find("load"):
            self.run("load", self.roles.load())
        time.sleep(seconds)

    def run(self, role: str, settings: Mapping[str, Any]) -> None:
        """Start the container of `role`, in the place of the one that was there."""
        port = (PORTS[role], self.ports[role]) if role in PORTS else None
        memory = self.roles.memory(role)
        limits = {"mem_limit": memory, "memswap_limit": memory}
        self.containers.run(role, port=port, **{**limits, **settings})

    def deploy(self, version: str, **environment: str) -> None:
        """Replace the backend by another version; `environment` changes its variables."""
        self.run("backend", self.roles.backend(version, environment))

    def restart_backend(self) -> None:
        """Restart the version of the backend that is deployed."""
        with engine_errors("the backend"):
            self.containers.get("backend").restart(timeout=2)

    def start_client(self, job: str, address: str, *, until: str) -> None:
        """Start a client that causes trouble; return once its log says `until`: the trouble is there."""
        self.run(job, {**self.roles.client(job, address), "restart_policy": {"Name": "no"}})
        self.wait_for(lambda: until in self.containers.log(job, 1000), job, f"has not logged {until!r}")

    def end_client(self, job: str) -> None:
        """Remove the container of a client that causes trouble, if there is one."""
        self.containers.remove(job)

    def first_row(self, statement: str) -> tuple[Any, ...]:
        """Return the first row of a statement's answer, as the database's administrator."""
        return database.first_row(self.postgres_dsn, statement)

    def cache(self) -> redis.Redis:
        """Return a client of the cache that gives up soon."""
        return operator(self.redis_url)

    def wait_until_ready(self) -> None:
        """Return once backend and web pages answer. Errors: WorkbenchError after two minutes."""
        self.wait_for(self.is_ready, "backend", "is not ready")
        self.wait_for(lambda: is_well(self.frontend_url), "frontend", "is not ready")

    def wait_for(self, is_so: Callable[[], bool], role: str, why_not: str) -> None:
        """Return once something is so at a container. Errors: WorkbenchError, with its log."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                log = self.containers.log(role)
                raise WorkbenchError(f"{role} {why_not} after {format_duration(_PATIENCE_SECONDS)}: {log}")
            time.sleep(0.2)

    def _bring_up(self) -> None:
        self._prepare()
        self._start_servers()
        self.deploy(FIRST_VERSION)
        self.run("frontend", self.roles.frontend())

    def _prepare(self) -> None:
        directory = self._directory or Path(tempfile.mkdtemp(prefix="incident-demo-")).resolve()
        self._layout = Layout(directory)
        self._layout.create()
        directory.chmod(0o755)  # the containers' accounts read it; the secrets in it stay closed
        make_certificates(self._layout.ca, self._layout.secrets, "127.0.0.1", "localhost", "payments")
        with engine_errors("no Docker engine"):
            self._containers = ContainerSet(docker.from_env(timeout=120), self._network)
            self._have_images()
        self._containers.open(self._options.db_disk_bytes)
        for role in PORTS:
            self.ports.setdefault(role, free_port())
        text = render_for_containers(self.containers.name, self.addresses)
        self._layout.config.write_text(text, encoding="utf-8")

    def _have_images(self) -> None:
        images = self.containers.client.images
        for name in (self._images.postgres, self._images.redis, self._images.shop):
            try:
                images.get(name)
            except ImageNotFound:
                if name == Images.shop:
                    images.build(path=str(_CHECKOUT), dockerfile="incident_lib/demo/Dockerfile", tag=name)
                else:
                    images.pull(name)

    def _start_servers(self) -> None:
        roles = self.roles
        self.run("db", roles.db())  # the slowest first
        self.run("redis", roles.redis())
        self.run("payments", roles.payments())
        self._fill()

    def start_database(self) -> None:
        """Put a new database in the place of the old one, with the rows it had at first."""
        self.containers.remove("db")
        self.containers.remove("payments")  # lets go of the database's disk, if it has one of its own
        self.run("db", self.roles.db())
        self.run("payments", self.roles.payments())
        self._fill()

    def _fill(self) -> None:
        self.wait_for(lambda: database.accepts(self.postgres_dsn), "db", "takes no connection")
        database.fill(self.postgres_dsn, dict.fromkeys(_ROLES, self._password))
        with psycopg.connect(self.postgres_dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
