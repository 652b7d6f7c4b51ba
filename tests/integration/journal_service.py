"""Real journals: files made by systemd-journal-remote, and a systemd-journald of a namespace of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tests import services

_REMOTE = Path("/lib/systemd/systemd-journal-remote")
_JOURNALD = Path("/lib/systemd/systemd-journald")
_BOOT = "5f3c9d0e1b2a4c6d8e7f90a1b2c3d4e5"
_START_SECONDS = 20.0

# Its sockets and its journal stand in a mount namespace, so that nothing of the machine is touched. A program
# is of a unit by its control group, as under systemd.
_SCRIPT = """
set -e
mount --make-rprivate /
mkdir -p /run/systemd/journal /run/log
mount -t tmpfs none /run/systemd/journal
mount -t tmpfs none /run/log
mkdir /run/log/journal
mount --bind "$1" /run/log/journal
{journald} &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
for n in $(seq 200); do [ -S /run/systemd/journal/dev-log ] && break; sleep 0.05; done
touch "$1/ready"
"$2" "$1"
journalctl --sync >/dev/null 2>&1 || sleep 1
"""


class Entry(msgspec.Struct, frozen=True):
    """An entry of a journal: fields beyond these are given by name."""

    at: datetime
    message: str | bytes
    unit: str = "shop.service"
    fields: dict[str, str] = {}


def write(folder: Path, entries: Iterable[Entry], name: str = "shop") -> Path:
    """Return the file with the entries, in a folder for journalctl's --directory."""
    if not _REMOTE.exists() or not shutil.which("journalctl"):
        services.missing("systemd-journal-remote is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.journal"
    exported = b"".join(_exported(entry, number) for number, entry in enumerate(entries, start=1))
    made = subprocess.run(
        [str(_REMOTE), "-o", str(path), "-"], input=exported, capture_output=True, timeout=60, check=False
    )
    assert made.returncode == 0, made.stderr
    return path


def _exported(entry: Entry, number: int) -> bytes:
    micros = (entry.at - datetime.fromtimestamp(0, entry.at.tzinfo)) // timedelta(microseconds=1)
    fields: dict[str, str | bytes] = {
        "__REALTIME_TIMESTAMP": str(micros),
        "__MONOTONIC_TIMESTAMP": str(number),
        "_BOOT_ID": _BOOT,
        "_HOSTNAME": "web-7",
        "_TRANSPORT": "stdout",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "shop",
        "_PID": "417",
        "_SYSTEMD_UNIT": entry.unit,
        **entry.fields,
        "MESSAGE": entry.message,
    }
    return b"".join(_field(name, value) for name, value in fields.items()) + b"\n"


def _field(name: str, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    if b"\n" in data or any(byte < 32 and byte != 9 for byte in data):  # in binary, with its length
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


def of_systemd(at: datetime, message: str, priority: int, unit: str = "shop.service") -> Entry:
    """Return an entry that systemd writes about a unit."""
    fields = {
        "UNIT": unit,
        "_PID": "1",
        "_UID": "0",
        "SYSLOG_IDENTIFIER": "systemd",
        "PRIORITY": str(priority),
        "_TRANSPORT": "journal",
    }
    return Entry(at, message, "init.scope", fields)


def record(folder: Path, program: Path) -> None:
    """Run a program, with `folder` as its argument, while a journald keeps its journal in that folder."""
    if os.geteuid() != 0 or not _JOURNALD.exists() or not shutil.which("unshare"):
        services.missing("systemd-journald, and root for a namespace to run it in")
    folder.mkdir(parents=True, exist_ok=True)
    script = _SCRIPT.replace("{journald}", str(_JOURNALD))
    command = ["unshare", "--mount", "bash", "-c", script, "journald", str(folder), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (folder / "ready").exists(), done.stderr


@contextmanager
def control_group(unit: str) -> Iterator[Path]:
    """Yield the file that a program writes its process id to, in order to be of that unit."""
    for root in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup")):
        group = root / "system.slice" / unit
        try:
            group.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if (group / "cgroup.procs").exists():
            break
    else:
        services.missing("no control group can be made")
    try:
        yield group / "cgroup.procs"
    finally:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.05)


def units_in(folder: Path) -> set[str]:
    """Return the units that journalctl finds in the journals of a folder."""
    command = ["journalctl", f"--directory={folder}", "--output=json", "--no-pager"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    return {json.loads(line).get("_SYSTEMD_UNIT", "") for line in printed.splitlines()}
