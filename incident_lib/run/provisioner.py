"""How jupyter_client starts a kernel "Incident workbench": forked, and by itself where that cannot be.

`incident run`, JupyterLab and papermill find it by the entry point `incident-workbench` of the group
`jupyter_client.kernel_provisioners`, which the kernel's specification names.
"""

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from incident_lib.run import parents

NAME = "incident-workbench"
_PAUSE_SECONDS = 0.005
_UNDERSTOOD = {"env", "cwd", "stdout", "stderr", "stdin", "kernel_id", "extra_arguments"}


class WorkbenchProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client has no types
    """Forks the kernel from a process that has imported what notebooks use."""

    by_itself = ""  # why the kernel was not forked

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Return how to reach the kernel, once it answers. Errors: OSError where it cannot be started."""
        try:
            kernel = await parents.fork(_wish(cmd, kwargs))
        except parents.NotForkedError as error:
            self.by_itself = str(error)
            self.log.info("The kernel is started by itself: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.by_itself, self.process = "", kernel
        self.pid = self.pgid = kernel.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    async def wait(self) -> int | None:
        """Return the exit code, once the kernel ended."""
        kernel: Any = self.process
        if not isinstance(kernel, parents.ForkedKernel):
            code: int | None = await super().wait()
            return code
        while (ended := kernel.poll()) is None:
            await asyncio.sleep(_PAUSE_SECONDS)
        self.process = None  # type: ignore[assignment]  # as LocalProvisioner does
        return ended


def _wish(command: list[str], options: dict[str, Any]) -> parents.Wish:
    """Return the kernel that jupyter_client wants. Errors: NotForkedError where no fork can be that."""
    more = [name for name in options if name not in _UNDERSTOOD and options[name] is not None]
    if more:
        raise parents.NotForkedError(f"it is to be started with {', '.join(sorted(more))}")
    return parents.Wish(
        command=command,
        environment=options.get("env") or {},
        directory=str(options.get("cwd") or Path.cwd()),
        output=_descriptor(options.get("stdout"), 1),
        errors=_descriptor(options.get("stderr"), 2),
    )


def _descriptor(stream: Any, standard: int) -> int:
    if stream is None:
        return standard
    number = stream if isinstance(stream, int) else stream.fileno()
    if number < 0:
        raise parents.NotForkedError("its output is to go through a pipe of subprocess")
    return int(number)


def register() -> None:
    """Make jupyter_client know the provisioner where the package is not installed with its entry points."""
    entry = EntryPoint(
        NAME, f"{__name__}:{WorkbenchProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME
    )
    KernelProvisionerFactory.provisioners.setdefault(NAME, entry)
