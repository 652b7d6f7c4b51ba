"""Kernels by forking: the process that they are forked from, started and asked from here.

There is one such parent in this process, for as long as it is used. Forking is for Linux: elsewhere system
libraries do not work in a fork, and no kernel could be made to end with its parent.
"""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakSet

import msgspec

START_SECONDS = 30.0  # for a kernel, the imports of its parent included
IDLE_SECONDS = 300.0  # a parent without kernels and without requests ends then
COMMAND = (
    sys.executable,
    "-P",
    "-m",
    "ipykernel_launcher",
)  # what starts a kernel that can be forked instead
_PAUSE_SECONDS = 0.005
_KEPT_BYTES = 4_000
_END_SECONDS = 2.0
_FORK_VARIABLE = "INCIDENT_FORK"  # "no" starts each kernel by itself


class NotForkedError(Exception):
    """No kernel could be forked: the message says why. It can still be started by itself."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel that is wanted: its command, environment, folder, and where it writes."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    output: int = 1
    errors: int = 2


class ForkedKernel:
    """A kernel that was forked, with what subprocess.Popen has."""

    stdin = stdout = stderr = None

    def __init__(self, status: socket.socket, parent: "_Parent") -> None:
        self.pid = 0
        self.returncode: int | None = None
        self.is_ready = False
        self.unfit = ""  # why the parent did not fork it
        self.is_orphan = False  # whether the parent ended, and it with it
        self._status = status
        self._parent = parent
        status.settimeout(0)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs; minus the number of a signal that ended it."""
        while self.returncode is None:
            try:
                word, _, rest = self._status.recv(4096).decode().partition(" ")
            except BlockingIOError:
                break
            except OSError:
                word = ""
            if word == "pid":
                self.pid = int(rest)
            elif word == "ready":
                self.is_ready = True
            elif word == "unfit":
                self.unfit, self.returncode = rest, 0
            elif word == "exit":
                self.returncode = int(rest)
            else:
                self.returncode, self.is_orphan = -signal.SIGKILL, True
                self.kill()  # what it started does not end with it
            if self.returncode is not None:
                self._part()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, once it ended. Errors: subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(_PAUSE_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel and what it started, now."""
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Request its end."""
        self.send_signal(signal.SIGTERM)

    def abandon(self) -> None:
        """Have the parent end it, whether it runs already or not."""
        if self.returncode is None:
            self.returncode = -signal.SIGKILL
            self._part()

    def _part(self) -> None:
        """Leave the parent: what still runs, it ends."""
        self._status.close()
        self._parent.release(self)


class _Parent:
    """A parent that was started, and the socket it is asked through; closed, the parent ends."""

    def __init__(self, environment: Mapping[str, str], *, whole: bool) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = os.fdopen(os.memfd_create("parent-of-kernels"), "w+b")
        extent = "whole" if whole else "needed"
        command = [sys.executable, "-P", "-m", "incident_lib.run.forking"]
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*command, str(theirs.fileno()), str(IDLE_SECONDS), extent],
                    cwd="/",
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # out of Ctrl-C's reach, and still a part of us where load is measured
                )
            except OSError as error:
                self._requests.close()
                self._errors.close()
                raise NotForkedError(f"no process can be started: {error.strerror}") from error
        self.pid = self._process.pid
        self._kernels: WeakSet[ForkedKernel] = WeakSet()
        self._is_retired = False
        self.last_words = ""  # why it ended, as far as it said so

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def _read_last(self) -> str:
        if self._errors.closed:
            return self.last_words
        size = os.fstat(self._errors.fileno()).st_size
        written = os.pread(self._errors.fileno(), _KEPT_BYTES, max(0, size - _KEPT_BYTES))
        last = written.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return "the process that kernels are forked from ended" + (f": {last}" if last else "")

    def request(self, wish: Wish) -> ForkedKernel:
        """Return the kernel, which is not there yet. Errors: OSError where the parent is gone."""
        text = os.memfd_create("kernel")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with os.fdopen(text, "wb", closefd=False) as file:
                file.write(json.dumps(_settings(wish)).encode())
            socket.send_fds(self._requests, [b"k"], [text, theirs.fileno(), wish.output, wish.errors])
        except OSError:
            ours.close()
            raise
        finally:
            os.close(text)
            theirs.close()
        kernel = ForkedKernel(ours, self)
        self._kernels.add(kernel)
        return kernel

    def release(self, kernel: ForkedKernel) -> None:
        """Take note that a kernel ended."""
        self._kernels.discard(kernel)
        if kernel.is_orphan or (self._is_retired and not self._kernels):
            self.end()

    def retire(self) -> None:
        """End it once its kernels have ended."""
        self._is_retired = True
        if not self._kernels:
            self.end()

    def end(self) -> None:
        """End it, and its kernels with it."""
        self._requests.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.last_words = self._read_last()
        self._errors.close()

    def forget(self) -> None:
        """Leave it to the process that started it: this is a fork of that."""
        self._requests.close()
        self._errors.close()
        self._process.returncode = 0


def _settings(wish: Wish) -> dict[str, Any]:
    launcher = find_spec("ipykernel_launcher")
    return {
        "command": list(wish.command),
        "arguments": _arguments(wish.command),
        "launcher": launcher.origin if launcher else "",
        "env": dict(wish.environment),
        "cwd": wish.directory,
        "umask": _umask(),
    }


def _arguments(command: Sequence[str]) -> list[str] | None:
    """Return what ipykernel's launcher is given by a command, None where that is not what it starts.

    >>> _arguments([sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "kernel.json"])
    ['-f', 'kernel.json']
    >>> _arguments(["R", "--slave"])
    """
    return list(command[len(COMMAND) :]) if tuple(command[: len(COMMAND)]) == COMMAND else None


def _umask() -> int:
    """Return which permissions new files lack; without setting it, as that would hold for other threads."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022


_lock = threading.RLock()
_current: list[_Parent] = []  # none, or the one that is asked


def impossible(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return why a kernel of that command cannot be forked here, "" if it can."""
    if sys.platform != "linux":
        return f"kernels are not forked on {sys.platform}"
    if environment.get(_FORK_VARIABLE, "").lower() == "no":
        return f"{_FORK_VARIABLE} is no"
    if find_spec("ipykernel") is None:
        return "ipykernel is not installed"
    if _arguments(command) is None:
        return f"the kernel is not started by {sys.executable} -P -m ipykernel_launcher"
    if any(not path.startswith("/") for path in environment.get("PYTHONPATH", "/").split(os.pathsep)):
        return "PYTHONPATH has a relative folder"
    return ""


def begin(*, whole: bool = True) -> None:
    """Start the parent now, so that it has imported what notebooks use when kernels are needed.

    With `whole`, that includes what only some notebooks use. Where no kernel can be forked, nothing happens.
    """
    if not impossible(COMMAND, os.environ):
        with suppress(NotForkedError):
            _parent(os.environ, whole=whole)


async def fork(wish: Wish) -> ForkedKernel:
    """Return a kernel that answers, or has ended by itself already. Errors: NotForkedError."""
    if reason := impossible(wish.command, wish.environment):
        raise NotForkedError(reason)
    until = time.monotonic() + START_SECONDS
    reason = ""
    for _ in range(2):  # the parent may end between two requests, or be unlike the kernel that is wanted
        parent = _parent(wish.environment, whole=False)
        try:
            kernel = parent.request(wish)
        except OSError:
            _replace(parent)
            continue
        try:
            while not kernel.is_ready and kernel.poll() is None:
                if time.monotonic() > until:
                    parent.end()
                    raise NotForkedError(f"it was not there within {START_SECONDS:.0f} s")
                await asyncio.sleep(_PAUSE_SECONDS)
        except BaseException:
            kernel.abandon()
            raise
        if kernel.is_ready or not (kernel.unfit or kernel.is_orphan):
            return kernel
        reason = kernel.unfit or parent.last_words
        _replace(parent)
    raise NotForkedError(reason)


def end() -> None:
    """End the parent of this process, if there is one, and every kernel that was forked from it."""
    with _lock:
        parents, _current[:] = _current[:], []
    for parent in parents:
        parent.end()


def _forget() -> None:
    """Leave the parent to the process that this is a fork of."""
    global _lock  # noqa: PLW0603 - another thread of that process may have held it
    _lock = threading.RLock()
    for parent in _current:
        parent.forget()
    _current.clear()


def _parent(environment: Mapping[str, str], *, whole: bool) -> _Parent:
    with _lock:
        if _current and not _current[0].lives:
            _current.pop().end()
        if not _current:
            _current.append(_Parent(environment, whole=whole))
        return _current[0]


def _replace(parent: _Parent) -> None:
    """Take no more kernels from a parent; those that it has live on."""
    with _lock:
        if parent in _current:
            _current.remove(parent)
    parent.retire()


atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
