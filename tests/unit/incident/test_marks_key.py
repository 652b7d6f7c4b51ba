import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from incident_lib.incident.marks_key import NAME, FolderMarks, load_key, make_key
from incident_lib.redact.marks import Marks


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path):
    key, problem = make_key(tmp_path)
    assert problem == ""
    assert key
    assert len(key) == 32
    assert make_key(tmp_path) == load_key(tmp_path) == (key, "")
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_git_does_not_see_the_key_and_keeps_what_it_ignored(tmp_path: Path):
    (tmp_path / ".gitignore").write_text("*.swp\n/drafts")
    make_key(tmp_path)
    (tmp_path / NAME).unlink()
    make_key(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == f"*.swp\n/drafts\n/{NAME}*\n"


def test_processes_that_come_at_once_have_the_same_key(tmp_path: Path):
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ProcessPoolExecutor(2) as pool:
            keys = set(pool.map(make_key, [folder] * 6))
        assert keys == {load_key(folder)}
        assert {path.name for path in folder.iterdir()} == {NAME, ".gitignore"}


def test_without_hard_links_there_is_one_key_too(tmp_path: Path, monkeypatch):
    def refuse(*_paths: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    first = make_key(tmp_path)
    assert first[0]
    assert make_key(tmp_path) == first


@pytest.mark.parametrize("damage", [b"", b"abc", b"x" * 64, b"0" * 63, b"0" * 65, b"\xff" * 64])
def test_a_damaged_key_is_reported_and_left(tmp_path: Path, damage: bytes):
    (tmp_path / NAME).write_bytes(damage)
    key, problem = make_key(tmp_path)
    assert key is None
    assert NAME in problem
    assert (tmp_path / NAME).read_bytes() == damage


def test_what_is_no_file_is_not_read(tmp_path: Path):
    (tmp_path / "elsewhere").write_bytes(b"0" * 64)
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    assert make_key(tmp_path)[0] is None
    (tmp_path / NAME).unlink()
    os.mkfifo(tmp_path / NAME)
    assert make_key(tmp_path)[0] is None
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    assert make_key(tmp_path)[0] is None


def test_where_git_could_take_it_there_is_no_key(tmp_path: Path):
    (tmp_path / ".gitignore").symlink_to(tmp_path / "elsewhere")
    assert make_key(tmp_path) == (None, "")
    assert not (tmp_path / NAME).exists()
    assert not (tmp_path / "elsewhere").exists()


def test_the_key_is_made_for_the_first_secret_and_not_before(tmp_path: Path):
    reported: list[str] = []
    marks = FolderMarks(tmp_path / "incidents", reported.append)
    assert marks.mark("hunter2") == "[secret]"
    assert not (tmp_path / "incidents").exists()
    begun = FolderMarks(tmp_path / "incidents", reported.append, begin=True)
    assert not begun.is_ours("[secret:00000000]")
    assert not (tmp_path / "incidents").exists()
    mark = begun.mark("hunter2")
    assert Marks.pattern.fullmatch(mark)
    assert marks.mark("hunter2") == mark
    assert marks.is_ours(mark)
    assert pickle.loads(pickle.dumps(marks)).mark("hunter2") == mark
    assert not reported


def test_a_damaged_key_is_reported_by_those_who_need_it(tmp_path: Path):
    (tmp_path / NAME).write_bytes(b"no key")
    reported: list[str] = []
    assert FolderMarks(tmp_path, reported.append).mark("hunter2") == "[secret]"
    assert "64 hexadecimal digits" in reported[0]
