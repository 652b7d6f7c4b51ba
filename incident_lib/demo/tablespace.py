"""A small disk of its own for some of the database's tables: a file system in memory, mounted for it."""

import os
import shutil
import subprocess
from pathlib import Path

from incident_lib.demo.postgres import PostgresServer
from incident_lib.errors import WorkbenchError

_SIZE = "8m"
_MAY_MOUNT = 1 << 21  # CAP_SYS_ADMIN
_TABLES = ("orders", "order_items")


def why_no_disk() -> str:
    """Return why none can be mounted here, "" where one can."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return "only root may mount a small file system"
    status = Path("/proc/self/status")
    text = status.read_text(encoding="ascii") if status.exists() else ""
    rights = next((line.split()[1] for line in text.splitlines() if line.startswith("CapEff:")), "0")
    return "" if int(rights, 16) & _MAY_MOUNT else "this container may mount nothing"


def fill(server: PostgresServer) -> None:
    """Move the orders to a small disk, and let something else fill it. Errors: WorkbenchError."""
    place = _place(server)
    place.mkdir()
    account = server.account
    owner = f",uid={account.pw_uid},gid={account.pw_gid}" if account else ""
    _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=700{owner}", "tmpfs", str(place))
    server.administer(
        f"CREATE TABLESPACE small LOCATION '{place}'",
        *(f"ALTER TABLE {table} SET TABLESPACE small" for table in _TABLES),
    )
    try:
        with (place / "audit.log").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    except OSError:
        return


def empty(server: PostgresServer) -> None:
    """Make room, move the orders back, and take the disk away. May be called again."""
    place = _place(server)
    if not place.exists():
        return
    (place / "audit.log").unlink(missing_ok=True)
    server.administer(
        *(f"ALTER TABLE {table} SET TABLESPACE pg_default" for table in _TABLES),
        "DROP TABLESPACE IF EXISTS small",
    )
    _run("umount", str(place))
    place.rmdir()


def _place(server: PostgresServer) -> Path:
    return server.data / "small"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkbenchError(f"{' '.join(command)}: {done.stderr.strip()}")
