"""A file that a person saves while we renew it, over and over: a real process, in both ways editors save."""

import os
import subprocess
import sys

import pytest

from incident_lib.errors import UsageError
from incident_lib.reports.generated import block, document, merge
from incident_lib.response import files
from incident_lib.response.files import read_text, renew

# It writes a line of its own at each save, and goes on once all of its lines are there.
EDITOR = """\
import os, sys, time
from pathlib import Path
path, way, saves = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
while not path.exists():
    time.sleep(0.001)
for number in range(saves):
    until = time.monotonic() + 20
    while True:
        text = path.read_text()
        lost = [past for past in range(number) if f"line {past} of mine\\n" not in text]
        if not lost:
            break
        if time.monotonic() > until:
            sys.exit(f"save {number}: lost {lost}")
    text = f"line {number} of mine\\n" + text
    if way == "in place":
        with path.open("w") as file:
            for start in range(0, len(text), 100):
                file.write(text[start : start + 100])
                file.flush()
    else:
        other = path.with_suffix(".swp")
        other.write_text(text)
        other.replace(path)
    time.sleep(0.001 * (number % 4))
"""
SAVES = 200


def fresh(number):
    return document("# Post-mortem\n" + block("impact", f"{number} requests failed"))


@pytest.mark.parametrize("way", ["in place", "by renaming"])
def test_no_save_is_lost_while_the_file_is_renewed(tmp_path, way):
    path = tmp_path / "postmortem.md"
    command = [sys.executable, "-c", EDITOR, str(path), way, str(SAVES)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as editor:
        number = 0
        while editor.poll() is None:
            number += 1
            try:
                renew(path, lambda before: merge(before, fresh(number)))  # noqa: B023 - called now
            except UsageError:
                continue  # saved too often this time; nothing was touched
        assert editor.stderr.read() == ""
    renew(path, lambda before: merge(before, fresh("all")))
    text = path.read_text()
    assert [line for line in range(SAVES) if f"line {line} of mine\n" not in text] == []
    assert text.count("all requests failed") == 1
    assert number > 1
    assert {other.name for other in tmp_path.iterdir()} <= {path.name, "postmortem.swp"}


def test_a_file_with_marks_of_a_merge_is_left_alone(tmp_path):
    path = tmp_path / "postmortem.md"
    text = f"# Ours\n<<<<<<< HEAD\nwe\n=======\nthey\n>>>>>>> theirs\n{fresh(1)}"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"line 2: it contains merge conflict markers"):
        renew(path, lambda before: merge(before, fresh(2)))
    assert path.read_text() == text


@pytest.mark.parametrize("saved", ["<<<<<<< HEAD\nwe\n", b"\xff\xfe no text"])
def test_what_cannot_be_merged_and_was_saved_meanwhile_is_put_back(tmp_path, saved):
    path = tmp_path / "postmortem.md"
    path.write_text("# Mine\n")
    data = saved if isinstance(saved, bytes) else saved.encode()

    def change(before):
        path.write_bytes(data)
        return merge(before, fresh(1))

    with pytest.raises(UsageError):
        renew(path, change)
    assert path.read_bytes() == data
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("again", [False, True])
def test_a_save_that_was_replaced_by_a_process_that_died_that_moment_is_kept(tmp_path, again, caplog):
    path = tmp_path / "postmortem.md"
    old, new = b"# Old\n", fresh(1).encode()
    path.write_bytes(b"# Saved again\n" if again else new)
    left = tmp_path / f".postmortem.md.{files._short(old)}-{files._short(new)}.abcdefgh.kept"
    left.write_text("# Saved that moment\n")
    os.utime(left, (0, 0))
    renew(path, lambda before: merge(before, fresh(2)))
    assert ("# Saved again" if again else "# Saved that moment") in path.read_text()
    kept = [other for other in tmp_path.iterdir() if other != path]
    assert [other.read_text() for other in kept] == (["# Saved that moment\n"] if again else [])
    assert bool(caplog.records) is again


def test_a_file_that_appears_while_the_first_is_written_is_merged(tmp_path):
    path = tmp_path / "postmortem.md"

    def change(before):
        if not before:
            path.write_text("# Mine, this moment\n")
        return merge(before, fresh(1))

    assert renew(path, change).before == "# Mine, this moment\n"
    assert path.read_text().startswith("# Mine, this moment\n")
    assert "1 requests failed" in read_text(path)


def test_a_file_is_renewed_where_names_cannot_change_places(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_renameat2", lambda: None)
    path = tmp_path / "postmortem.md"
    path.write_text("# Mine\n")
    saved = []

    def change(before):
        if not saved:
            saved.append(path.write_text("# Mine, this moment\n"))
        return merge(before, fresh(1))

    renew(path, change)
    assert path.read_text().startswith("# Mine, this moment\n")
    assert "1 requests failed" in path.read_text()
