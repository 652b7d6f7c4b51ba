"""The notebooks that ship, in real kernels: with every target down, and on a stored snapshot."""

import socket

import nbformat
import pytest

from incident_lib import config
from incident_lib.incident.folder import Declaration, declare
from incident_lib.investigation.snapshot import open_investigation
from incident_lib.model import IncidentSeverity
from incident_lib.model.run import RunStatus
from incident_lib.redact import Redactor
from incident_lib.run.batch import Batch, run_notebooks
from tests import check_notebooks
from tests.notebooks import sample

NAMES = ("00_triage", "10_application", "20_database", "30_redis", "40_network", "60_postmortem")
DOWN = """
[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:{0}"
health = ["/health"]
pid_file = "backend.pid"
log = "backend.log"
depends_on = ["db", "cache"]

[[service]]
name = "db"
kind = "postgres"
dsn = "postgresql://app@127.0.0.1:{1}/shop"

[[service]]
name = "cache"
kind = "redis"
url = "redis://127.0.0.1:{2}"

[[service]]
name = "secret"
kind = "postgres"
dsn = "env:A_VARIABLE_THAT_IS_NOT_SET"

[[dependency]]
name = "payments"
url = "https://payments.invalid/health"
"""


def closed_ports(number):
    """Return ports that nobody listens on: taken and let go."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def outputs_of(directory, name):
    made = nbformat.read(directory / "notebooks" / f"{name}.ipynb", as_version=4)
    return [output for cell in made.cells if cell.cell_type == "code" for output in cell.outputs]


def test_with_everything_down_every_notebook_completes_and_says_so(tmp_path):
    path = tmp_path / "workbench.toml"
    path.write_text(DOWN.format(*closed_ports(3)))
    settings = config.load(path)
    declaration = Declaration(title="All is down", severity=IncidentSeverity.SEV1, started_at=sample.AT)
    folder = declare(settings.incidents, declaration, Redactor())
    case = open_investigation(str(folder.path), config=str(path))
    directory = folder.path / "runs" / "20260115T144503Z"
    parameters = {"incident": str(folder.path), "snapshot": "new", "since": "15m", "config": str(path)}
    record = run_notebooks(
        Batch(case=case, directory=directory, notebooks=NAMES, parameters=parameters, deadline_seconds=60)
    )
    assert record.status is RunStatus.DONE, [one.error for one in record.notebooks]
    for name in NAMES:
        kinds = {output.output_type for output in outputs_of(directory, name)}
        assert kinds == {"execute_result"}, name
    page = (directory / "html" / "20_database.html").read_text()
    assert "refused" in page
    assert "A_VARIABLE_THAT_IS_NOT_SET" in page


def test_a_stored_snapshot_is_enough(tmp_path):
    case = sample.made(tmp_path)
    directory = case.folder.path / "runs" / "20260115T144503Z"
    parameters = {"incident": str(case.folder.path), "snapshot": "latest"}
    record = run_notebooks(Batch(case=case, directory=directory, notebooks=NAMES, parameters=parameters))
    assert record.status is RunStatus.DONE, [one.error for one in record.notebooks]
    assert "7 sessions wait for one transaction" in (directory / "html" / "20_database.html").read_text()


def test_the_review_needs_no_snapshot(tmp_path):
    declaration = Declaration(title="All is down", severity=IncidentSeverity.SEV1, started_at=sample.AT)
    case = sample.made(tmp_path)
    folder = declare(tmp_path / "other", declaration, Redactor())
    directory = folder.path / "runs" / "20260115T144503Z"
    parameters = {"incident": str(folder.path), "snapshot": "latest"}
    batch = Batch(case=case, directory=directory, notebooks=("60_postmortem",), parameters=parameters)
    record = run_notebooks(batch)
    assert record.status is RunStatus.DONE, [one.error for one in record.notebooks]
    page = (directory / "html" / "60_postmortem.html").read_text()
    assert "No snapshot was taken" in page
    assert "Not written yet" in page


@pytest.mark.parametrize(
    "path", sorted(check_notebooks.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_notebook_is_as_notebooks_should_be(path):
    assert list(check_notebooks.problems(path)) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def f():\n    pass", "logic"),
        ("for x in y:\n    x", "logic"),
        ("print(1)", "calls print"),
        ("q = 'SELECT 1'", "SQL"),
        ("!ls", "shell"),
        ("import os", "imports"),
        ("\n".join("abcdef"), "6 lines"),
    ],
)
def test_what_does_not_belong_in_a_cell_is_found(tmp_path, source, problem):
    made = nbformat.read(check_notebooks.NOTEBOOKS / "00_triage.ipynb", as_version=4)
    made.cells[-1].source = source
    path = tmp_path / "made.ipynb"
    nbformat.write(made, path)
    assert any(problem in told for told in check_notebooks.problems(path))
