"""The demo stack: started, driven with requests, broken and stopped from Python."""

import json
import secrets
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from pwd import struct_passwd

from incident_lib.demo import configuration, deploy, services
from incident_lib.demo.accounts import make_data_folder, server_account
from incident_lib.demo.base import Stack, while_running
from incident_lib.demo.certificates import make_certificates
from incident_lib.demo.layout import Layout
from incident_lib.demo.ports import on_free_port
from incident_lib.demo.postgres import ADMIN, PostgresServer
from incident_lib.demo.processes import Processes
from incident_lib.demo.redis import RedisServer
from incident_lib.demo.warden import Warden
from incident_lib.errors import WorkbenchError
from incident_lib.units import format_duration

_ROLES = (ADMIN, "app", "reporting", "workbench", "operator")
_READY_SECONDS = 20.0


@dataclass
class Running:
    """What there is only while the stack runs."""

    layout: Layout
    processes: Processes
    postgres: PostgresServer
    redis: RedisServer
    warden: Warden
    remove: tuple[Path, ...]
    ports: dict[str, int] = field(default_factory=dict)


class DemoStack(Stack):
    """A shop on this machine: backend, frontend, PostgreSQL, Redis and an outside payments provider.

    Everything lives in `directory`, or in a temporary one that is removed at the end, and
    every process ends with the one that started it, even when that is killed. `incidents` is where the
    configuration says incidents are kept, if not in the directory.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        postgres_major: int = 18,
        incidents: Path | None = None,
    ) -> None:
        self._directory = directory.resolve() if directory else None
        self._postgres_major = postgres_major
        self._incidents = incidents.resolve() if incidents else None
        self._running: Running | None = None

    @property
    def running(self) -> Running:
        """Servers, processes and files. Errors: WorkbenchError when the stack is not running."""
        return while_running(self._running)

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._running is not None

    @property
    def layout(self) -> Layout:
        """The stack's files."""
        return self.running.layout

    @property
    def ports(self) -> dict[str, int]:
        """The ports of this machine, by role."""
        return self.running.ports

    @property
    def postgres_dsn(self) -> str:
        """The database, as its administrator."""
        return self.running.postgres.dsn(ADMIN)

    @property
    def app_dsn(self) -> str:
        """The database, as the application."""
        return self.running.postgres.dsn("app")

    @property
    def workbench_dsn(self) -> str:
        """The database, as the workbench: it may see everything and change nothing."""
        return self.running.postgres.dsn("workbench")

    @property
    def redis_url(self) -> str:
        """The cache."""
        return self.running.redis.url

    def stop(self) -> None:
        """End everything that was started, however far that went. May be called again."""
        if not (running := self._running):
            return
        running.processes.end_all()
        running.layout.backend_environment.unlink(missing_ok=True)
        running.warden.dismiss()
        for path in running.remove:
            shutil.rmtree(path, ignore_errors=True)
        self._running = None

    def drive(self, seconds: float) -> None:
        """Let users use the shop for `seconds`; they stay afterwards, until the stack stops."""
        if not self.running.processes.find("load"):
            services.start_load(self.running.processes, self.backend_url, self.frontend_url)
        time.sleep(seconds)

    def start_client(self, job: str, address: str, *, until: str) -> None:
        """Start a client that causes trouble; return once its log says `until`: the trouble is there."""
        services.start_client(self.running.processes, job, address, until=until)

    def end_client(self, job: str) -> None:
        """End a client that causes trouble, if it runs."""
        self.running.processes.end(job)

    def deploy(self, version: str) -> None:
        """Deploy a version of the backend, and write it to the deploy log."""
        deploy.deploy(self.running.layout, self.running.processes, version)

    def restart_backend(self) -> None:
        """Restart the version of the backend that is deployed, whether it runs or not."""
        layout, processes = self.running.layout, self.running.processes
        deploy.stop_backend(processes)
        deploy.start_backend(layout, processes, deploy.deployed_version(layout))

    def wait_until_ready(self) -> None:
        """Return once the backend is ready. Errors: WorkbenchError after 20 s."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise WorkbenchError(f"the backend is not ready after {format_duration(_READY_SECONDS)}")
            time.sleep(0.1)

    def _bring_up(self) -> None:
        self._running = self._prepare()
        self._start_servers()
        self._start_application()

    def _prepare(self) -> Running:
        """Make the directory and the warden, which removes what is temporary whatever happens next."""
        account = server_account()
        if self._directory:
            return self._fill_directory(self._directory, account)
        directory = Path(tempfile.mkdtemp(prefix="incident-demo-")).resolve()
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, directory, ignore_errors=True)
            if account:
                directory.chmod(0o711)  # the servers' account goes through it; it may list nothing
            running = self._fill_directory(directory, account)
            undo.pop_all()
        return running

    def _fill_directory(self, directory: Path, account: struct_passwd | None) -> Running:
        layout = Layout(directory)
        processes = Processes(layout)
        if processes.is_any_running():
            raise WorkbenchError(f"a demo stack runs in {directory} already; stop it first")
        layout.create()
        data = make_data_folder(directory, account)
        remove = (data,) if self._directory else (data, directory)
        passwords = {role: secrets.token_hex(12) for role in _ROLES}
        return Running(
            layout=layout,
            processes=processes,
            postgres=PostgresServer(layout, processes, data, account, passwords, self._postgres_major),
            redis=RedisServer(layout, processes, data, secrets.token_hex(12)),
            warden=Warden(layout.run, remove=remove),
            remove=remove,
        )

    def _start_servers(self) -> None:
        running = self.running
        with ThreadPoolExecutor(max_workers=1) as pool:
            database = pool.submit(self._start_postgres)
            layout, processes = running.layout, running.processes
            make_certificates(layout.ca, layout.secrets, "127.0.0.1", "localhost")
            running.redis.start()
            self.ports["payments"] = on_free_port(lambda port: services.start_payments(processes, port))
            database.result()

    def _start_postgres(self) -> None:
        self.running.postgres.create()
        self.running.postgres.start()
        self.running.postgres.fill()

    def _start_application(self) -> None:
        running = self.running
        layout, processes = running.layout, running.processes
        layout.write_secret("db.dsn", self.workbench_dsn)
        layout.write_secret("db-change.dsn", running.postgres.dsn("operator"))
        layout.write_secret("cache.url", self.redis_url)
        deploy.write_first_deploy(layout)
        self.ports["backend"] = on_free_port(self._start_backend)
        self.ports["frontend"] = on_free_port(
            lambda port: services.start_frontend(processes, port, self.backend_url)
        )
        text = configuration.render(layout, self.addresses, self._incidents)
        layout.config.write_text(text, encoding="utf-8")

    def _start_backend(self, port: int) -> None:
        layout = self.running.layout
        environment = {
            "DATABASE_URL": self.app_dsn,
            "REPORTING_URL": self.running.postgres.dsn("reporting"),
            "REDIS_URL": self.redis_url,
            "PAYMENTS_URL": self.payments_url,
            "PAYMENTS_CA": str(layout.ca),
            "FEATURES": str(layout.features),
            "PORT": str(port),
        }
        layout.write_secret("backend.json", json.dumps(environment))
        deploy.start_backend(layout, self.running.processes, deploy.FIRST_VERSION)
