"""Packets that a container sends, dropped before they leave it: by a rule in its network, set from here."""

import os
import shutil
import subprocess

from docker.models.containers import Container

from incident_lib.errors import WorkbenchError

_PROGRAMS = ("nsenter", "iptables")


def why_no_filter() -> str:
    """Return why no rule can be set here, "" where one can."""
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if missing:
        return f"{' and '.join(missing)} not installed"
    return "" if os.geteuid() == 0 else "only root may filter what a container sends"


def drop(container: Container, port: int) -> None:
    """Drop what the container sends to `port` anywhere, without an answer. Errors: WorkbenchError.

    Needs: the engine on this machine. Nothing else sends through that network, and the rule ends with it.
    """
    _rule(container, "--append", port)


def let_through(container: Container, port: int) -> None:
    """Drop it no longer. Errors: WorkbenchError."""
    _rule(container, "--delete", port)


def _rule(container: Container, change: str, port: int) -> None:
    container.reload()
    inside = ("nsenter", "--net", "--target", str(container.attrs["State"]["Pid"]))
    rule = (change, "OUTPUT", "--protocol", "tcp", "--dport", str(port), "--jump", "DROP")
    done = subprocess.run([*inside, "iptables", "--wait", *rule], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkbenchError(f"iptables {' '.join(rule)} in {container.name}: {done.stderr.strip()}")
