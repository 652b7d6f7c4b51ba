"""A disk that is full when people need to see most: a small file system of its own, really filled."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from incident_lib.cli import main
from tests import services

REFUSING = '[[dependency]]\nname = "vendor"\nurl = "tcp://127.0.0.1:1"\n'


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Yield a small disk that holds a workbench and an incident; the temporary folder is on it too."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or not mount:
        services.missing("only root can mount a small file system")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=12m", "none", place], capture_output=True, text=True, check=False
    )
    if made.returncode:
        services.missing(f"no small file system can be mounted here: {made.stderr.strip()}")
    try:
        (place / "workbench.toml").write_text(REFUSING)
        monkeypatch.chdir(place)
        monkeypatch.setattr("tempfile.tempdir", str(place))
        assert main(["declare", "--title", "Disk full", "--severity", "sev2"]) == 0
        yield place
    finally:
        os.chdir(tmp_path)
        subprocess.run([shutil.which("umount") or "umount", "--lazy", place], check=True)


def fill(place: Path) -> None:
    with suppress(OSError), (place / "filling").open("wb", 0) as file:
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(place).free < 4096


def only_incident(place: Path) -> Path:
    return next((place / "incidents").glob("20*"))


def test_a_run_shows_its_findings_and_says_that_the_disk_is_full(disk, capsys):
    fill(disk)
    assert main(["run"]) == 3
    out = capsys.readouterr().out
    assert out.count("CRITICAL vendor") == 1  # and nobody was asked twice
    assert "Most likely" in out
    assert "The snapshot is not kept: cannot write" in out
    assert "the disk is full" in out
    assert list((only_incident(disk) / "snapshots").iterdir()) == []


def test_a_disk_that_fills_up_before_the_pages_costs_only_the_pages(disk, capsys):
    assert main(["triage"]) == 0
    fill(disk)
    capsys.readouterr()
    assert main(["run", "--snapshot", "latest"]) == 3
    out = capsys.readouterr().out
    assert "CRITICAL vendor" in out
    assert "the disk is full" in out
    assert "incident run --snapshot" in out
    (disk / "filling").unlink()
    capsys.readouterr()
    assert main(["verify"]) == 0, capsys.readouterr()
    assert main(["run", "--snapshot", "latest", "--notebook", "40"]) == 0


def test_a_watch_on_a_full_disk_ends_and_is_judged_all_the_same(disk, capsys):
    fill(disk)
    assert main(["run", "--watch", "1s", "--for", "2s"]) == 3
    out = capsys.readouterr().out
    assert "No more samples: cannot write" in out
    assert "CRITICAL vendor" in out


def test_a_full_temporary_folder_alone_costs_nothing(disk, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "workbench.toml").write_text(REFUSING)
    monkeypatch.chdir(elsewhere)
    fill(disk)
    assert main(["declare", "--title", "Room here", "--severity", "sev3"]) == 0
    assert main(["run", "--notebook", "40"]) == 0
