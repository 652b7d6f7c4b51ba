"""How kernels are started here: nothing that lies in the folder of a notebook is imported by itself."""

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager

from incident_lib.resources import resource
from incident_lib.run import provisioner

WORKBENCH = provisioner.NAME
SHIPPED = str(resource("templates", "kernels"))
_OURS = {"python", "python3"}
_IGNORE = "--InteractiveShellApp.ignore_cwd=True"
_LAUNCHERS = {"ipykernel", "ipykernel_launcher"}


class SafeKernelSpecManager(KernelSpecManager):  # type: ignore[misc]  # jupyter_client has no types
    """Kernel specifications whose Python has a safe path: neither `-m` nor an import searches the folder.

    The kernel of the workbench is among them, also where the package is not installed.
    """

    def __init__(self, **options: Any) -> None:
        provisioner.register()
        super().__init__(**options)

    def _kernel_dirs_default(self) -> list[str]:
        return [SHIPPED, *super()._kernel_dirs_default()]

    def get_kernel_spec(self, kernel_name: str) -> Any:
        """Return the specification of that name. Errors: NoSuchKernel."""
        spec = super().get_kernel_spec(kernel_name)
        spec.argv = safe_command(spec.argv)
        spec.env = {**spec.env, "PYTHONSAFEPATH": "1"} if "-P" not in spec.argv else spec.env
        return spec


def safe_command(argv: list[str]) -> list[str]:
    """Return the command of a kernel with a safe path, where it is one of IPython's.

    >>> safe_command(["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])[:3]
    ['python', '-P', '-m']
    >>> safe_command(["/opt/old/bin/python3.9", "-m", "ipykernel_launcher"])[1:]
    ['-m', 'ipykernel_launcher', '--InteractiveShellApp.ignore_cwd=True']
    >>> safe_command(["R", "--slave"])
    ['R', '--slave']
    """
    if _LAUNCHERS.isdisjoint(argv):
        return argv
    flags = [] if "-P" in argv or not _is_ours(argv[0]) else ["-P"]
    return [argv[0], *flags, *argv[1:], *([] if _IGNORE in argv else [_IGNORE])]


def _is_ours(program: str) -> bool:
    """Return whether a program is the Python that runs us, which is one that knows the flag."""
    return program in _OURS or Path(program) == Path(sys.executable)
