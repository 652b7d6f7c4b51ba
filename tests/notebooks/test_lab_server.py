"""`incident lab` as a person types it: JupyterLab comes up in the incident folder, Ctrl-C ends all of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil

from tests.notebooks import sample

SECONDS = 60.0


def test_jupyterlab_comes_up_and_goes_with_ctrl_c(tmp_path):
    case = sample.made(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-c", "from incident_lib.cli import main; main()", "lab", "--no-browser"]
    with (tmp_path / "log").open("w") as log:
        lab = subprocess.Popen(
            [*command, "--port", str(port), str(case.folder.path)],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
        )
    assert answers(port, lab), (tmp_path / "log").read_text()
    server = psutil.Process(lab.pid).children()[0]
    lab.send_signal(signal.SIGINT)
    assert lab.wait(SECONDS) == 0
    assert not server.is_running()
    assert (case.folder.path / "lab" / "20_database.ipynb").exists()
    assert case.folder.verify() == []


def answers(port, process):
    """Return whether the server answers before it ends or the time is up."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    return False
