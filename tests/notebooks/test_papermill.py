"""papermill itself, as a user types it: with its own engine and with ours."""

import subprocess
import sys

import nbformat
import pytest

from incident_lib.resources import resource
from tests.notebooks.made import notebook, save

SHIPPED = resource("notebooks", "20_database.ipynb")


def papermill(*arguments):
    command = [sys.executable, "-m", "papermill", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("options", "is_forked"),
    [((), True), (("-k", "python3"), False), (("--engine", "incident"), True)],
    ids=["the kernel of shipped notebooks", "another kernel", "our engine"],
)
def test_a_parameter_arrives(tmp_path, options, is_forked):
    made = notebook(
        "import psutil", "'incident_lib.run.forking' in psutil.Process().parent().cmdline(), incident"
    )
    made.metadata["kernelspec"] = nbformat.read(SHIPPED, as_version=4).metadata["kernelspec"]
    source = save(made, tmp_path / "in.ipynb")
    done = papermill(source, tmp_path / "out.ipynb", "-p", "incident", "2026-01-15-x", *options)
    assert done.returncode == 0, done.stderr
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert made.cells[-1].outputs[0].data["text/plain"] == f"({is_forked}, '2026-01-15-x')"


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    source = save(notebook(f"open({str(tmp_path / 'ran')!r}, 'w')"), tmp_path / "in.ipynb")
    done = papermill(source, tmp_path / "out.ipynb", "-p", "incidnt", "x", "--engine", "incident")
    assert done.returncode != 0
    assert "did you mean 'incident'?" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert (tmp_path / "out.ipynb").exists()


def test_a_dead_kernel_leaves_no_cell_that_says_completed(tmp_path):
    source = save(notebook("import os; os._exit(1)", "'never'"), tmp_path / "in.ipynb")
    done = papermill(source, tmp_path / "out.ipynb", "--engine", "incident")
    assert done.returncode != 0
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    found = [cell.metadata.papermill.status for cell in made.cells if cell.cell_type == "code"]
    assert found == ["completed", "failed", "pending"]
