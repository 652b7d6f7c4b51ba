"""A real Docker engine, and the four containers that most teams have, for the tests.

In a test module:

    from tests.integration import docker_service

    pytestmark = docker_service.MARKS
    engine = docker_service.engine

    def test_something(engine):               # a docker.DockerClient; DOCKER_HOST points at it meanwhile
        with docker_service.stack(engine) as stack: ...
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from tests.integration import docker_image
from tests.integration.docker_engine import OwnEngine, answers, locked

MARKS = [pytest.mark.docker]  # the workers of a run share one engine

USER, PASSWORD, DATABASE = "shop", "correct-horse-7", "shop"
_CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 60
PYTHON = {"PYTHONPATH": "/srv:/srv/packages", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_ASK = "import urllib.request as u; u.urlopen('http://127.0.0.1:{}', timeout=2)"
_ROLES: dict[str, tuple[str, int, list[str]]] = {  # image, port, health check
    "db": (docker_image.POSTGRES, 5432, ["CMD", "pg_isready", "-q", "-U", USER]),
    "redis": (docker_image.REDIS, 6379, ["CMD-SHELL", "redis-cli ping | grep -E 'PONG|NOAUTH'"]),
    "backend": (docker_image.BACKEND, 8000, ["CMD", "python3", "-c", _ASK.format("8000/health")]),
    "frontend": (docker_image.FRONTEND, 3000, ["CMD", "python3", "-c", _ASK.format("3000/")]),
}


_own: OwnEngine | None = None


def _host() -> str:
    global _own  # noqa: PLW0603 - every module that borrows the fixture shares the one engine
    host = os.environ.get("DOCKER_HOST", "")
    if not host or not answers(host):
        _own = _own or OwnEngine()
        host = _own.host
    return host


def _leave() -> None:
    global _own  # noqa: PLW0603 - the same one
    if _own:
        _own.leave()
    _own = None


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of a real engine with the test images on it; DOCKER_HOST names the engine meanwhile."""
    with connected() as client:
        yield client


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Yield that client outside of a test."""
    before = os.environ.get("DOCKER_HOST")
    host = _host()
    os.environ["DOCKER_HOST"] = host
    client = docker.DockerClient(base_url=host, timeout=300)
    with locked("images"):
        docker_image.build_all(client)
    try:
        yield client
    finally:
        client.close()
        if before is None:
            os.environ.pop("DOCKER_HOST", None)
        else:
            os.environ["DOCKER_HOST"] = before
        if before != host:
            _leave()


@contextmanager
def container(
    client: docker.DockerClient, command: list[str], *, image: str = docker_image.BASE, **options: Any
) -> Iterator[Container]:
    """Run `command` in a container that is removed afterwards. It has no name unless given one."""
    options = {"init": False, "network_mode": "none", **options}
    if "network" in options:
        del options["network_mode"]
    made = client.containers.create(image, command, **options)
    try:
        made.start()
        yield made
    finally:
        _remove(made)


# Cases of trouble: what to hand to `container` (as `container(engine, **CASES["crash loop"])`).
CASES: dict[str, dict[str, Any]] = {
    "crash loop": {
        "command": ["sh", "-c", "echo starting; exit 1"],
        "restart_policy": {"Name": "always"},
    },
    "out of memory": {
        "command": ["python3", "-c", "b = bytearray(200 << 20)"],
        "mem_limit": "32m",
        "memswap_limit": "32m",
    },
    "worker out of memory": {  # the first process goes on
        "command": ["sh", "-c", "python3 -c 'b = bytearray(200 << 20)'; sleep 600"],
        "mem_limit": "32m",
        "memswap_limit": "32m",
    },
    "unhealthy": {
        "command": ["sleep", "600"],
        "healthcheck": {
            "test": ["CMD-SHELL", "echo password=hunter2-secret database is away; exit 1"],
            "interval": 300_000_000,
            "retries": 2,
        },
    },
    "exited well": {"command": ["true"]},
    "exited 1": {"command": ["sh", "-c", "exit 1"]},
    "killed": {"command": ["sh", "-c", "kill -9 $$"], "init": True},
    "segmentation fault": {"command": ["sh", "-c", "kill -11 $$"], "init": True},
    "terminated": {"command": ["sh", "-c", "kill -15 $$"], "init": True},
    "no shell": {"command": ["/usr/bin/sleep", "600"], "image": docker_image.DISTROLESS},
    "log driver none": {
        "command": ["sh", "-c", "echo unseen; sleep 600"],
        "log_config": {"Type": "none", "Config": {}},
    },
    "terminal": {"command": ["sh", "-c", "echo one; echo two >&2; sleep 600"], "tty": True},
}


@dataclass(frozen=True)
class Stack:
    """The four containers: names and addresses as seen from this machine, by role."""

    client: docker.DockerClient
    prefix: str
    ports: dict[str, int]  # backend, frontend, db, redis
    redis_password: str = ""

    def name(self, role: str) -> str:
        """The container's name: `app-db`."""
        return f"{self.prefix}{role}"

    def container(self, role: str) -> Container:
        """The container, freshly inspected."""
        return self.client.containers.get(self.name(role))

    @property
    def backend_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['backend']}"

    @property
    def frontend_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['frontend']}"

    @property
    def dsn(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.ports['db']}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        credentials = f":{self.redis_password}@" if self.redis_password else ""
        return f"redis://{credentials}127.0.0.1:{self.ports['redis']}/0"

    def configuration(self) -> str:
        """The text of a workbench.toml: databases without an address, so that they have to be found."""
        return f"""\
[[service]]
name = "backend"
kind = "http"
url = "{self.backend_url}"
health = ["/health", "/health/ready", "/api/v1/"]
container = "{self.name("backend")}"
depends_on = ["db", "redis"]

[[service]]
name = "frontend"
kind = "http"
url = "{self.frontend_url}"
health = ["/"]
container = "{self.name("frontend")}"
depends_on = ["backend"]

[[service]]
name = "db"
kind = "postgres"
container = "{self.name("db")}"

[[service]]
name = "redis"
kind = "redis"
container = "{self.name("redis")}"
"""


@contextmanager
def stack(client: docker.DockerClient, prefix: str = "app-", *, redis_password: str = "") -> Iterator[Stack]:
    """Run the four containers until the block ends; they are ready when it begins.

    Plain names (`app-db`) by default, so one at a time: another process waits for its turn. Another
    prefix, such as `f"{uuid4().hex[:6]}-"`, may run beside it.
    """
    with ExitStack() as ending:
        if prefix == "app-":
            ending.enter_context(locked("stack"))
        shared = ending.enter_context(network(client, prefix))
        made = Stack(client, prefix, {}, redis_password)
        _start(made, shared, ending)
        yield made


@contextmanager
def network(client: docker.DockerClient, prefix: str) -> Iterator[str]:
    """Make a network, through the firewall of another engine of this machine where there is one."""
    number = uuid.uuid4().hex[:6]
    bridge = f"wb-{number}"
    options = {"com.docker.network.bridge.name": bridge}
    made = client.networks.create(f"{prefix}net-{number}", options=options)
    rule = ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"]
    opened = bool(_own and shutil.which("iptables"))
    if opened:
        subprocess.run(["iptables", "-I", *rule], check=True)
    try:
        yield made.name or ""
    finally:
        if opened:
            subprocess.run(["iptables", "-D", *rule], check=True)
        made.remove()


def _remove(made: Container) -> None:
    with suppress(NotFound, APIError):
        made.remove(force=True, v=True)


def _start(made: Stack, network: str, ending: ExitStack) -> None:
    protection = ["--requirepass", made.redis_password] if made.redis_password else []
    credentials = f":{made.redis_password}@" if made.redis_password else ""
    secrets = {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": DATABASE}
    environment = {
        **PYTHON,
        "DATABASE_URL": f"postgresql://{USER}:{PASSWORD}@{made.name('db')}:5432/{DATABASE}",
        "REDIS_URL": f"redis://{credentials}{made.name('redis')}:6379/0",
        "PAYMENTS_URL": "http://127.0.0.1:8000",  # its own health page stands in for the provider
        "HOST": "0.0.0.0",
        "PORT": "8000",
    }
    backend = f"http://{made.name('backend')}:8000"
    frontend = ["python3", "-m", "incident_lib.demo.frontend", "--host", "0.0.0.0"]
    frontend += ["--port", "3000", "--backend", backend]
    code = mounted_code()
    fits = "/srv/packages" in code
    command = ["python3", *(["-m", "incident_lib.demo.application"] if fits else ["/srv/backend.py"])]
    mounted = {"volumes": {str(host): {"bind": inside, "mode": "ro"} for inside, host in code.items()}}
    roles: dict[str, dict[str, Any]] = {
        "db": {"environment": secrets},
        "redis": {"command": protection},
        "backend": {"command": command, "environment": environment, "mem_limit": "256m", **mounted},
        "frontend": {"command": frontend, "environment": {**PYTHON, "BACKEND_URL": backend}, **mounted},
    }
    for role, options in roles.items():
        _run(made, role, ending, network=network, **options)
    _await(f"{made.backend_url}/health/ready", made, "backend")
    _await(f"{made.frontend_url}/", made, "frontend")


def mounted_code() -> dict[str, Path]:
    """Return what is mounted where. The packages of this Python fit the image only where both are 3.11."""
    code = {"/srv/incident_lib": _CHECKOUT / "incident_lib"}
    code["/srv/backend.py"] = _CHECKOUT / "tests/integration/docker_backend.py"
    if sys.version_info[:2] == (3, 11):
        code["/srv/packages"] = Path(docker.__file__).resolve().parents[1]
    return code


def _run(made: Stack, role: str, ending: ExitStack, **options: Any) -> None:
    image, port, check = _ROLES[role]
    container = made.client.containers.create(
        image,
        options.pop("command", None),
        name=made.name(role),
        ports={f"{port}/tcp": ("127.0.0.1", None)},
        restart_policy={"Name": "unless-stopped"},
        healthcheck={
            "test": check,
            "interval": 3_000_000_000,
            "timeout": 3_000_000_000,
            "retries": 3,
        },
        labels={"com.docker.compose.project": "shop", "com.docker.compose.service": role},
        **options,
    )
    ending.callback(_remove, container)
    container.start()
    container.reload()
    made.ports[role] = int(container.ports[f"{port}/tcp"][0]["HostPort"])


def _await(url: str, made: Stack, role: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    seen: object = None
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
                return
        except urllib.error.HTTPError as error:
            seen = f"{error.code} {error.read(500)!r}"
            error.close()
        except OSError as error:
            seen = error
        time.sleep(0.2)
    logs = made.container(role).logs(tail=20).decode(errors="replace")
    pytest.fail(f"{url} never became ready: {seen}\n{logs}")
