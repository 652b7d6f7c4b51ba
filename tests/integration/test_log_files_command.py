"""`incident logs PATH...` as it is typed: what is printed, exit codes, standard input, Ctrl-C."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from incident_lib.errors import UsageError
from incident_lib.technologies.logs.summary import MANY_BYTES
from tests.command import run
from tests.ordinary_user import ordinary_user

INCIDENT = [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())", "logs"]
START = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
_BLOCKS = 100  # of 1.2 MB: two processes need some seconds for them


def written(path: Path, count: int, *, start: datetime = START) -> Path:
    """Write a log in which every fourth request fails, for want of a connection."""
    with path.open("w") as log:
        for number in range(count):
            stamp = (start + timedelta(seconds=number)).isoformat()
            status = 502 if number % 4 == 0 else 200
            log.write(f'{stamp} INFO web - "GET /baskets/{number} HTTP/1.1" {status} 12.5ms\n')
            if status == 502:
                log.write(f"{stamp} ERROR web - token=t{number:08} [Errno 111] Connection refused\n")
    return path


def document(capsys, *words: str, code: int = 0) -> dict:
    assert run("logs", *words, "--json") == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without any workbench.toml


def test_a_log_is_summarized_without_configuration(tmp_path, capsys):
    written(tmp_path / "web.log", 400)
    assert run("logs", "web.log") == 0
    printed = capsys.readouterr().out
    assert "Read 1 file: 500 lines" in printed
    assert "100 of 400 requests failed" in printed
    assert "GET /baskets/{id}" in printed
    assert "t00000004" not in printed


def test_the_document_has_the_keys_of_a_service_and_more(tmp_path, capsys):
    written(tmp_path / "web.log", 400)
    found = document(capsys, "web.log")
    assert found["total_log_lines"] == 500
    assert found["requests_count"] == 400
    assert found["coverage"]["read_lines_count"] == 500
    assert found["findings"][0]["id"] == "logs.lines.errors"
    assert found["files"][0]["path"] == "web.log"
    assert {"by_minute", "endpoints", "error_classes", "exceptions", "events", "templates"} <= set(found)
    assert "t00000004" not in json.dumps(found)


def test_exit_codes(tmp_path, capsys):
    written(tmp_path / "web.log", 40)
    (tmp_path / "cut.log").write_bytes(gzip.compress((tmp_path / "web.log").read_bytes())[:-20])
    (tmp_path / "image").write_bytes(random.Random(1).randbytes(50_000))
    (tmp_path / "empty.log").touch()
    os.mkfifo(tmp_path / "pipe")
    codes = {
        ("web.log",): 0,
        ("empty.log",): 0,
        ("image",): 1,
        ("none.log",): 2,
        ("*.txt",): 2,
        ("pipe",): 2,
        (str(tmp_path),): 2,
        ("cut.log",): 3,
        ("web.log", "none.log"): 3,
        ("web.log", "image"): 3,
    }
    assert {words: run("logs", *words) for words in codes} == codes
    error = capsys.readouterr().err
    assert "none.log: there is no such file" in error
    assert "pipe is a pipe, no regular file" in error


def test_a_file_without_the_right_to_read_it(tmp_path, capsys):
    written(tmp_path / "web.log", 40)
    written(tmp_path / "closed.log", 40).chmod(0)
    (tmp_path / "inside").mkdir()
    written(tmp_path / "inside" / "web.log", 40)
    (tmp_path / "inside").chmod(0)
    assert (
        run("logs", "web.log", "--json") == 0
    )  # loads what that user may not, where root has the interpreter
    capsys.readouterr()
    with ordinary_user(tmp_path):
        assert run("logs", "closed.log") == 1
        assert run("logs", "inside/web.log") == 1
        assert run("logs", "inside/*.log") == 1
        assert capsys.readouterr().err.count("no right to read it") == 3
        found = document(capsys, "closed.log", "web.log", code=3)
    (closed, web) = sorted(found["files"], key=lambda file: file["path"])
    assert "no right to read it" in closed["problem"]
    assert (closed["complete"], web["complete"], found["requests_count"]) == (False, True, 40)


def test_flags_of_the_other_form_are_refused(tmp_path):
    written(tmp_path / "web.log", 4)
    with pytest.raises(UsageError, match="--filter"):
        run("logs", "web.log", "--filter", "x")
    with pytest.raises(UsageError, match="--service"):
        run("logs", "web.log", "--service", "web")
    with pytest.raises(UsageError, match="PATH"):
        run("logs")


def test_since_bounds_what_is_counted(tmp_path, capsys):
    now = datetime.now(UTC)
    written(tmp_path / "web.log", 400, start=now - timedelta(seconds=400))
    assert 50 < document(capsys, "web.log", "--since", "100s")["requests_count"] < 150
    assert document(capsys, "web.log", "--since", "all")["requests_count"] == 400


@pytest.mark.parametrize(("ago", "is_stale"), [(7_200, True), (0, False)])
def test_a_log_whose_newest_line_is_old_says_so(tmp_path, capsys, ago, is_stale):
    written(tmp_path / "web.log", 400, start=datetime.now(UTC) - timedelta(seconds=ago + 400))
    found = [each for each in document(capsys, "web.log")["findings"] if each["id"] == "logs.lines.stale"]
    assert len(found) == is_stale
    assert run("logs", "web.log") == 0
    assert ("newest line is 2h 0m old" in capsys.readouterr().out) == is_stale


@pytest.mark.parametrize("is_copied", [True, False])
def test_since_a_time_after_the_newest_line(tmp_path, capsys, is_copied):
    path = written(tmp_path / "web.log", 400, start=datetime.now(UTC) - timedelta(seconds=7_600))
    if not is_copied:
        os.utime(path, (time.time() - 7_200,) * 2)
    (finding,) = document(capsys, "web.log", "--since", "1h")["findings"]
    assert finding["id"] == "logs.lines.empty"
    assert 7_200 <= finding["data"]["age_seconds"] < 7_300
    assert run("logs", "web.log", "--since", "1h") == 0
    printed = capsys.readouterr().out
    assert "Nothing was logged in this window: the newest line is 2h 0m old" in printed


def test_the_age_of_what_was_read_in_part_is_not_known(tmp_path, capsys):
    data = gzip.compress(written(tmp_path / "web.log", 4_000).read_bytes())
    (tmp_path / "cut.gz").write_bytes(data[:-2_000])
    assert not [
        each for each in document(capsys, "cut.gz", code=3)["findings"] if each["id"] == "logs.lines.stale"
    ]


def test_standard_input_may_be_compressed(tmp_path):
    data = written(tmp_path / "web.log", 400).read_bytes()
    for given in (data, gzip.compress(data)):
        done = subprocess.run([*INCIDENT, "-", "--json"], input=given, capture_output=True, check=True)
        assert json.loads(done.stdout)["requests_count"] == 400


def test_ctrl_c_prints_what_was_read_so_far(tmp_path):
    data = written(tmp_path / "web.log", 400).read_bytes()
    with subprocess.Popen(
        [*INCIDENT, "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(data)
        process.stdin.flush()
        while _unread(process.stdin.fileno()):
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        printed = process.stdout.read()
        process.stdin.close()
    assert process.returncode == 130
    found = json.loads(printed)
    assert 0 < found["requests_count"] <= 400
    assert "interrupted" in found["files"][0]["notes"][0]


def started(tmp_path: Path) -> subprocess.Popen[str]:
    """Start to read a log in two processes, in a terminal of its own as far as Ctrl-C goes."""
    block = written(tmp_path / "block.log", 13_000).read_text()
    with (tmp_path / "web.log").open("w") as log:
        log.writelines(block for _ in range(_BLOCKS))
    assert (tmp_path / "web.log").stat().st_size > MANY_BYTES
    return subprocess.Popen(
        [*INCIDENT, "web.log", "--json", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def processes_of(session: int) -> list[str]:
    """Return what the processes of a session run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def interrupted(process: subprocess.Popen[str]) -> dict:
    """Return what is printed after Ctrl-C, which reaches all of its processes, and see that none is left."""
    os.killpg(process.pid, signal.SIGINT)
    printed, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert "interrupted: results of what was read so far" in error
    deadline = time.monotonic() + 10
    while left := processes_of(process.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    return json.loads(printed)


def test_ctrl_c_ends_all_processes_and_prints_what_they_counted(tmp_path):
    process = started(tmp_path)
    assert process.stderr
    assert " of " in process.stderr.readline()  # how far it is: a stretch was counted
    time.sleep(0.3)
    found = interrupted(process)
    assert 0 < found["total_log_lines"] < _BLOCKS * 16_250
    assert found["findings"][0]["id"] == "logs.lines.errors"


def test_ctrl_c_while_processes_start(tmp_path):
    process = started(tmp_path)
    while len(processes_of(process.pid)) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    assert interrupted(process)["total_log_lines"] < _BLOCKS * 16_250


def _unread(descriptor: int) -> int:
    """Return how many bytes of a pipe its reader has not taken yet."""
    import array
    import fcntl
    import termios

    size = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, size)
    return size[0]
