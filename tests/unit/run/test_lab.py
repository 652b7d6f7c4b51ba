"""Notebooks for JupyterLab: preset, renewed, and never taken from a person who changed one."""

import json

import nbformat

from incident_lib.run.lab import prepare_lab, preset
from tests.notebooks.made import notebook

VALUES = {"incident": "/srv/in cidents/x", "config": '/a"b'}


def source(path):
    return nbformat.read(path, as_version=4).cells[1].source


def test_parameters_are_set_and_keep_type_and_help():
    made = preset(notebook("x"), VALUES).cells[1].source.splitlines()
    assert made[0] == 'incident: str = "/srv/in cidents/x"  # id or path'
    assert made[2] == 'config: str = "/a\\"b"  # file'


def test_every_notebook_is_there_and_ready(tmp_path):
    directory, kept = prepare_lab(tmp_path, VALUES)
    assert kept == ()
    assert '"/srv/in cidents/x"' in source(directory / "00_triage.ipynb")
    assert len(list(directory.glob("*.ipynb"))) >= 8


def test_running_one_keeps_its_outputs_and_changing_one_keeps_the_change(tmp_path):
    directory, _ = prepare_lab(tmp_path, VALUES)
    ran, changed = directory / "00_triage.ipynb", directory / "20_database.ipynb"
    document = json.loads(ran.read_text())
    document["cells"][2]["execution_count"] = 7
    ran.write_text(json.dumps(document))
    document = json.loads(changed.read_text())
    document["cells"][-1]["source"] = "mine"
    changed.write_text(json.dumps(document))
    _, kept = prepare_lab(tmp_path, VALUES)
    assert kept == ("20_database",)
    assert nbformat.read(changed, as_version=4).cells[-1].source == "mine"
    assert nbformat.read(ran, as_version=4).cells[2].execution_count == 7


def test_other_parameters_renew_what_nobody_changed(tmp_path):
    directory, _ = prepare_lab(tmp_path, VALUES)
    _, kept = prepare_lab(tmp_path, {"incident": "/elsewhere"})
    assert kept == ()
    assert '"/elsewhere"' in source(directory / "30_redis.ipynb")
