"""An incident from elsewhere on the command line: replayed, and never acted upon."""

import json
import zipfile

import pytest

from incident_lib.cli import main
from incident_lib.cli.lab import _adopt_lab
from incident_lib.errors import UsageError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.redact import Redactor
from tests.command import run


@pytest.fixture
def opened(tmp_path, monkeypatch, capsys):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for place in (theirs, ours):
        place.mkdir()
        (place / "workbench.toml").write_text("")
    monkeypatch.chdir(theirs)
    run("declare", "--title", "Checkout 503s", "--severity", "SEV2")
    (incident,) = (path for path in (theirs / "incidents").iterdir() if path.is_dir())
    assert run("bundle", "--output", str(tmp_path / "out.zip")) == 0
    monkeypatch.chdir(ours)
    assert run("open", str(tmp_path / "out.zip")) == 0
    capsys.readouterr()
    return ours / "incidents" / incident.name


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "--watch", "1s", "--for", "2s"),
        ("triage", "--save", "--incident"),
        ("mitigate", "service.restart", "db", "--incident"),
        ("mitigate", "service.restart", "db", "--yes", "0123456789abcdef", "--incident"),
    ],
)
def test_what_collects_or_acts_refuses_in_a_sentence(words, opened, capsys):
    before = sorted(opened.rglob("*"))
    assert main([*words, opened.name]) == 2
    error = capsys.readouterr().err
    assert "came from elsewhere: it can be replayed, but not collected into or changed" in error
    assert "Traceback" not in error
    assert sorted(opened.rglob("*")) == before


def test_it_is_shown_noted_and_verified(opened, capsys):
    assert main(["show", opened.name]) == 0
    assert main(["note", "--incident", opened.name, "read it"]) == 0
    assert main(["verify", opened.name]) == 0
    assert main(["list"]) == 0
    assert opened.name in capsys.readouterr().out


def test_its_configuration_is_not_read(opened, capsys, monkeypatch):
    marker = opened / "marker"
    text = f'[workbench]\nincidents = "elsewhere"\n[deploy]\ncommand = ["touch", "{marker}"]\n'
    (opened / "workbench.toml").write_text(text)
    assert main(["run", str(opened)]) == 2
    monkeypatch.chdir(opened)
    assert main(["list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["incidents"]
    assert found["incident"]["id"] == opened.name
    assert not marker.exists()


def test_what_open_leaves_out_is_reported(opened, tmp_path, capsys):
    path = tmp_path / "out.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert main(["open", str(path), "--to", str(tmp_path / "third"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["foreign"] is True
    assert document["not_taken"] == {}
    assert len(names) > 2


def test_notebooks_that_an_earlier_version_took_along_are_not_opened(opened):
    opened.joinpath("lab").mkdir()
    folder = IncidentFolder(opened, Redactor())
    _adopt_lab(folder)  # opened by this version: the folder is ours
    for event in (opened / "events").glob("*.json"):
        if b'"opened"' in event.read_bytes():
            event.unlink()
    with pytest.raises(UsageError, match="move it away"):
        _adopt_lab(IncidentFolder(opened, Redactor()))
    opened.joinpath("lab").rmdir()
    _adopt_lab(IncidentFolder(opened, Redactor()))
    opened.joinpath("lab").mkdir()
    _adopt_lab(IncidentFolder(opened, Redactor()))
