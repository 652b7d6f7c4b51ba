"""Processes by their pid files: start one, find it again, end it, leave none behind."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from incident_lib.demo.layout import Layout

# A process is the one its pid file means if it began before the file was written. Systems compute the time a
# process began from the clock and the time since boot, which drift apart a little.
_DRIFT_SECONDS = 2.0

# PostgreSQL's immediate shutdown: it ends its own children and removes its shared memory segment.
_LAST_SIGNAL = {"db": signal.SIGQUIT, "standby": signal.SIGQUIT}


@dataclass
class Processes:
    """The processes of one stack, each known by its pid file, whoever started it."""

    layout: Layout
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        account: pwd.struct_passwd | None = None,
    ) -> subprocess.Popen[bytes]:
        """Return the new process: in a session of its own, so that Ctrl-C is for us alone."""
        with self.layout.log(name).open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=python_environment() if environment is None else dict(environment),
                cwd="/",
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
        self._children.append(child)
        self.layout.pid_file(name).write_text(f"{child.pid}\n", encoding="ascii")
        return child

    def find(self, name: str) -> psutil.Process | None:
        """Return the running process of that name, or None."""
        return find(self.layout.pid_file(name))

    def end(self, name: str, *, first: int = signal.SIGTERM, grace_seconds: float = 3.0) -> None:
        """End one process: politely, then not. Its pid file stays, as after any crash."""
        if process := self.find(name):
            _end([process], first, grace_seconds)
        self._children = [child for child in self._children if child.poll() is None]

    def end_all(self) -> None:
        """End every process that a pid file names, and remove the pid files."""
        end_all(self.layout.run)
        for child in self._children:
            child.kill()
            child.wait()
        self._children.clear()

    def is_any_running(self) -> bool:
        """Return whether a process of this directory runs, of us or of another stack in it."""
        return any(find(pid_file) for pid_file in self.layout.run.glob("*.pid"))


def python_environment(**extra: str) -> dict[str, str]:
    """Return our own environment, in which this very package is importable, with `extra`."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    own = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    return {**own, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **extra}


def _is_foreign(name: str) -> bool:
    """Return whether a variable would send the stack's requests or connections elsewhere.

    >>> [name for name in ("HTTPS_PROXY", "no_proxy", "PGHOST", "PATH") if _is_foreign(name)]
    ['HTTPS_PROXY', 'no_proxy', 'PGHOST']
    """
    return name.lower().endswith("_proxy") or name.startswith("PG")


def python_module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the demo.

    >>> python_module("load", "--rate", "20")[1:]
    ['-P', '-m', 'incident_lib.demo.load', '--rate', '20']
    """
    return [sys.executable, "-P", "-m", f"incident_lib.demo.{name}", *arguments]


def find(pid_file: Path) -> psutil.Process | None:
    """Return the process that `pid_file` means, or None if it ended (its number may be another's now)."""
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="ascii")))
        same = process.create_time() <= pid_file.stat().st_mtime + _DRIFT_SECONDS
    except (OSError, ValueError, psutil.Error):
        return None
    return process if same and _is_alive(process) else None


def end_all(run: Path) -> None:
    """End every process that a pid file in `run` names, and remove the pid files."""
    pid_files = sorted(run.glob("*.pid"))
    by_signal: dict[int, list[psutil.Process]] = {}
    for pid_file in pid_files:
        if process := find(pid_file):
            chosen: int = _LAST_SIGNAL.get(pid_file.stem, signal.SIGKILL)
            by_signal.setdefault(chosen, []).append(process)
    # Clients before servers, so that the servers' last log lines are not complaints about clients.
    for chosen in sorted(by_signal, key=lambda number: number != signal.SIGKILL):
        _end(by_signal[chosen], chosen, grace_seconds=8.0)
    for pid_file in pid_files:
        pid_file.unlink(missing_ok=True)


def _end(processes: Iterable[psutil.Process], first: int, grace_seconds: float) -> None:
    family = [member for process in processes for member in (process, *_children_of(process))]
    parents = set(processes)
    for process in parents:
        _send(process, first)
    for process in _wait(family, grace_seconds):
        _send(process, signal.SIGKILL)
    _wait(family, 2.0)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return those that still run after `seconds`. A zombie has ended; its parent may be another process."""
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if _is_alive(process)]:
        if time.monotonic() > deadline:
            return alive
        time.sleep(0.02)
    return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            # Its first thread has ended; the others may still hold its ports for a moment.
            return process.num_threads() > 1
        return process.is_running()
    except psutil.Error:
        return False


def _children_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
