"""Notebooks of people: those of a team, and what a person wrote in the lab of an incident."""

import asyncio
import json
from pathlib import Path

import nbformat
import pytest
from tornado.web import HTTPError

from incident_lib import config
from incident_lib.cli import main
from incident_lib.errors import UsageError
from incident_lib.run.batch import Batch, run_notebooks
from incident_lib.run.lab import LANDING, changed_in_lab, prepare_lab
from incident_lib.run.lab_files import LabFiles
from incident_lib.run.own import find_own, team_notebooks
from tests import check_notebooks
from tests.notebooks import sample

TOKEN = "glpat-" + "Ab3dEf6hIj9kLm2nOp5q"


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("")
    return tmp_path


def change(path: Path, source: str, **output: str) -> None:
    document = json.loads(path.read_text())
    document["cells"][-1] |= {"source": source}
    if output:
        document["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", **output}]
    path.write_text(json.dumps(document))


def test_the_templates_are_as_notebooks_should_be():
    for path in (check_notebooks.NOTEBOOKS.parent / "templates" / "notebooks").glob("*.ipynb"):
        assert not [each for each in check_notebooks.problems(path) if "kernel" not in each], path


def test_a_new_notebook_is_found_by_run_and_by_lab(place, capsys):
    assert main(["new-notebook", "90_our_queue"]) == 0
    path = place / "notebooks" / "90_our_queue.ipynb"
    assert str(path) in capsys.readouterr().out
    assert nbformat.read(path, as_version=4).cells[0].source.startswith("# Our queue")
    settings = config.load(place / "workbench.toml")
    assert team_notebooks(settings) == (path,)
    assert find_own(settings, "our_queue") == find_own(settings, str(path)) == path
    directory, _ = prepare_lab(place / "incident", {"incident": "/x"}, team_notebooks(settings))
    assert {LANDING, "00_triage.ipynb", "90_our_queue.ipynb"} <= {each.name for each in directory.iterdir()}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "not a valid"),
        ("20_database", "built-in"),
        ("database", "built-in"),
        ("90_twice", "already exists"),
    ],
)
def test_a_name_that_cannot_be_is_refused(place, name, why, capsys):
    main(["new-notebook", "90_twice"])
    assert main(["new-notebook", name]) == 2
    assert why in capsys.readouterr().err


def test_a_mistyped_notebook_names_the_nearest(place, capsys):
    main(["new-notebook", "90_our_queue"])
    assert main(["run", "--notebook", "90_our_quuee"]) == 2
    assert "did you mean `90_our_queue`" in capsys.readouterr().err


def test_no_code_of_a_foreign_incident_is_executed(place):
    case = sample.made(place, "Checkout")
    path = place / "incidents" / case.folder.id / "attachments" / "mine.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    settings = config.load(place / "workbench.toml")
    assert find_own(settings, str(path)) == path.resolve()
    (case.folder.path / "bundle.json").write_text("{}")
    with pytest.raises(UsageError, match="never executed"):
        find_own(settings, str(path))


def test_what_a_person_wrote_in_the_lab_becomes_a_page_of_the_run_as_it_stands(place):
    case = sample.made(place, "Checkout")
    directory, _ = prepare_lab(case.folder.path, {"incident": str(case.folder.path)})
    assert changed_in_lab(case.folder.path) == ()
    change(directory / LANDING, f"case.frame('postgres.activity')  # {TOKEN}", text=f"seen by Kim {TOKEN}")
    (directory / "Untitled.ipynb").write_text("no notebook")
    kept = changed_in_lab(case.folder.path)
    assert [path.name for path in kept] == [LANDING, "Untitled.ipynb"]
    run = case.folder.new_run()
    run_notebooks(Batch(case=case, directory=run, notebooks=(), parameters={}, kept=kept))
    page = (run / "html" / "00_start_here_in_the_lab.html").read_text()
    assert "seen by Kim" in page
    assert TOKEN not in page + (run / "notebooks" / "00_start_here_in_the_lab.ipynb").read_text()
    assert "is not a notebook" in (run / "html" / "Untitled_in_the_lab.html").read_text()
    assert TOKEN in (directory / LANDING).read_text(), "the person's own file stays as it is"


def test_in_jupyterlab_only_the_lab_can_be_changed(place):
    case = sample.made(place, "Checkout")
    prepare_lab(case.folder.path, {"incident": str(case.folder.path)})
    files = LabFiles(root_dir=str(case.folder.path))
    text = {"type": "file", "format": "text", "content": "x"}
    asyncio.run(files.save(text, "lab/mine.txt"))
    assert (case.folder.path / "lab" / "mine.txt").read_text() == "x"
    sealed = f"snapshots/{case.snapshot}/findings.json"
    for change in (files.save(text, sealed), files.delete_file(sealed), files.rename_file(sealed, "lab/x")):
        with pytest.raises(HTTPError, match="part of the incident's record"):
            asyncio.run(change)
    assert case.folder.verify() == []
