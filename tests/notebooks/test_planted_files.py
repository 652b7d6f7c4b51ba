"""Somebody else's files next to a notebook: nothing imports them, whatever they are called."""

import subprocess
import sys

from incident_lib import clock
from incident_lib.model.run import ExecutionStatus
from incident_lib.redact import Redactor
from incident_lib.run import execution
from incident_lib.run.loop import drive
from tests.notebooks.made import notebook
from tests.notebooks.planted import executed, plant


def test_the_planted_files_run_where_nothing_prevents_it(tmp_path):
    marker = tmp_path / "marker"
    plant(tmp_path, marker)
    subprocess.run([sys.executable, "-m", "ipykernel_launcher", "--help"], cwd=tmp_path, check=False)
    assert "ipykernel_launcher" in executed(marker)


def test_a_kernel_imports_nothing_of_the_folder_it_runs_in(tmp_path):
    marker = tmp_path / "marker"
    plant(tmp_path, marker)
    cells = notebook("import json, msgspec, multiprocessing", "import incident_lib, os; print(os.getcwd())")
    job = execution.Job(
        name="a",
        notebook=cells,
        deadline=clock.monotonic() + 120,
        redactor=Redactor(),
        directory=tmp_path,
    )
    record = drive(execution.execute(job))
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert cells.cells[-1].outputs[0].text.strip() == str(tmp_path)
    assert executed(marker) == []
