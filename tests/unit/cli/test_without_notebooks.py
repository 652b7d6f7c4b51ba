"""Commands where the packages for notebooks are not installed; those that need them name what to install."""

import json
import subprocess
import sys

import pytest

from incident_lib.run.installed import LAB

# What the extra `notebooks` of incident-workbench-core brings, and what comes with it.
ABSENT = (
    *LAB,
    "papermill",
    "matplotlib",
    "jupyter_client",
    "jupyter_core",
    "jupyter_server",
    "IPython",
    "traitlets",
)
RUN = """
import json, sys
for name in json.loads(sys.argv[1]):
    sys.modules[name] = None  # the documented way to make an import fail
from incident_lib.cli import main
codes = [main(words) for words in json.loads(sys.argv[2])]
print("CODES", json.dumps(codes))
"""
REFUSING = '[[dependency]]\nname = "vendor"\nurl = "tcp://127.0.0.1:1"\n'


def test_a_machine_that_only_collects_needs_no_packages_for_notebooks(tmp_path):
    (tmp_path / "workbench.toml").write_text(REFUSING)
    (tmp_path / "app.log").write_text("2026-01-15T14:31:00Z ERROR payment failed\n")
    does = [
        ["triage"],
        ["declare", "--title", "Vendor refuses", "--severity", "SEV2"],
        ["note", "the vendor is informed"],
        ["run", "--no-notebooks"],
        ["show"],
        ["logs", "app.log"],
        ["health", "--timeout", "1"],
        ["verify"],
    ]
    needs_more = [["run"], ["lab", "--no-browser"], ["run", "--no-notebooks", "--notebook", "20"]]
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, json.dumps(ABSENT), json.dumps(does + needs_more)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    codes = json.loads(done.stdout.rpartition("CODES ")[2] or "[]")
    assert codes == [0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 2], done.stdout + done.stderr  # the vendor is unhealthy
    (index,) = tmp_path.glob("incidents/*/runs/*/html/index.html")
    assert "vendor" in index.read_text()
    home = next(tmp_path.glob("incidents/*/index.html"))
    assert f"\nHome:       {home.as_uri()}\nStart here: {index.as_uri()}\n" in done.stdout
    (run,) = tmp_path.glob("incidents/*/runs/*/run.json")
    assert json.loads(run.read_text())["status"] == "done"
    to_run, to_open, _ = (line for line in done.stderr.splitlines() if line.startswith("incident: "))
    assert "`incident run` needs packages for notebooks" in to_run
    assert "ipykernel, nbclient, nbconvert, nbformat, pandas" in to_run
    assert "pip install 'incident-workbench" in to_run
    assert "--no-notebooks" in to_run
    assert "`incident lab` needs" in to_open
    assert "jupyterlab" in to_open


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        (
            "triage",
            ("jinja2", "asyncio", "psycopg", "redis", "httpx", "docker", "psutil", "dns", "incident_lib.run"),
        ),
        ("declare", ("jinja2", "asyncio", "rich", "ssl", "incident_lib.run", "incident_lib.remediation")),
        (
            "lifecycle",
            (
                "jinja2",
                "asyncio",
                "psycopg",
                "redis",
                "psutil",
                "incident_lib.correlation",
                "incident_lib.remediation",
                "incident_lib.run",
                "incident_lib.technologies.logs",
            ),
        ),
        (
            "show",
            ("jinja2", "asyncio", "psycopg", "redis", "httpx", "docker", "psutil", "dns", "incident_lib.run"),
        ),
        (
            "health",
            (
                "jinja2",
                "asyncio",
                "rich",
                "psycopg",
                "redis",
                "docker",
                "incident_lib.history",
                "incident_lib.run",
            ),
        ),
    ],
)
def test_a_command_imports_what_it_uses(command, spared):
    code = f"import sys, incident_lib.cli.{command}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "incident_lib.config" in imported
    assert [name for name in (*spared, *ABSENT, "numpy", "cryptography") if name in imported] == []
