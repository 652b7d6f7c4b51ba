"""Whoever has few rights gets sentences: in folders of others, without a home, under any umask."""

import os
import shutil

import pytest

from incident_lib.cli import main
from tests import faults
from tests.ordinary_user import ordinary_user

SERVES = {"run"}  # its kernels are processes of their own, which cannot be this user here


@pytest.fixture
def typed(capsys):
    """Return what types a command, and returns its exit code and what it printed."""

    def type_line(*words):
        code = main([*words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return type_line


def words_of(name, incident):
    plans = dict.fromkeys(("restart", "rollback"), "0123456789abcdef")
    kept = {"old": incident, "closed": incident, **plans}
    return tuple(word.format(**kept) if word.startswith("{") else word for word in faults.COMMANDS[name][0])


def incident_in(place, typed):
    """Make an incident with a snapshot, and return its id."""
    place.mkdir()
    (place / "workbench.toml").write_text(faults.CONFIGURATION)
    os.chdir(place)
    assert typed("declare", "--title", "Checkout", "--severity", "sev3")[0] == 0
    assert typed("triage")[0] == 0
    return next(path.name for path in (place / "incidents").glob("2*"))


@pytest.mark.parametrize(("mode", "home"), [(0o700, ""), (0o755, "/nonexistent")])
def test_a_folder_of_another_user_costs_a_sentence(tmp_path, typed, monkeypatch, mode, home):
    place = tmp_path / "theirs"
    monkeypatch.chdir(tmp_path)
    incident = incident_in(place, typed)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    place.chmod(mode)
    if home:
        monkeypatch.setenv("HOME", home)
    else:
        monkeypatch.delenv("HOME", raising=False)
    with ordinary_user(tmp_path):
        for name in faults.COMMANDS.keys() - SERVES:
            code, _, said = typed(*words_of(name, incident))
            assert code in {0, 2}, (name, said)
            assert "Traceback" not in said, (name, said)
            assert "defect" not in said, (name, said)
            assert code == 0 or "incident: " in said, name
    place.chmod(0o700)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_an_ordinary_user_works_whatever_the_umask(tmp_path, typed, monkeypatch, umask):
    mine = tmp_path / "mine"
    mine.mkdir()
    mine.chmod(0o777)
    monkeypatch.chdir(mine)
    with ordinary_user(mine):
        before = os.umask(umask)
        try:
            assert typed("declare", "--title", "Checkout", "--severity", "sev3")[0] == 0
            assert typed("postmortem")[0] == 0
            assert typed("bundle", "--output", "b.zip")[0] == 0
            assert typed("verify")[0] == 0
        finally:
            os.umask(before)
    assert {path.stat().st_mode & 0o077 for path in mine.rglob("*")} == {0}


def test_a_group_that_one_is_not_in_is_said(tmp_path, typed, monkeypatch):
    (tmp_path / "workbench.toml").write_text('[workbench]\ngroup = "root"\n')
    monkeypatch.chdir(tmp_path)
    with ordinary_user(tmp_path):
        code, _, said = typed("declare", "--title", "Checkout", "--severity", "sev3")
    assert (code, "you are not in the group 'root'" in said) == (2, True)


def test_a_folder_that_was_removed_is_named(tmp_path, typed, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    shutil.rmtree(gone)
    code, _, said = typed("list")
    assert (code, "the current folder" in said) == (2, True)
    assert said.count("\n") == 1
