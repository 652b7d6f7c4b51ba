"""Logs of real containers: frames, terminals, unreadable drivers, long lines, bounds, and the command."""

import json
import pickle
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from docker.types import LogConfig

from incident_lib import clock, config
from incident_lib.cli import main
from incident_lib.config.tables import Document, Limits, Service
from incident_lib.errors import ProblemKind
from incident_lib.model import Evidence, EvidenceStatus, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.logs import probes as logs
from incident_lib.technologies.logs.export import counted_by_answer, counted_by_file
from incident_lib.technologies.logs.probes import container as container_logs
from incident_lib.technologies.logs.probes.container import raw_lines, split_time, take
from incident_lib.technologies.logs.rows import LogEndpoint, LogException, LogSummary, LogTail
from tests.integration import docker_service
from tests.integration.docker_service import CASES, container

pytestmark = docker_service.MARKS
engine = docker_service.engine

SERVER = r"""
import fcntl, sys, termios, time
for number in range(2000):
    status = "503 Service Unavailable" if number % 10 == 0 else "200 OK"
    print(f'INFO:     10.0.0.1:{number} - "GET /orders/{number}?token=abc{number} HTTP/1.1" {status}')
    if number % 100 == 0:
        sys.stdout.flush()
        print("\x1b[31mERROR\x1b[0m: no stock password=hunter2-x", file=sys.stderr, flush=True)
print("y" * 200_000, flush=True)
while any(fcntl.ioctl(1, termios.FIONREAD, bytes(4))):  # the exception comes after all that
    time.sleep(0.1)
time.sleep(2)  # what the engine has read it still has to write
try:
    {}["k"]
except KeyError:
    import traceback; traceback.print_exc()
sys.stdout.flush()
time.sleep(600)
"""


def collect(name: str, **limits: int) -> Evidence:
    service = Service(name="backend", kind="http", container=name)
    document = Document(service=(service,), limits=Limits(**limits))
    (lane,) = logs.lanes(config.Settings(document=document, root=docker_service._CHECKOUT))
    (evidence,) = run_lane(lane, Window(clock.now() - timedelta(minutes=15), clock.now()))
    return evidence


def wait_for(made, word: bytes, **streams: bool) -> None:
    deadline = time.monotonic() + 60
    while word not in made.logs(**streams):
        assert time.monotonic() < deadline, made.logs(tail=20)
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(engine):
    prefix = uuid.uuid4().hex[:8]
    with container(engine, ["python3", "-c", SERVER], name=f"{prefix}-backend") as made:
        wait_for(made, b"KeyError")
        # A busy engine may be behind with the other stream, and write one between the pieces of the other.
        wait_for(made, b"y" * 200_000 + b"\n", stderr=False)
        yield f"{prefix}-backend"


def test_lines_of_both_streams_have_the_engines_times(server):
    evidence = collect(server)
    assert evidence.status is EvidenceStatus.COLLECTED
    (summary,) = evidence.of(LogSummary)
    assert summary.has_times
    assert (summary.requests_count, summary.server_errors_count) == (2000, 200)
    assert summary.levels["ERROR"] == 20
    (endpoint,) = evidence.of(LogEndpoint)
    assert endpoint.path == "/orders/{id}"
    (raised,) = evidence.of(LogException)
    assert raised.type == "KeyError"
    kept = b"".join(evidence.attachments[0].chunks).splitlines()
    assert all(line.startswith(b"20") for line in kept)
    assert any(b"Z INFO: " in line for line in kept)


def test_a_line_in_pieces_is_a_single_line(server):
    evidence = collect(server)
    assert evidence.of(LogSummary)[0].cut_lines_count == 1


def test_bounds_keep_the_newest_lines(server):
    evidence = collect(server, log_lines=5, log_bytes=400_000)
    assert evidence.truncated is not None
    assert evidence.truncated.kept == 5
    assert b"KeyError" in b"".join(evidence.attachments[0].chunks)


def test_a_reader_travels_by_name_and_stops_at_its_deadline(server):
    reader = pickle.loads(pickle.dumps(logs.ContainerReader(server)))
    since = Window(clock.now() - timedelta(minutes=15), clock.now())
    with closing(reader.open()) as log:
        assert log.state()["container_status"] == "running"
        lines = log.lines(since, 100)
        assert 50 < sum(map(len, lines.batches)) <= 100  # the engine counts the pieces of a long line
        assert lines.cut == "only the newest 100 lines were fetched; --tail all fetches every line"
        lines = log.lines(since, None)
        assert sum(map(len, lines.batches)) > 2000
        assert not lines.cut
    with closing(logs.ContainerReader(server, seconds=0.0).open()) as log:
        lines = log.lines(since, None)
        assert list(lines.batches)
        assert "lines came in 0 ms" in lines.cut


def test_what_came_before_it_was_broken_off_counts(server, monkeypatch):
    with closing(logs.ContainerReader(server).open()) as log:

        def broken_off(batch, scan):
            log.abort()
            return take(batch, scan)

        monkeypatch.setattr(container_logs, "take", broken_off)
        fetched = logs.fetch_lines(log, Window(clock.now() - timedelta(minutes=15), clock.now()))
    assert 0 < fetched.rows[0].lines_count <= 1_000
    assert f"{fetched.rows[0].lines_count:,} lines came in" in fetched.problem.message
    assert fetched.problem.kind is ProblemKind.TIMED_OUT


def test_a_terminals_log_is_read(engine):
    with container(engine, **CASES["terminal"]) as made:
        wait_for(made, b"two")
        evidence = collect(made.id or "")
    assert b"".join(evidence.attachments[0].chunks).split()[1::2] == [b"one", b"two"]


def test_a_container_that_ended_before_the_window_is_judged_by_its_last_lines(engine):
    with container(engine, ["sh", "-c", "echo starting; echo 'FATAL: the licence has expired'"]) as made:
        wait_for(made, b"licence")
        made.wait()
        time.sleep(0.1)
        reader = logs.ContainerReader(made.id or "")
        with closing(reader.open()) as log:
            fetched = logs.fetch_lines(log, Window(clock.now(), clock.now() + timedelta(seconds=1)))
    (row,) = (row for row in fetched.rows if isinstance(row, LogTail))
    assert row.error == "the licence has expired"
    assert row.error_at is not None
    assert [line.partition(" ")[2] for line in row.lines] == ["starting", "FATAL: the licence has expired"]


def test_a_driver_that_cannot_be_read_is_named(engine):
    with container(engine, **CASES["log driver none"]) as made:
        evidence = collect(made.id or "")
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.UNSUPPORTED
    assert "'none'" in evidence.problem.message


@pytest.mark.usefixtures("engine")
def test_a_container_that_is_not_there_is_not_found():
    evidence = collect(f"none-{uuid.uuid4().hex}")
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.NOT_FOUND


def run(folder, *words):
    code = main(["logs", "--output-dir", str(folder), *words])
    (path,) = folder.glob("*-summary-*.json")
    return code, json.loads(path.read_text())


def test_the_command_writes_what_the_script_wrote(server, tmp_path, capsys):
    prefix = server.removesuffix("-backend")
    code, found = run(
        tmp_path,
        *("--service", "backend", "--container-prefix", prefix),
        *("--since", "15 minutes ago", "--filter", 'GET /orders/1999?"'),
    )
    assert (code, found["status"], found["container_status"]) == (0, "collected", "running")
    assert found["cut"]
    assert "--tail all" in capsys.readouterr().out
    assert found["total_log_lines"] <= 1000
    assert found["filter_matches"] == 0
    files = {path.name.split("-")[1]: path.read_text() for path in tmp_path.iterdir()}
    assert set(files) == {"raw", "errors", "filtered", "summary"}
    assert "hunter2-x" not in "".join(files.values())
    assert "abc1999" not in "".join(files.values())
    assert files["raw"].startswith("20")


def test_the_command_counts_everything_without_a_tail(server, tmp_path, capsys):
    prefix = server.removesuffix("-backend")
    code, found = run(
        tmp_path, "--service", "backend", "--container-prefix", prefix, "--tail", "all", "--summary-only"
    )
    assert (code, found["cut"], found["requests_count"]) == (0, "", 2000)
    assert len(list(tmp_path.iterdir())) == 1
    patterns = {entry["pattern"]: entry["count"] for entry in found["top_error_patterns"]}
    assert max(patterns.values()) == 20
    capsys.readouterr()


def test_a_name_is_no_pattern_and_those_there_are_get_listed(server, tmp_path, capsys):
    prefix = server.removesuffix("-backend")
    code, found = run(tmp_path, "--service", "backen", "--container-prefix", prefix)
    assert (code, found["status"]) == (1, "error")
    assert server in found["available_containers"]
    assert server in capsys.readouterr().err


def test_the_engines_file_holds_what_the_engine_answers(server):
    window = Window(clock.now() - timedelta(minutes=15), clock.now())
    with closing(logs.ContainerReader(server).open()) as log:
        path = log.file()
        assert path is not None
        by_file, by_answer = counted_by_file(log, path, window), counted_by_answer(log, window)
        log._engine._adapter = None  # as that of another machine
        assert log.file() is None
    assert by_file == by_answer
    assert by_file.digest.cut_lines == 1
    assert by_file.lines > 2000
    assert not by_file.cut


@pytest.mark.parametrize("compress", ["false", "true"])
def test_rotated_files_of_the_engine_hold_what_it_answers(compress, engine):
    program = SERVER.replace("range(2000)", "range(6000)").replace("time.sleep(600)", "")
    options = {"max-size": "200k", "max-file": "20", "compress": compress}
    rotating = LogConfig(type="json-file", config=options)
    with container(engine, ["python3", "-c", program], log_config=rotating) as made:
        made.wait()
        with closing(logs.ContainerReader(made.id or "").open()) as log:
            path = log.file()
            assert path is not None
            assert path.with_name(f"{path.name}.3").exists() or compress == "true"
            lines = [split_time(raw)[0] for batch in raw_lines(log._engine, made.id or "") for raw in batch]
            moments = [
                datetime.fromisoformat(f"{lines[place][:26]}+00:00")
                for place in (0, *range(1_000, 5_500, 500))
            ]
            # With a moment in one of the compressed files, the engine leaves these out.
            for since in moments if compress == "false" else [clock.now() - timedelta(minutes=15)]:
                by_file = counted_by_file(log, path, Window(since, clock.now()))
                by_answer = counted_by_answer(log, Window(since, clock.now()))
                assert by_file == by_answer
                assert by_file.lines >= 400
