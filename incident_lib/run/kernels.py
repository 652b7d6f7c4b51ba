"""The one place that starts kernels, and ends them."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.incident.leftovers import private_folder
from incident_lib.run import parents
from incident_lib.run.kernel_output import KernelOutput, captured

START_SECONDS = 30.0
GRACE_SECONDS = 1.0  # for a kernel to shut down by itself, so that its temporary files go with it
NATIVE = "python3"  # the Python that runs us, whatever is installed under that name
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a random name is created in it, for this user only
_ROOM_BYTES = 4 * 1024 * 1024  # for what IPython writes when it starts


_MANAGERS: set[Any] = set()  # of the kernels that run now
_FOLDERS: set[Path] = set()  # and theirs


class KernelError(Exception):
    """A kernel that could not be started or did not live: the message says which and why."""


class Kernel(msgspec.Struct, frozen=True):
    """A running kernel: manager and client as nbclient needs them, and what it writes outside its cells."""

    manager: Any
    client: Any
    output: KernelOutput

    def kill(self) -> None:
        """End the kernel and whatever it started, now."""
        _kill(self.manager)

    async def death(self) -> str:
        """Return how the kernel ended, "" while it lives."""
        code = await self.manager.provisioner.poll() if self.manager.provisioner else 0
        if code is None:
            return ""
        if code == -signal.SIGKILL:
            return "the kernel was killed by signal 9; the machine may be out of memory"
        if code < 0:
            return f"the kernel was killed by signal {-code} ({signal.strsignal(-code)})"
        return f"the kernel exited with exit code {code}"


@asynccontextmanager
async def started(name: str = NATIVE, *, directory: Path | None = None) -> AsyncIterator[Kernel]:
    """Yield a kernel that is ready; afterwards it and everything it started is gone.

    It talks over sockets in a private folder, not over ports that every user of this machine can reach.
    Errors: KernelError.
    """
    with _private_folder() as folder, captured() as (output, write):
        kernel: Kernel | None = None
        _FOLDERS.add(folder)
        try:
            kernel = await _start(name, folder, directory or Path.cwd(), output, write)
            yield kernel
        finally:
            if kernel is not None:
                await _to_the_end(_stop(kernel))
            _FOLDERS.discard(folder)


def begin(*, whole: bool = True) -> None:
    """Import what notebooks use in the process that kernels are forked from, while other work is done here.

    With `whole`, that includes what only some notebooks use.
    """
    parents.begin(whole=whole)


def kill_all() -> None:
    """End every kernel that runs, and whatever it started, without waiting for any."""
    for manager in list(_MANAGERS):
        _kill(manager)
    for folder in list(_FOLDERS):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Yield a new folder that only this user may enter; in memory, where the disk is full.

    Errors: KernelError.
    """
    with ExitStack() as ending:
        try:
            full = shutil.disk_usage(tempfile.gettempdir()).free < _ROOM_BYTES
            parent = _MEMORY if full and _MEMORY.is_dir() else None
            folder = ending.enter_context(private_folder("iw-", parent))
        except OSError as error:
            raise KernelError(f"no temporary folder for the kernel: {error.strerror}") from error
        yield folder


async def _start(name: str, folder: Path, directory: Path, output: KernelOutput, write: int) -> Kernel:
    manager = _manager(name, folder)
    await _launch(name, manager, directory, folder, write)
    kernel = Kernel(manager, manager.client(), output)
    try:
        kernel.client.start_channels()
        await _answered(manager, kernel.client)
    except RuntimeError as error:
        reason = await kernel.death() or str(error)
        await _stop(kernel)
        last = output.text.rpartition("\n")[2]
        reason += f"; its last output: {last}" if last else ""
        raise KernelError(f"the kernel {name!r} does not start: {reason}") from error
    except BaseException:
        kernel.kill()
        await asyncio.shield(_stop(kernel))
        raise
    kernel.client.allow_stdin = False
    return kernel


async def _answered(manager: Any, client: Any) -> None:
    """Wait until a kernel answers a question, and what it writes arrives. Errors: RuntimeError.

    jupyter_client's own way waits for a fifth of a second longer, in case that a kernel says more.
    """
    until = clock.monotonic() + START_SECONDS
    while clock.monotonic() < until:
        client.kernel_info()
        with suppress(Empty):
            while (await client.get_shell_msg(timeout=1))["msg_type"] != "kernel_info_reply":
                continue
            await client.get_iopub_msg(timeout=0.2)
            return
        if not await manager.is_alive():
            raise RuntimeError("it exited before it answered")
    raise RuntimeError(f"it did not answer within {START_SECONDS:.0f} s")


async def _launch(name: str, manager: Any, directory: Path, folder: Path, write: int) -> None:
    """Start the process of a kernel; where that is cut short, nothing of it stays. Errors: KernelError."""
    _MANAGERS.add(manager)
    try:
        await manager.start_kernel(
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
            cwd=str(directory),
            stdout=write,
            stderr=write,
            env={**os.environ, "IPYTHONDIR": str(folder)},  # no start-up files, so that every run is alike
        )
    except BaseException as error:
        await asyncio.shield(_bury(manager))
        if isinstance(error, OSError | RuntimeError | ValueError):
            raise KernelError(f"the kernel {name!r} does not start: {error}") from error
        raise


def warm_up() -> None:
    """Import what starting a kernel and executing a notebook need."""
    import jupyter_client  # noqa: F401 - for its effect
    import nbclient  # noqa: F401 - for its effect


def _manager(name: str, folder: Path) -> Any:
    """Return a manager for the kernel of that name; `python3` is the kernel of the workbench."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import NoSuchKernel

    from incident_lib.run.kernel_specs import SHIPPED, WORKBENCH, SafeKernelSpecManager

    ours = name in {NATIVE, WORKBENCH}
    specs = SafeKernelSpecManager(kernel_dirs=[SHIPPED]) if ours else SafeKernelSpecManager()
    name = WORKBENCH if ours else name
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel as error:
        known = ", ".join(sorted(SafeKernelSpecManager().find_kernel_specs()))
        raise KernelError(f"no kernel is named {name!r}; available: {known}") from error
    return AsyncKernelManager(
        kernel_name=name,
        kernel_spec_manager=specs,
        connection_file=str(folder / "kernel.json"),
        transport="ipc" if sys.platform != "win32" else "tcp",
    )


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for what must not be left half done; an interruption is raised once it is done."""
    task, interruption = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            interruption = error
    if interruption:
        raise interruption


async def _stop(kernel: Kernel) -> None:
    """Request the kernel's shutdown, then make sure of it."""
    kernel.client.stop_channels()
    if not await kernel.death():
        with suppress(asyncio.TimeoutError, RuntimeError, OSError):
            await kernel.manager.request_shutdown()
            await asyncio.wait_for(kernel.manager.provisioner.wait(), GRACE_SECONDS)
    await _bury(kernel.manager)


async def _bury(manager: Any) -> None:
    """End the process, wait for its end, and give back what it used."""
    _kill(manager)
    if manager.provisioner:
        with suppress(asyncio.TimeoutError, RuntimeError):
            await asyncio.wait_for(manager.provisioner.wait(), GRACE_SECONDS)
    with suppress(RuntimeError, OSError):
        await manager.cleanup_resources()
    _MANAGERS.discard(manager)


def _kill(manager: Any) -> None:
    group = manager.provisioner.pgid if manager.provisioner else None
    if group and group != os.getpgid(0):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
