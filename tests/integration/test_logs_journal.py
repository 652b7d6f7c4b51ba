"""Logs of units in real journals: healthy, failing, denied, damaged, without entries, stuck, and cut."""

import json
import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.cli import main
from incident_lib.config.tables import Document, Limits, Service
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.logs import probes as logs
from incident_lib.technologies.logs.findings import analyze_lines
from incident_lib.technologies.logs.probes import journal
from incident_lib.technologies.logs.rows import LogException, LogSummary
from tests.integration import journal_service
from tests.integration.journal_service import Entry, of_systemd

NOBODY = 65534
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/srv/shop/basket.py", line 41, in total',
    "    return sum(prices[item] for item in basket)",
    "KeyError: 'sku-7719'",
)


def settings_of(folder: Path, unit: str = "shop", **limits: int) -> config.Settings:
    service = Service(name="shop", kind="process", journal=unit, journal_directory=str(folder))
    return config.Settings(document=Document(service=(service,), limits=Limits(**limits)), root=folder)


def window(minutes: float = 15) -> Window:
    return Window(clock.now() - timedelta(minutes=minutes), clock.now())


def collect(folder: Path, unit: str = "shop", **limits: int) -> Evidence:
    (lane,) = logs.lanes(settings_of(folder, unit, **limits))
    (evidence,) = run_lane(lane, window())
    return evidence


def judged(evidence: Evidence) -> dict[str, Finding]:
    return {finding.id: finding for finding in analyze_lines(evidence, Context(window=window()))}


def summary(evidence: Evidence) -> LogSummary:
    return evidence.of(LogSummary)[0]


def excerpt(evidence: Evidence) -> list[str]:
    return b"".join(evidence.attachments[0].chunks).decode().splitlines()


def orders(first: datetime, count: int, unit: str = "shop.service") -> list[Entry]:
    moments = (first + timedelta(milliseconds=100 * number) for number in range(count))
    return [Entry(at, f"INFO basket: order {n} was packed", unit) for n, at in enumerate(moments)]


def test_a_healthy_unit_is_well_and_its_entries_keep_their_times(tmp_path):
    first = clock.now() - timedelta(minutes=2)
    journal_service.write(tmp_path, orders(first, 300) + orders(first, 40, "mailer.service"))
    evidence = collect(tmp_path)
    assert evidence.status is EvidenceStatus.COLLECTED
    assert (summary(evidence).lines_count, summary(evidence).timed_lines_count) == (300, 300)
    assert abs((summary(evidence).first_at - first).total_seconds()) < 0.01
    assert "--unit=shop" in evidence.source
    assert excerpt(evidence)[-1].endswith(" INFO basket: order 299 was packed")
    assert not any(finding.severity.is_bad for finding in judged(evidence).values())


def test_what_a_failing_unit_prints_and_what_systemd_says_of_it_are_read(tmp_path):
    at = clock.now() - timedelta(minutes=3)
    entries = orders(at, 50)
    at += timedelta(seconds=10)
    entries += [Entry(at, line) for line in TRACEBACK]  # a line of standard error is an entry
    entries += orders(at, 1)
    entries += [Entry(at, "\n".join(TRACEBACK), fields={"PRIORITY": "3", "_TRANSPORT": "journal"})]
    entries += [Entry(at, b"\x1b[31mERROR\x1b[0m basket: the till \xff is closed")]  # printed as numbers
    entries += [of_systemd(at, "shop.service: Failed with result 'oom-kill'.", 4)]
    journal_service.write(tmp_path, entries)
    evidence = collect(tmp_path)
    assert [(row.type, row.count) for row in evidence.of(LogException)] == [("KeyError", 2)]
    assert summary(evidence).levels["ERROR"] >= 1
    assert any("the till" in line and "\x1b" not in line for line in excerpt(evidence))
    assert any(
        line.endswith("systemd[1]: shop.service: Failed with result 'oom-kill'.")
        for line in excerpt(evidence)
    )
    assert any(finding.severity.is_bad for finding in judged(evidence).values())


@pytest.mark.parametrize(("priority", "level"), [(2, "CRITICAL"), (3, "ERROR"), (4, "WARNING")])
def test_the_priority_that_a_program_sends_is_the_level_of_words_without_one(tmp_path, priority, level):
    sent = {"PRIORITY": str(priority), "_TRANSPORT": "syslog"}
    journal_service.write(tmp_path, [Entry(clock.now(), "the tape drive does not answer", fields=sent)])
    assert summary(collect(tmp_path)).levels == {level: 1}


def test_only_the_window_is_read(tmp_path):
    journal_service.write(tmp_path, orders(clock.now() - timedelta(minutes=16), 1200))
    assert 550 <= summary(collect(tmp_path)).lines_count <= 610


def test_pages_give_what_a_single_page_gives(tmp_path, monkeypatch):
    at = clock.now() - timedelta(minutes=5)
    entries = [
        entry for n in range(90) for entry in (*orders(at, 3), *(Entry(at, line) for line in TRACEBACK))
    ]
    journal_service.write(tmp_path, entries)
    whole = collect(tmp_path)
    monkeypatch.setattr(journal, "_PAGE_ENTRIES", 50)
    assert collect(tmp_path).rows == whole.rows
    assert whole.of(LogException)[0].count == 90
    monkeypatch.setattr(journal, "_PAGE_BYTES", 20_000)  # journalctl is ended in the middle of an entry
    assert collect(tmp_path).rows == whole.rows
    assert excerpt(collect(tmp_path)) == excerpt(whole)


def test_a_cap_keeps_the_newest_and_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_PAGE_ENTRIES", 100)
    journal_service.write(tmp_path, orders(clock.now() - timedelta(minutes=2), 900))
    evidence = collect(tmp_path, log_bytes=60_000)
    assert 100 <= summary(evidence).lines_count < 900
    assert evidence.truncated is not None
    assert excerpt(evidence)[-1].endswith("order 899 was packed")


def test_a_unit_that_wrote_nothing_of_late_is_not_ok(tmp_path):
    journal_service.write(tmp_path, orders(clock.now() - timedelta(hours=5), 10))
    evidence = collect(tmp_path)
    assert summary(evidence).lines_count == 0
    found = judged(evidence)
    assert found
    assert all(finding.severity is not FindingSeverity.OK for finding in found.values())


def test_a_unit_that_the_journal_does_not_know_is_unknown(tmp_path):
    journal_service.write(tmp_path, orders(clock.now(), 10))
    evidence = collect(tmp_path, "shopp")
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.NOT_FOUND
    assert "list-units" in evidence.problem.advice


def test_a_user_without_the_right_is_told_which_group_has_it(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    journal_service.write(tmp_path / "open", orders(clock.now(), 10))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        evidence = collect(tmp_path / "open")
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.PRIVILEGE
    assert "systemd-journal" in evidence.problem.advice


@pytest.mark.parametrize("damage", ["cut short", "not a journal"])
def test_a_damaged_journal_is_reported_and_the_others_are_read(tmp_path, damage):
    damaged = journal_service.write(tmp_path, orders(clock.now(), 10))
    data = damaged.read_bytes()
    damaged.write_bytes(data[:90_000] if damage == "cut short" else bytes(range(256)) * 400)
    alone = collect(tmp_path)
    assert alone.status is EvidenceStatus.FAILED
    assert alone.problem is not None
    assert alone.problem.kind is ProblemKind.PROTOCOL
    journal_service.write(tmp_path, orders(clock.now() - timedelta(minutes=1), 25), "older")
    both = collect(tmp_path)
    assert (both.status, summary(both).lines_count) == (EvidenceStatus.PARTIAL, 25)
    assert both.problem is not None
    assert "shop.journal" in both.problem.message


def test_a_machine_without_journalctl_and_a_folder_that_is_not_there(tmp_path, monkeypatch):
    evidence = collect(tmp_path / "nowhere")
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.NOT_FOUND
    monkeypatch.setenv("PATH", str(tmp_path))
    evidence = collect(tmp_path)
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.UNSUPPORTED
    assert "`log`" in evidence.problem.advice


def test_a_journalctl_that_hangs_is_ended_at_the_deadline(tmp_path, monkeypatch):
    stuck = tmp_path / "journalctl"
    stuck.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 600\n")
    stuck.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    service = Service(name="shop", kind="process", journal="shop")
    (lane,) = logs.lanes(config.Settings(document=Document(service=(service,)), root=tmp_path))
    reader = journal.JournalReader("shop", seconds=0.5)
    (evidence,) = run_lane(lane.__class__(target="shop", open=reader.open, probes=lane.probes), window())
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.TIMED_OUT
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_was_counted_before_it_was_broken_off_stays_with_its_share(tmp_path, monkeypatch):
    journal_service.write(tmp_path, orders(clock.now() - timedelta(minutes=1), 30))
    monkeypatch.setattr(journal, "_STRETCH_LINES", 10)
    whole = logs.fetch_lines(journal.JournalReader("shop", str(tmp_path)).open(), window())
    assert (whole.rows[0].lines_count, whole.problem) == (30, None)
    log = journal.JournalReader("shop", str(tmp_path)).open()
    log.abort()
    fetched = logs.fetch_lines(log, window())
    assert fetched.rows[0].lines_count == 10
    assert "only the newest 10 of 30 lines could be counted" in fetched.problem.message
    assert b"order 29" in fetched.attachments[0].chunks[-1]


def test_the_command_exports_the_log_of_a_unit(tmp_path, capsys):
    at = clock.now() - timedelta(minutes=1)
    entries = [*orders(at, 30), Entry(at, "ERROR basket: card declined password=tr0ub4dor")]
    journal_service.write(tmp_path / "journals", entries)
    path = tmp_path / "workbench.toml"
    path.write_text(
        '[[service]]\nname="shop"\nkind="process"\njournal="shop"\njournal_directory="journals"\n'
    )
    folder = tmp_path / "out"
    words = ["--config", str(path), "logs", "--service", "shop", "--output-dir", str(folder), "--json"]
    assert main(words) == 0
    written = json.loads(capsys.readouterr().out)
    assert (written["total_log_lines"], written["error_lines"], written["journal"]) == (31, 1, "shop")
    raw = Path(written["files"]["raw_log"]).read_text()
    assert "order 29 was packed" in raw
    assert "tr0ub4dor" not in raw


def test_a_unit_of_a_running_journald(tmp_path):
    program = tmp_path / "program"
    folder = tmp_path / "journal"
    with journal_service.control_group("till.service") as processes:
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, socket, sys, time\n"
            f"open({str(processes)!r}, 'w').write(str(os.getpid()))\n"
            "out = socket.socket(socket.AF_UNIX)\n"
            "out.connect('/run/systemd/journal/stdout')\n"
            "out.sendall(b'till\\n\\n6\\n1\\n0\\n0\\n0\\n')\n"
            "out.sendall(b'INFO till: open\\nERROR till: the drawer is stuck\\n')\n"
            "log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            "log.sendto(b'<10>till: no change left', '/run/systemd/journal/dev-log')\n"
            "time.sleep(0.5)\n"
        )
        program.chmod(0o755)
        journal_service.record(folder, program)
    if "till.service" not in journal_service.units_in(folder):
        pytest.skip("this journald does not see the control group")
    evidence = collect(folder, "till")
    assert summary(evidence).lines_count == 3
    assert summary(evidence).levels == {"INFO": 1, "ERROR": 1, "CRITICAL": 1}
