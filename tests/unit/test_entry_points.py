"""What installed packages name: found where it is, and nothing is parsed where there is none."""

import sys
import zipfile
from pathlib import Path

import pytest

from incident_lib.resources import entry_points

_TEXT = "[shop.parts]\nlater = shop:LATER\nfirst = shop:FIRST\n"


def _package(place: Path, kind: str = "dist-info") -> Path:
    about = place / f"shop-1.0.{kind}"
    about.mkdir(parents=True)
    name = "METADATA" if kind == "dist-info" else "PKG-INFO"
    (about / name).write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_TEXT)
    return place


def _names() -> list[str]:
    return [point.name for point in entry_points("shop.parts")]


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_entry_points_of_a_package_come_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert _names() == []
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "missing"), str(_package(tmp_path, kind))])
    assert _names() == ["first", "later"]


def test_entry_points_in_the_folder_that_one_is_in_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(_package(tmp_path))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert _names() == ["first", "later"]


def test_entry_points_in_an_archive_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "shop.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shop-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
        file.writestr("shop-1.0.dist-info/entry_points.txt", _TEXT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(archive)])
    assert _names() == ["first", "later"]
