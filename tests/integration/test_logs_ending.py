"""How log files end: what is appended while a file is watched, and what it held last before the window."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from incident_lib import clock
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, Finding, FindingSeverity, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.probes.file import FileLog
from incident_lib.technologies.logs.probes.reader import Reading
from incident_lib.technologies.logs.rows import LogGrowth, LogSummary, LogTail
from tests.integration.test_logs_files import collect, window

FAILED = 'INFO:     10.1.0.9:40112 - "POST /book HTTP/1.1" 500 Internal Server Error\n'
SERVED = 'INFO:     10.1.0.9:40112 - "GET /rooms HTTP/1.1" 200 OK\n'


def findings(evidence: Evidence, during: Window) -> dict[str, Finding]:
    found = ANALYZERS["logs.lines"](evidence, Context(window=during))
    return {finding.id.removeprefix("logs.lines."): finding for finding in found}


@pytest.mark.parametrize(
    ("appended", "severity"),
    [(FAILED, FindingSeverity.CRITICAL), (SERVED, FindingSeverity.UNKNOWN), ("", FindingSeverity.UNKNOWN)],
)
def test_what_is_appended_to_a_file_without_times_is_of_now(
    tmp_path: Path, appended: str, severity: FindingSeverity
) -> None:
    path = tmp_path / "rooms.log"
    path.write_text((SERVED + FAILED) * 30)
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.05):
            with path.open("a") as log:
                log.write(appended)

    writer = threading.Thread(target=write)
    writer.start()
    during = window()
    evidence = collect(path, during)
    done.set()
    writer.join()
    (grown,) = evidence.of(LogGrowth)
    assert bool(grown.requests_count) == bool(appended)
    assert findings(evidence, during)["errors"].severity is severity


def test_a_file_that_took_long_to_read_is_watched_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rooms.log"
    path.write_text(SERVED * 30)
    count, done = FileLog.count, threading.Event()

    def slowly(self: FileLog, during: Window) -> tuple[Reading, bool]:
        time.sleep(1.5)  # as on a machine that is busy
        return count(self, during)

    def write() -> None:
        while not done.wait(0.05):
            with path.open("a") as log:
                log.write(FAILED)

    monkeypatch.setattr(FileLog, "count", slowly)
    writer = threading.Thread(target=write)
    writer.start()
    evidence = collect(path, window())
    done.set()
    writer.join()
    (grown,) = evidence.of(LogGrowth)
    assert grown.server_errors_count > 3
    assert grown.seconds >= 1.0


def test_a_file_with_times_is_not_watched(tmp_path: Path) -> None:
    path = tmp_path / "rooms.log"
    path.write_text("".join(f"{clock.now().isoformat()} INFO rooms: booked {n}\n" for n in range(50)))
    evidence = collect(path)
    assert evidence.of(LogGrowth) == ()
    assert evidence.of(LogSummary)[0].modified_at is not None


def test_a_file_that_was_written_long_ago_is_not_watched(tmp_path: Path) -> None:
    path = tmp_path / "rooms.log"
    path.write_text(SERVED * 30)
    os.utime(path, (time.time() - 300,) * 2)
    assert collect(path).of(LogGrowth) == ()


@pytest.mark.parametrize(
    ("last", "error"),
    [
        ("FATAL rooms: the licence has expired", "rooms: the licence has expired"),
        ("ERROR rooms: no such table: booking", "rooms: no such table: booking"),
        ("INFO rooms: bye", ""),
    ],
)
def test_a_server_that_stopped_before_the_window_is_judged_by_its_last_lines(
    tmp_path: Path, last: str, error: str
) -> None:
    path = tmp_path / "rooms.log"
    hours_ago = clock.now() - timedelta(hours=3)
    path.write_text(f"{hours_ago.isoformat()} INFO rooms: started\n{hours_ago.isoformat()} {last}\n")
    os.utime(path, (hours_ago.timestamp(),) * 2)
    during = window()
    evidence = collect(path, during)
    assert evidence.of(LogTail)[0].error == error
    found = findings(evidence, during)
    assert "it was last written 3h 0m ago" in found["empty"].detail
    assert ("last" in found) == bool(error)


@pytest.mark.parametrize("hours", [1, 5, -2])
def test_a_file_that_is_written_now_with_times_of_long_ago_is_unknown(tmp_path: Path, hours: int) -> None:
    path = tmp_path / "rooms.log"
    away = clock.now() - timedelta(hours=hours, minutes=4)
    path.write_text("".join(f"{away.isoformat()} INFO rooms: booked {n}\n" for n in range(30)))
    during = window()
    assert findings(collect(path, during), during)["unknown"].severity is FindingSeverity.UNKNOWN


def test_an_empty_file_has_no_last_line(tmp_path: Path) -> None:
    path = tmp_path / "rooms.log"
    path.touch()
    assert not collect(path).of(LogTail)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 60, 3000])
def test_a_log_in_utf_16_is_read(tmp_path: Path, encoding: str, size: int) -> None:
    path = tmp_path / "rooms.log"
    now = clock.now()
    text = "".join(f"{now.isoformat()} ERROR rooms: {n} is taken\r\n" for n in range(size))
    path.write_bytes(("" if encoding == "utf-16" else "\ufeff").encode("utf-16-be") + text.encode(encoding))
    evidence = collect(path)
    (row,) = evidence.of(LogSummary)
    assert (row.lines_count, row.errors_count, row.read_lines_count) == (size, size, size)
    assert evidence.of(LogTail)[0].error == f"rooms: {size - 1} is taken"
