"""A standby of the stack's database: a copy that streams, on a port of its own."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass

import psycopg

from incident_lib.demo.database import accepts
from incident_lib.demo.ports import free_port
from incident_lib.demo.postgres import ADMIN, PostgresServer, find_binaries
from incident_lib.errors import WorkbenchError

NAME = "standby"
_START_SECONDS = 30.0


def why_no_standby() -> str:
    """Return why none can be made here, "" where one can."""
    if (find_binaries(PostgresServer.major) / "pg_basebackup").is_file():
        return ""
    return "this PostgreSQL came without pg_basebackup"


@dataclass
class Standby:
    """One standby. What it keeps is next to the primary's data, and goes with it."""

    primary: PostgresServer
    port: int = 0

    def start(self) -> None:
        """Copy the primary, start, and wait until it answers. Errors: WorkbenchError with the output."""
        self.port = free_port()
        account = self.primary.account
        address = f"{self.primary.dsn(ADMIN)}?application_name={NAME}"
        copied = subprocess.run(
            [
                str(self.primary.binaries / "pg_basebackup"),
                *("--dbname", address, "--pgdata", str(self._folder)),
                *("--write-recovery-conf", "--no-sync", "--checkpoint", "fast"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if copied.returncode:
            raise WorkbenchError(f"the database could not be copied: {copied.stderr.strip()}")
        self._serve()

    def pause(self) -> None:
        """Receive on, and replay nothing."""
        with psycopg.connect(self._dsn, autocommit=True, connect_timeout=2) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")

    def stop(self) -> None:
        """End it and remove what it kept; nothing of it stays at the primary."""
        self.primary.processes.end(NAME)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> str:
        return str(self.primary.data / NAME)

    @property
    def _dsn(self) -> str:
        password = self.primary.passwords[ADMIN]
        return f"postgresql://{ADMIN}:{password}@127.0.0.1:{self.port}/postgres"

    def _serve(self) -> None:
        server = self.primary.processes.spawn(
            NAME,
            [str(self.primary.binaries / "postgres"), "-D", self._folder, "-p", str(self.port)],
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            account=self.primary.account,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not accepts(self._dsn):
            if server.poll() is not None or time.monotonic() > deadline:
                output = self.primary.layout.log(NAME).read_text(encoding="utf-8", errors="replace")
                raise WorkbenchError(f"the standby did not start: {output[-1000:]}")
            time.sleep(0.05)
