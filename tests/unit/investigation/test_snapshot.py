"""Looking when nothing can be kept. One dependency is asked that refuses at once."""

import json

import pytest

from incident_lib import config
from incident_lib.cli import main
from incident_lib.errors import FolderError, UsageError
from incident_lib.investigation import snapshot
from incident_lib.investigation.collect import Watch

REFUSING = '[[dependency]]\nname = "vendor"\nurl = "tcp://127.0.0.1:1"\n'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text(REFUSING)
    return tmp_path


@pytest.mark.parametrize("since", ["0m", "now", "2999-01-01"])
def test_a_window_that_would_be_empty_is_wrong_usage(since):
    with pytest.raises(UsageError, match="not in the past"):
        snapshot.window_since(since)


def test_what_cannot_be_kept_is_looked_at_all_the_same(here, capsys):
    assert main(["declare", "--title", "Full", "--severity", "sev2"]) == 0
    (folder,) = (path.parent for path in (here / "incidents").glob("*/events"))
    (folder / "snapshots").write_text("in the way")
    assert main(["triage"]) == 0
    out = capsys.readouterr().out
    assert "CRITICAL vendor" in out
    assert "The snapshot is not kept: cannot write" in out


def test_a_place_that_cannot_be_read_is_no_reason_not_to_look(here, capsys):
    (here / "incidents").symlink_to("incidents")  # who reads it gets an error that is not that it is missing
    assert main(["triage", "--save"]) == 0
    out = capsys.readouterr().out
    assert "CRITICAL vendor" in out
    assert "The snapshot is not kept: " in out
    assert main(["triage", "--save", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["findings"]
    assert "The snapshot is not kept: " in err


@pytest.mark.parametrize(
    ("folders", "least", "chosen"),
    [
        (("disk", "memory"), 0, "memory"),
        (("disk", "memory"), 1 << 60, "disk"),
        (("none", "memory"), 1 << 60, "memory"),
        (("disk", "none"), 0, "disk"),
    ],
    ids=["memory has room", "memory is nearly full", "and the disk cannot be written", "there is no memory"],
)
def test_what_is_not_saved_is_in_memory_or_on_the_disk(here, monkeypatch, folders, least, chosen):
    (here / "disk").mkdir()
    (here / "memory").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(here / folders[0]))
    monkeypatch.setattr(snapshot, "_MEMORY", here / folders[1])
    monkeypatch.setattr(snapshot, "_MEMORY_BYTES", least)
    with snapshot.unsaved_snapshot(config.load(None), "15m", Watch()) as case:
        assert case.path.is_relative_to(here / chosen)
        assert case.evidence
        assert not [attached for evidence in case.evidence for attached in evidence.attachments]
        assert not (case.path / "logs").exists()
    assert not case.path.exists()


def test_where_nothing_can_be_written_that_is_told(here, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(here / "none"))
    monkeypatch.setattr(snapshot, "_MEMORY", here / "none")
    with (
        pytest.raises(FolderError, match="a temporary folder"),
        snapshot.unsaved_snapshot(config.load(None), "15m", Watch()),
    ):
        pass


def test_a_snapshot_that_cannot_be_sealed_leaves_nothing(here):
    def fill(_probes):
        next((here / "snapshots").iterdir()).joinpath("findings.json").mkdir()

    with pytest.raises(FolderError, match=r"findings\.json"):
        snapshot.take_snapshot(config.load(None), here / "snapshots", "15m", Watch(begun=fill))
    assert list((here / "snapshots").iterdir()) == []
