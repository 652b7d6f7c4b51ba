"""Notebook 50 in a real kernel: from top to bottom it changes nothing; a typed id carries out that plan."""

import asyncio
import re
from pathlib import Path

import nbformat
import pytest

from incident_lib import clock, config
from incident_lib.cli import main
from incident_lib.investigation.snapshot import Watch, take_snapshot
from incident_lib.model.run import ExecutionStatus
from incident_lib.redact import Redactor
from incident_lib.resources import resource
from incident_lib.run import execution, parameters
from tests.integration.remediation_case import declared, phases

CONFIG = """\
[[service]]
name = "worker"
kind = "process"
pid_file = "worker.pid"
log = "worker.log"
restart = ["sh", "-c", "echo $$ > worker.pid; exec sleep 1"]

[[service]]
name = "cache"
kind = "redis"
url = "redis://127.0.0.1:1"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "workbench.toml").write_text(CONFIG)
    (tmp_path / "worker.log").write_text("line\n" * 1000)
    settings = config.load(tmp_path / "workbench.toml")
    made = declared(settings)
    take_snapshot(settings, made.path / "snapshots", "15m", Watch(), deadline_seconds=8, folder=made)
    return made


def executed(folder, **typed):
    """Return the notebook and its record, run with what was typed into its cells."""
    notebook = nbformat.read(resource("notebooks", "50_mitigation.ipynb"), as_version=4)
    for cell in notebook.cells:
        for name, value in typed.items():
            cell.source = re.sub(rf'^{name} = ""', f'{name} = "{value}"', cell.source, flags=re.MULTILINE)
    chosen = {
        "incident": str(folder.path),
        "snapshot": "latest",
        "config": str(folder.path.parents[1] / "workbench.toml"),
    }
    notebook = parameters.inject(notebook, chosen)
    job = execution.Job(
        name="50_mitigation", notebook=notebook, deadline=clock.monotonic() + 60, redactor=Redactor()
    )
    record = asyncio.run(execution.execute(job))
    return notebook, record


def shown(notebook, name):
    cell = next(cell for cell in notebook.cells if cell.id == name)
    return "".join(str(output.get("data", "")) for output in cell.outputs)


def test_from_top_to_bottom_it_changes_nothing(folder):
    notebook, record = executed(folder)
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert "No action is chosen" in shown(notebook, "plan")
    assert "nothing was changed" in shown(notebook, "approval")
    assert "postgres.terminate" in shown(notebook, "actions")
    assert phases(folder) == []


def test_a_typed_id_carries_out_that_plan_once(folder):
    log = folder.path.parents[1] / "worker.log"
    chosen = {"action": "log.rotate", "target": "worker"}
    notebook, record = executed(folder, **chosen)
    assert record.status is ExecutionStatus.COMPLETED, record.error
    plan = re.search(r"Plan ([0-9a-f]{16})", shown(notebook, "plan"))[1]
    assert log.stat().st_size == 5000
    notebook, record = executed(folder, **chosen, approval=plan)
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert "Done and verified" in shown(notebook, "approval")
    assert log.stat().st_size == 0
    log.write_text("more\n")
    notebook, record = executed(folder, approval=plan)
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert "already used" in shown(notebook, "approval")
    assert log.read_text() == "more\n"
    assert "ended" in shown(notebook, "journal")


def test_a_target_that_is_down_is_an_answer_and_no_stack_trace(folder):
    chosen = {"action": "redis.delete_keys", "target": "cache", "arguments": "pattern=cache:*"}
    notebook, record = executed(folder, **chosen, approval="0123456789abcdef")
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert "refused the connection" in shown(notebook, "plan")
    assert "has no plan" in shown(notebook, "approval")
    assert phases(folder) == []


def test_it_never_runs_in_a_batch(folder, capsys):
    settings = Path(folder.path.parents[1] / "workbench.toml")
    assert main(["run", str(folder.path), "--notebook", "50_mitigation", "--config", str(settings)]) == 2
    assert "50_mitigation never runs in a batch" in capsys.readouterr().err
    assert phases(folder) == []
