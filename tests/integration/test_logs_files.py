"""Logs in real files: windows, rotation, bounds, times without zone, what is no log, and the command."""

import json
import os
import pickle
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.cli import main
from incident_lib.config.tables import Document, Limits, Service
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.investigation.setup import redactor_for
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.logs import probes as logs
from incident_lib.technologies.logs.export import Job, export, reader_of
from incident_lib.technologies.logs.probes import file as files
from incident_lib.technologies.logs.rows import LogEndpoint, LogEvent, LogException, LogSummary
from tests.ordinary_user import ordinary_user


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window(minutes: float = 15) -> Window:
    return Window(clock.now() - timedelta(minutes=minutes), clock.now() + timedelta(seconds=1))


def collect(path: Path, during: Window | None = None, **limits: int) -> Evidence:
    service = Service(name="backend", kind="http", log=path.name)
    document = Document(service=(service,), limits=Limits(**limits))
    settings = config.Settings(document=document, root=path.parent)
    (lane,) = logs.lanes(settings)
    (evidence,) = run_lane(lane, during or window())
    return evidence


def summary(evidence: Evidence) -> LogSummary:
    return evidence.of(LogSummary)[0]


def excerpt(evidence: Evidence) -> list[str]:
    return b"".join(evidence.attachments[0].chunks).decode().splitlines()


def hours_of_lines(first: datetime, seconds: int) -> str:
    """Ten lines a second."""
    moments = (first + timedelta(milliseconds=100 * number) for number in range(10 * seconds))
    return "".join(f"{iso(moment)} INFO shop: order {n} paid\n" for n, moment in enumerate(moments))


def test_only_the_window_of_a_long_file_is_read(tmp_path):
    path = tmp_path / "backend.log"
    now = clock.now()
    path.write_text(hours_of_lines(now - timedelta(hours=2), 7200))
    evidence = collect(path, Window(now - timedelta(minutes=1), now))
    assert summary(evidence).lines_count == pytest.approx(600, abs=2)
    begun = int(evidence.source.split("bytes ")[1].split(" ")[0])
    assert begun > 0.9 * path.stat().st_size
    assert evidence.truncated is None


def test_the_newest_lines_are_kept_and_the_cut_is_reported(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=100), 100))
    evidence = collect(path, log_lines=50)
    assert summary(evidence).lines_count == 1000
    assert evidence.truncated is not None
    assert (evidence.truncated.kept, evidence.truncated.total) == (50, 1000)
    assert excerpt(evidence)[-1].endswith("order 999 paid")
    assert len(excerpt(evidence)) == 50


def test_a_bound_on_bytes_keeps_the_newest(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=100), 100))
    evidence = collect(path, log_bytes=10_000)
    assert evidence.truncated is not None
    assert evidence.truncated.total is None
    assert 100 < summary(evidence).lines_count < 250
    assert excerpt(evidence)[-1].endswith("order 999 paid")


def test_a_reader_travels_by_name_and_opens_where_it_arrives(tmp_path):
    path = tmp_path / "backend.log"
    reader = logs.FileReader(path, Limits(log_lines=50), seconds=5.0)
    sent = pickle.dumps(reader)  # nothing is opened yet: there is no such file
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=100), 100))
    with closing(pickle.loads(sent).open()) as log:
        assert len(log.read(window()).newest) == 50
        lines = log.lines(window(), 7)
        assert next(lines.batches)[0].endswith("order 993 paid")
        assert lines.cut == "only the newest 7 of 1,000 lines were fetched; see --tail"


def test_what_does_not_come_within_the_deadline_is_cut_and_reported(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=100), 100))
    with closing(logs.FileReader(path, seconds=0.0).open()) as log:
        assert not log.read(window()).complete
        assert log.lines(window(), None).cut


def test_what_was_read_before_it_was_broken_off_counts_with_its_share(tmp_path, monkeypatch):
    path = tmp_path / "backend.log"
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=600), 600))
    monkeypatch.setattr(files, "FIRST_BYTES", 20_000)
    log = logs.FileReader(path).open()
    take = log._take

    def broken_off(*arguments, **options):
        log.abort()
        return take(*arguments, **options)

    log._take = broken_off
    fetched = logs.fetch_lines(log, window())
    assert 0 < fetched.rows[0].lines_count < 1_200
    share = int(re.search(r"only the newest (\d+)(?:\.\d)? % of this stretch", fetched.problem.message)[1])
    assert share == pytest.approx(fetched.rows[0].lines_count / 60, abs=1)
    first, last = re.search(r"backend\.log bytes (\d+) to (\d+)$", fetched.source).groups()
    assert int(first) == pytest.approx(int(last) - 20_000, abs=100)
    assert fetched.attachments[0].chunks[-1].endswith(b"order 5999 paid\n")


def test_blocks_join_without_a_line_lost_or_twice(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    with closing(logs.FileReader(path).open()) as log:
        part = files._Part(path, 0, path.stat().st_size)
        log._block_bytes = 1000
        blocks = list(log._blocks([part]))
        assert b"".join(block.data for block in reversed(blocks)) == path.read_bytes()
        assert all(block.data.startswith(b"line ") and block.data.endswith(b"\n") for block in blocks)
        assert all(path.read_bytes().find(block.before + block.data) >= 0 for block in blocks)
        path.write_text("rotated in the meantime\n")
        assert list(log._blocks([part])) == [None]


TRACE = """\
{at} ERROR till: closing {number} failed
Traceback (most recent call last):
  File "/srv/till/cash.py", line 31, in take
till.errors.DrawerError: drawer {number} is open
"""


def test_a_traceback_across_blocks_is_a_single_error(tmp_path, monkeypatch):
    path, begun = tmp_path / "backend.log", clock.now() - timedelta(seconds=300)
    path.write_text("".join(TRACE.format(at=iso(begun + timedelta(seconds=n)), number=n) for n in range(250)))
    monkeypatch.setattr(files, "FIRST_BYTES", 1_000)
    monkeypatch.setattr(files, "BLOCK_BYTES", 1_000)
    with closing(logs.FileReader(path).open()) as log:
        digest = log.read(window()).digest
    assert {key: tally.count for key, tally in digest.exceptions.items()} == {
        ("till.errors.DrawerError", "till/cash.py:take"): 250
    }
    assert (digest.errors, digest.lines) == (250, 1_000)


@pytest.mark.parametrize(("form", "seconds"), [("%d/%m/%Y %H:%M:%S", 40), ("%m/%d/%Y %H:%M:%S", 40)])
def test_the_order_of_numeric_dates_is_that_of_the_log(tmp_path, form, seconds):
    path, now = tmp_path / "backend.log", clock.now()
    days = [now - timedelta(days=20 - n) for n in range(20)]
    times = [*days, *(now - timedelta(seconds=seconds - n) for n in range(seconds))]
    path.write_text("".join(f"{at.strftime(form)} INFO till: sale done\n" for at in times))
    with closing(logs.FileReader(path).open()) as log:
        assert log.read(window()).digest.lines == seconds


def test_a_rotated_file_is_read_where_the_window_reaches_back(tmp_path):
    path = tmp_path / "backend.log"
    path.with_name("backend.log.1").write_text(hours_of_lines(clock.now() - timedelta(seconds=60), 30))
    path.write_text(hours_of_lines(clock.now() - timedelta(seconds=30), 30))
    evidence = collect(path)
    assert summary(evidence).lines_count == 600
    assert "backend.log.1" in evidence.source
    assert excerpt(evidence)[0].endswith("order 0 paid")


def test_a_log_without_a_line_in_the_window_is_empty(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text("INFO: old\n" * 1000)
    os.utime(path, (time.time() - 7200,) * 2)
    evidence = collect(path)
    assert evidence.status is EvidenceStatus.COLLECTED
    assert summary(evidence).lines_count == 0


def test_of_lines_without_times_only_the_newest_count(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text("INFO: one\n" * 10_000)
    evidence = collect(path, log_lines=100)
    assert (summary(evidence).lines_count, summary(evidence).has_times) == (100, False)
    assert evidence.truncated is not None


@pytest.mark.parametrize("hours", [-5, 2, 5.5])
def test_local_times_without_a_zone_are_understood(tmp_path, hours):
    path = tmp_path / "backend.log"
    local = clock.now() + timedelta(hours=hours)
    path.write_text("".join(f"{local:%Y-%m-%d %H:%M:%S},000 ERROR shop: no\n" for _ in range(5)))
    evidence = collect(path)
    assert summary(evidence).lines_count == 5
    assert f"{hours:+g} h from UTC" in evidence.source


def test_hostile_content_is_read_within_bounds(tmp_path):
    path = tmp_path / "backend.log"
    script = b"<script>alert(1)</script>\x00\x1b[31m\xff\xfe\r\n"
    path.write_bytes(b"x" * (10 << 20) + b"\n" + script * 100 + os.urandom(100_000))
    evidence = collect(path)
    assert evidence.status is EvidenceStatus.COLLECTED
    assert summary(evidence).cut_lines_count >= 1
    assert max(map(len, excerpt(evidence))) < 70_000


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_log_file_is_reported(tmp_path, kind):
    path = tmp_path / "backend.log"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    evidence = collect(path)
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    expected = ProblemKind.NOT_FOUND if kind == "missing" else ProblemKind.UNSUPPORTED
    assert evidence.problem.kind is expected


def test_a_log_of_another_user_is_our_inability(tmp_path):
    path = tmp_path / "backend.log"
    path.write_text("secret")
    path.chmod(0)
    with ordinary_user(tmp_path):
        evidence = collect(path)
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.PRIVILEGE
    (finding,) = analyze_one(evidence, Context(window=window()))
    assert finding.severity is FindingSeverity.UNKNOWN
    assert "no right to read the log" in finding.title


APPLICATION = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/bad":
        raise RuntimeError("no stock")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def test_the_log_of_a_real_uvicorn_is_read(tmp_path):
    (tmp_path / "shop_app.py").write_text(APPLICATION)
    path, port = tmp_path / "backend.log", free_port()
    with path.open("wb") as output:
        command = [sys.executable, "-m", "uvicorn", "shop_app:app", "--port", str(port), "--use-colors"]
        server = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
        try:
            for place in ["/"] * 30 + ["/bad"] * 3 + ["/orders/1", "/orders/2"]:
                request(f"http://127.0.0.1:{port}{place}")
        finally:
            server.terminate()
            server.wait(20)
    evidence = collect(path)
    endpoints = {row.path: row for row in evidence.of(LogEndpoint)}
    assert endpoints["/bad"].server_errors_count == 3
    assert endpoints["/orders/{id}"].requests_count == 2
    (raised,) = evidence.of(LogException)
    assert (raised.type, raised.count) == ("RuntimeError", 3)
    assert raised.frame.endswith("shop_app.py:app")
    assert {"start", "ready", "stop"} <= {row.event for row in evidence.of(LogEvent)}


def request(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer")


def command(tmp_path: Path, *words: str) -> tuple[int, dict[str, object]]:
    code = main(["logs", "--output-dir", str(tmp_path / "out"), *words])
    found = sorted((tmp_path / "out").glob("*-summary-*.json"))
    return code, json.loads(found[-1].read_text()) if found else {}


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A folder with a workbench.toml whose backend logs to a file."""
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "backend"\nkind = "http"\nlog = "backend.log"\n'
        '[redact]\nkeys = ["customer_id"]\n'
    )
    now = clock.now()
    lines = [f"{iso(now)} INFO shop: order {number} paid" for number in range(50)]
    lines += [
        f'{iso(now)} ERROR shop: payment {n} "failed" password=hunter2 customer_id=c-{n}' for n in range(5)
    ]
    (tmp_path / "backend.log").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_reads_a_configured_file_and_writes_no_secret(shop):
    code, found = command(shop, "--service", "backend", "--filter", '"FAILED"')
    assert (code, found["status"]) == (0, "collected")
    assert (found["total_log_lines"], found["error_lines"], found["filter_matches"]) == (55, 5, 5)
    (pattern,) = found["top_error_patterns"]
    assert pattern["count"] == 5
    written = list((shop / "out").iterdir())
    assert len(written) == 4
    assert not [path for path in written if "hunter2" in path.read_text() or "c-3" in path.read_text()]


def test_a_log_is_exported_without_a_terminal(shop, capsys):
    settings = config.load(str(shop / "workbench.toml"))
    job = Job(
        service="backend",
        reader=reader_of(settings, "backend"),
        since_text="15m",
        since=clock.now() - timedelta(minutes=15),
        at=clock.now(),
        tail=None,
        pattern="",
        folder=shop / "kept",
        summary_only=False,
        redactor=redactor_for(settings),
    )
    found = export(job)
    assert (found["status"], found["total_log_lines"], found["log_file"]) == (
        "collected",
        55,
        str(shop / "backend.log"),
    )
    assert len(list((shop / "kept").iterdir())) == 3
    assert capsys.readouterr() == ("", "")


def test_the_command_reports_a_cut(shop, capsys):
    _, found = command(shop, "--service", "backend", "--tail", "10")
    assert found["total_log_lines"] == 10
    assert "only the newest 10 of 55 lines" in capsys.readouterr().out


def test_a_summary_alone_is_a_single_file_without_secrets(shop):
    code, found = command(shop, "--service", "backend", "--tail", "all", "--summary-only", "--filter", "(")
    assert (code, found["filter_matches"]) == (0, 0)
    (written,) = (shop / "out").iterdir()
    assert "hunter2" not in written.read_text()
    assert found["levels"] == {"INFO": 50, "ERROR": 5}


@pytest.mark.parametrize("words", [["--tail", "some"], ["--tail", "0"], ["--since", "yesterday-ish"]])
def test_wrong_usage_is_2(shop, words, capsys):
    assert command(shop, "--service", "backend", *words)[0] == 2
    assert capsys.readouterr().err


def test_without_an_engine_the_summary_names_that(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    code, found = command(tmp_path, "--service", "../a b", "--since", "15 minutes ago")
    assert (code, found["status"], found["container"]) == (1, "error", "app-../a b")
    assert found["top_error_patterns"] == []
    assert "no Docker engine" in capsys.readouterr().err
    assert [path.parent for path in tmp_path.rglob("*-summary-*.json")] == [tmp_path / "out"]
