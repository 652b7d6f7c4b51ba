"""The process that kernels are forked from.

    python -P -m incident_lib.run.forking SOCKET SECONDS whole|needed

It imports what notebooks use and then waits. Nothing else ever happens in it: no thread, no connection, no
event loop. So a fork of it is what a kernel is that has just imported the same modules. Kernels are requested
through SOCKET, one message each. The process ends by itself when that socket is closed, or when SECONDS have
passed without a request and without a kernel. A kernel ends with it, however it ends.
"""

import atexit
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import types
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from setproctitle import getproctitle, setproctitle

from incident_lib.expressions import make_ready

# What each shipped notebook imports, and what ipykernel imports when a kernel starts.
NEEDED = (
    *("ipykernel.kernelapp", "ipykernel.debugger", "tornado.platform.asyncio", "tornado.queues"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect"),
    *("IPython.extensions.storemagic", "sqlite3", "encodings.idna", "faulthandler", "mimetypes", "pdb"),
    *("incident_lib.display", "incident_lib.display.postmortem"),
    "incident_lib.response.notebooks",
    *("matplotlib.figure", "incident_lib.plots.chart"),
)
# What those import that go on from there. Not waited for where kernels are needed at once.
LATER = ("pandas", "matplotlib.pyplot")

_INLINE = "module://matplotlib_inline.backend_inline"  # what ipykernel sets where nothing is set
_OF_ONE_KERNEL = ("JPY_PARENT_PID", "JPY_INTERRUPT_EVENT")  # read while ipykernel is imported
# Read by Python and by C libraries when a process starts, where reading cannot be observed.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "TZ", "GLIBC_", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_")
_PR_SET_PDEATHSIG = 1
_QUIET_SECONDS = 5.0  # without kernels; then there is time for what only some kernels need
_FRESH_SECONDS = 1.0  # for so long the files of what is imported are taken as unchanged


class Request(NamedTuple):
    """One kernel to be forked: what it is to be, and the descriptors that it gets."""

    settings: dict[str, Any]  # arguments, env, cwd, umask
    status: socket.socket  # to the one who requested it; closed there, the kernel ends
    output: int
    errors: int


class Child(NamedTuple):
    """A kernel that runs."""

    pid: int
    status: socket.socket


class Parent:
    """The process and the kernels that it has forked."""

    def __init__(self, requests: socket.socket, idle_seconds: float, environment: "Environment") -> None:
        self._requests = requests
        self._idle_seconds = idle_seconds
        self._environment = environment
        self._ends: dict[int, Child] = {}  # by the descriptor that becomes readable when the kernel ends
        self._statuses: dict[int, Child] = {}
        self._later = [*LATER]
        self._poll = select.poll()
        self._poll.register(requests, select.POLLIN)
        self._unfit = ""

    def load(self, names: tuple[str, ...]) -> None:
        """Import modules, and make sure that this process can still be forked."""
        for name in names:
            if _can_draw(name):
                importlib.import_module(name)
            self._later = [later for later in self._later if later != name]
        make_ready()  # for all kernels at once
        self._environment.note_imports()
        self._unfit = self._unfit or _why_not_forkable()
        gc.collect()
        gc.freeze()  # so that the collector of a kernel does not copy what all kernels share

    def serve(self) -> Request:
        """Return, in a new kernel alone, the request that it is to fulfil; else end this process."""
        quiet_since = time.monotonic()
        while True:
            left = self._idle_seconds - (time.monotonic() - quiet_since)
            wait = None if self._ends else min(left, _QUIET_SECONDS) if self._later else left
            ready = self._poll.poll(None if wait is None else max(0.0, wait) * 1000)
            for descriptor, event in ready:
                quiet_since = time.monotonic()
                if kernel := self._handle(descriptor, event):
                    return kernel
            if not ready and not self._ends:
                if self._later:
                    self.load(tuple(self._later))
                elif time.monotonic() - quiet_since >= self._idle_seconds:
                    self._leave()

    def _handle(self, descriptor: int, event: int) -> Request | None:
        """Return the request that was received, in the kernel that was forked for it; else None."""
        if descriptor in self._ends:
            self._end(descriptor)
        elif descriptor in self._statuses:
            _kill(self._statuses[descriptor].pid)  # who requested it does not need it any more
            self._poll.unregister(descriptor)
        elif descriptor == self._requests.fileno():
            request = self._receive() if event & select.POLLIN else None
            if request is None:
                self._leave()
            return request if self._fork(request) else None
        return None

    def _receive(self) -> Request | None:
        """Return the next request, None where there will be no more."""
        message, descriptors, _, _ = socket.recv_fds(self._requests, 1, 4, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return None
        text, status, output, errors = descriptors
        with os.fdopen(text, "rb") as file:
            file.seek(0)
            settings = json.loads(file.read())
        return Request(settings, socket.socket(fileno=status), output, errors)

    def _fork(self, request: Request) -> bool:
        """Return whether this is the new kernel."""
        unfit = self._unfit or self._environment.difference(request.settings["env"])
        pid = -1
        if not unfit:
            own = os.getpid()
            try:
                pid = os.fork()
            except OSError as error:
                unfit = f"no process can be forked: {error.strerror}"
            if pid == 0:
                self._separate(request, own)
                return True
        os.close(request.output)
        os.close(request.errors)
        if unfit:
            _notify(request.status, f"unfit {unfit}")
            request.status.close()
            return False
        child = Child(pid, request.status)
        end = os.pidfd_open(pid)
        self._ends[end] = self._statuses[request.status.fileno()] = child
        self._poll.register(end, select.POLLIN)
        self._poll.register(request.status, select.POLLIN)
        _notify(request.status, f"pid {pid}")
        return False

    def _separate(self, request: Request, parent: int) -> None:
        """Make this fork a process that has nothing of the others but the modules."""
        os.setsid()
        _die_with(parent)
        for inherited in (self._requests, *(child.status for child in self._ends.values())):
            inherited.detach()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (request.output, 1), (request.errors, 2)):
            os.dup2(descriptor, number)
        kept = {0, 1, 2, request.status.fileno()}
        for descriptor in {int(entry.name) for entry in Path("/proc/self/fd").iterdir()} - kept:
            with suppress(OSError):  # the one that listed them
                os.close(descriptor)

    def _end(self, descriptor: int) -> None:
        """Report the end of a kernel, and end what it started and left."""
        child = self._ends.pop(descriptor)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but its number is not given away yet
        _kill(child.pid)
        _, status = os.waitpid(child.pid, 0)
        self._statuses.pop(child.status.fileno(), None)
        with suppress(KeyError, OSError):
            self._poll.unregister(child.status)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _notify(child.status, f"exit {os.waitstatus_to_exitcode(status)}")
        child.status.close()

    def _leave(self) -> NoReturn:
        """End this process, and with it every kernel and what it started."""
        for child in self._ends.values():
            _kill(child.pid)
        os._exit(0)


class Environment:
    """The variables that decided how this process started and what its modules are."""

    def __init__(self) -> None:
        for name in _OF_ONE_KERNEL:
            os.environ.pop(name, None)
        os.environ.setdefault("MPLBACKEND", _INLINE)
        self._start = dict(os.environ)
        self._read: set[str] = set()
        self._set: dict[str, str] = {}
        self._files: dict[str, int] = {}
        self._compared_at = 0.0
        read, plain = self._read, type(os.environ)

        class Observed(plain):  # type: ignore[misc, valid-type]
            def __getitem__(self, name: str) -> str:
                if isinstance(name, str):
                    read.add(name)
                return str(super().__getitem__(name))

        self._plain = plain
        os.environ.__class__ = Observed

    def note_imports(self) -> None:
        """Remember which variables the imports have set, and when the files of the modules were changed."""
        read = {*self._read}
        self._set = {name: text for name, text in os.environ.items() if self._start.get(name) != text}
        self._read &= read  # without what was read in order to compare
        for module in [*sys.modules.values()]:
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file not in self._files:
                self._files[file] = _changed_at(file)
        self._compared_at = time.monotonic()

    def difference(self, wanted: dict[str, str]) -> str:
        """Return why a kernel with the environment `wanted` is no fork of this process, "" if it can be."""
        wanted = {"MPLBACKEND": _INLINE, **wanted}
        names = self._read | {name for name in (*self._start, *wanted) if name.startswith(_READ_AT_START)}
        for name in sorted(names.difference(_OF_ONE_KERNEL)):
            if wanted.get(name) != self._start.get(name):
                return f"{name} has another value"
        if time.monotonic() - self._compared_at > _FRESH_SECONDS:
            self._compared_at = time.monotonic()
            for file, changed_at in self._files.items():
                if _changed_at(file) != changed_at:
                    return f"{file} has changed"
        return ""

    def restore(self, wanted: dict[str, str]) -> None:
        """Give this process the environment of a kernel."""
        os.environ.__class__ = self._plain
        os.environ.clear()
        os.environ.update({**self._set, **wanted})
        time.tzset()


def _changed_at(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


def _notify(status: socket.socket, text: str) -> None:
    with suppress(OSError):  # the other side is gone
        status.send(text.encode())


def _kill(pid: int) -> None:
    """End a kernel and whatever it started in its group; it may not have its group yet."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _die_with(parent: int) -> None:
    """Have the system end this process when its parent ends."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _why_not_forkable() -> str:
    """Return why forks of this process are not safe, "" if they are.

    The threads of libraries of linear algebra end before a fork; those of others would be missing in it.
    """
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(1.0)  # matplotlib's reminder, where it has just written its list of fonts
    try:
        pid = os.fork()
    except OSError as error:
        return f"no process can be forked: {error.strerror}"
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    threads = len([*Path("/proc/self/task").iterdir()])
    return "" if threads == 1 else f"{threads} threads run after the imports"


def _can_draw(name: str) -> bool:
    """Return whether matplotlib can be imported without making a temporary folder that all kernels share."""
    if not name.startswith(("matplotlib", "incident_lib.plots.chart")):
        return True
    home = Path.home()
    places = ("XDG_CONFIG_HOME", home / ".config"), ("XDG_CACHE_HOME", home / ".cache")
    own = os.environ.get("MPLCONFIGDIR")
    folders = [Path(own)] if own else [Path(os.environ.get(name) or place) for name, place in places]
    return all(_is_writable(folder) for folder in folders)


def _is_writable(folder: Path) -> bool:
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    return os.access(there, os.W_OK | os.X_OK)


def become_kernel(request: Request, environment: Environment) -> None:
    """Run the kernel until it ends, in a fork, as if Python had just started it."""
    wanted, arguments = request.settings, request.settings["arguments"]
    parent = os.getppid()
    settings_file = matplotlib.matplotlib_fname() if (matplotlib := sys.modules.get("matplotlib")) else ""
    environment.restore({**wanted["env"], "JPY_PARENT_PID": str(parent)})
    os.umask(wanted["umask"])
    os.chdir(wanted["cwd"])
    tempfile.tempdir = None
    importlib.invalidate_caches()
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv[:] = [wanted["launcher"], *arguments]
    sys.orig_argv[:] = wanted["command"]
    _renew_state(settings_file)
    from ipykernel.kernelapp import IPKernelApp

    setproctitle(" ".join(wanted["command"]))  # as ps shows a kernel that was started by itself

    app = IPKernelApp.instance(parent_handle=parent)
    app.initialize([*arguments])
    _notify(request.status, "ready")
    request.status.close()
    app.start()
    _end_process()


def _end_process() -> NoReturn:
    """End as Python ends, but without taking every module apart, which would copy what kernels share."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads, as Python does
    atexit._run_exitfuncs()  # noqa: SLF001 - what is to be done at the end; IPython's deletes what cells made
    gc.collect()
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError):
            if stream:
                stream.flush()
    os._exit(0)


def _renew_state(settings_file: str) -> None:
    """Forget what a library keeps for the whole process; Python's `random` renews itself."""
    if numbers := sys.modules.get("numpy.random"):
        numbers.seed()
    matplotlib = sys.modules.get("matplotlib")
    if (
        matplotlib and matplotlib.matplotlib_fname() != settings_file
    ):  # there may be one in the kernel's folder
        matplotlib.rc_file(matplotlib.matplotlib_fname())


def main() -> None:
    """Run the parent; in a fork of it, the kernel."""
    descriptor, idle_seconds, extent = sys.argv[1:]
    getproctitle()  # finds where its arguments are, while the environment next to them is as it was
    environment = Environment()
    parent = Parent(socket.socket(fileno=int(descriptor)), float(idle_seconds), environment)
    parent.load((*NEEDED, *LATER) if extent == "whole" else NEEDED)
    become_kernel(parent.serve(), environment)


if __name__ == "__main__":
    main()
