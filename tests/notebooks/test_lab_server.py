"""`incident lab` as a person types it: JupyterLab comes up in the incident folder, Ctrl-C ends all of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress

import psutil
import pytest
from jupyter_client import BlockingKernelClient

from tests.notebooks import sample
from tests.notebooks.planted import executed, plant

SECONDS = 60.0


BODY = b'{"path": "lab/20_database.ipynb"}'
CARELESS = """
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.token = ""
c.ServerApp.password = ""
c.IdentityProvider.token = ""
c.PasswordIdentityProvider.hashed_password = "argon2:x"
c.ServerApp.allow_origin = "*"
c.ServerApp.allow_origin_pat = ".*"
c.ServerApp.allow_remote_access = True
c.ServerApp.allow_unauthenticated_access = True
c.ServerApp.disable_check_xsrf = True
"""


def test_jupyterlab_comes_up_safely_and_goes_with_ctrl_c(tmp_path):
    case = sample.made(tmp_path)
    settings = tmp_path / "settings"
    settings.mkdir()
    for name in ("jupyter_config", "jupyter_server_config", "jupyter_lab_config"):
        (settings / f"{name}.py").write_text(CARELESS)
    marker = tmp_path / "marker"
    lab_folder = case.folder.path / "lab"
    lab_folder.mkdir()
    plant(lab_folder, marker)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-P", "-c", "from incident_lib.cli import main; main()", "lab", "--no-browser"]
    with (tmp_path / "log").open("w") as log:
        lab = subprocess.Popen(
            [*command, "--port", str(port), str(case.folder.path)],
            cwd=lab_folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
        )
    with ended(lab):
        assert answers(port, lab), (tmp_path / "log").read_text()
        server = psutil.Process(lab.pid).children()[0]
        heard = [entry for entry in server.net_connections("inet") if entry.status == psutil.CONN_LISTEN]
        assert {entry.laddr.ip for entry in heard} == {"127.0.0.1"}
        token = re.search(r"token=([0-9a-f]{48})", (tmp_path / "log").read_text())
        assert token, (tmp_path / "log").read_text()
        assert token[1] not in " ".join(server.cmdline())
        for given in ("", "?token=", "?token=x"):
            assert requested(port, f"/api/contents{given}") == 403
            assert requested(port, f"/api/kernels{given}", method="POST") == 403
        elsewhere = {"Origin": "http://evil.example"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{port}/api/me", headers=elsewhere)
            )
        with refused.value as answer:
            assert answer.headers.get("Access-Control-Allow-Origin") is None
        assert requested(port, "/api/contents", headers={"Host": "evil.example"}) == 403
        with_token = {"Authorization": f"token {token[1]}"}
        assert requested(port, "/api/contents", headers=with_token) == 200
        assert requested(port, "/api/kernels", method="POST", headers=with_token) == 201
        printed = printed_by_a_kernel(
            tmp_path,
            "import json, msgspec, incident_lib, os, psutil\n"
            "print(os.getcwd(), 'incident_lib.run.forking' in psutil.Process().parent().cmdline())",
        )
        assert printed.split() == [str(lab_folder), "True"]
        assert executed(marker) == []
        lab.send_signal(signal.SIGINT)
        assert lab.wait(SECONDS) == 0
        assert not server.is_running()
        assert (case.folder.path / "lab" / "20_database.ipynb").exists()
        assert case.folder.verify() == []


@contextmanager
def ended(lab):
    """Let nothing of the lab go on where the test fails."""
    try:
        yield
    finally:
        if lab.poll() is None:
            lab.send_signal(signal.SIGINT)
            lab.wait(SECONDS)


def requested(port, path, *, method="GET", headers=None):
    """Return the status of an answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        headers=headers or {},
        method=method,
        data=BODY if method == "POST" else None,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def printed_by_a_kernel(folder, source):
    """Return what the kernel prints that runs `source`."""
    client = BlockingKernelClient(connection_file=str(next(folder.glob("kernel-*.json"))))
    client.load_connection_file()
    client.start_channels()
    try:
        ready, deadline = False, time.monotonic() + SECONDS
        while not ready and time.monotonic() < deadline:
            with suppress(RuntimeError):  # no heartbeat yet
                client.wait_for_ready(timeout=SECONDS)
                ready = True
        printed = []
        client.execute_interactive(source, timeout=SECONDS, output_hook=printed.append)
        return "".join(message["content"].get("text", "") for message in printed)
    finally:
        client.stop_channels()


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
