"""`incident lab`: JupyterLab in the incident's folder, with the notebooks ready to run."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.foreign import BUNDLE, is_marked
from incident_lib.incident.unbundle import mark_foreign
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.run.installed import LAB, require
from incident_lib.run.lab import LANDING, prepare_lab
from incident_lib.run.own import team_notebooks

_STOP_SECONDS = 10.0


def lab(arguments: argparse.Namespace) -> int:
    """Return JupyterLab's exit code; Ctrl-C ends it and its kernels and is no failure."""
    require(LAB, "incident lab")
    settings = load_settings(arguments.config or "", arguments.incident)
    folder = folders.find(settings.incidents, arguments.incident, redactor_for(settings))
    return open_lab(settings, folder, browser=not arguments.no_browser, port=arguments.port)


def open_lab(settings: Settings, folder: IncidentFolder, *, browser: bool = True, port: int = 0) -> int:
    """Return JupyterLab's exit code, once it was ended."""
    config = str(settings.path.resolve()) if settings.path else ""
    parameters = {"incident": str(folder.path.resolve()), "config": config}
    if folder.is_foreign:
        _adopt_lab(folder)
        parameters["snapshot"] = "latest"
        print(
            "It came from elsewhere: stored evidence is replayed; its executed notebooks are pages in runs/"
        )
    directory, kept = prepare_lab(folder.path, parameters, team_notebooks(settings))
    print(f"Notebooks of {folder.id} are in {directory}")
    if kept:
        print(f"Kept with your changes: {', '.join(kept)}")
    print("Press Ctrl-C to stop JupyterLab and its kernels.", flush=True)
    root = directory if folder.is_foreign else folder.path  # of a foreign one nothing can be opened as code
    return _serve(_command(root, directory, browser=browser, port=port))


def _adopt_lab(folder: IncidentFolder) -> None:
    """Mark an incident that an earlier version opened: it took notebooks along, which were written elsewhere.

    Errors: UsageError where such notebooks are there.
    """
    if is_marked(folder.path, folder.events):
        return
    place = folder.path / "lab"
    if os.path.lexists(place):
        raise UsageError(
            f"{folder.id} came from elsewhere, and {place} may have come with it; move it away first"
        )
    if (folder.path / BUNDLE).is_file():
        mark_foreign(folder)


def _command(root: Path, directory: Path, *, browser: bool, port: int) -> list[str]:
    command = [sys.executable, "-P", "-m", "incident_lib.run.lab_server"]
    landing = (directory / LANDING).relative_to(root).as_posix()
    command += [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{landing}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"] if port else []
    command += [] if browser else ["--no-browser"]
    return command + (["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])


def _serve(command: list[str]) -> int:
    """Run the server in a separate session, so that Ctrl-C reaches only us and we end it.

    Its working directory is none that holds files of an incident: Jupyter reads configuration there.
    """
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}  # the kernel that has the workbench in it
    with tempfile.TemporaryDirectory(prefix="incident-lab-") as place:
        server = subprocess.Popen(
            command, cwd=place, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        return _wait(server)


def _wait(server: subprocess.Popen[bytes]) -> int:
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        if isinstance(error, KeyboardInterrupt):
            raise
