"""Whether this installation can run notebooks: `incident-workbench-core` comes without their packages."""

import sys
from importlib.util import find_spec

from incident_lib.errors import UsageError
from incident_lib.resources import CORE, distribution

EXECUTE = ("ipykernel", "nbclient", "nbconvert", "nbformat", "pandas")
LAB = (*EXECUTE, "jupyterlab")


def require(packages: tuple[str, ...], command: str, *, instead: str = "") -> None:
    """Raise UsageError where a package is missing that `command` needs; `instead` says what goes without."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        name, _ = distribution()
        whole = f"{CORE}[notebooks]" if name == CORE else "incident-workbench"
        raise UsageError(
            f"`{command}` needs packages for notebooks that are not installed here: {', '.join(missing)}. "
            f"To install them for {sys.executable}: pip install '{whole}'"
            + (f". {instead}" if instead else "")
        )
