"""A clock that was wrong, or is set between commands: the order of things stays, and nothing waits for it."""

import os
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from incident_lib import clock
from incident_lib.cli import main
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.leftovers import sweep_files
from incident_lib.incident.snapshot import load_about, load_analysis, load_evidence
from incident_lib.investigation.since import SINCE, since_for
from incident_lib.model import EventKind, IncidentStatus
from incident_lib.redact import Redactor

CONFIGURATION = """\
[[service]]
name = "web"
kind = "process"
restart = ["sh", "-c", "echo again >> restarted"]
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def jump(monkeypatch):
    """Return what sets the clock so far from the right time."""
    right = clock.now

    def jumped(by):
        monkeypatch.setattr(clock, "now", lambda: right() + by)

    return jumped


@pytest.fixture
def typed(capsys, caplog):
    """Return what types a command and returns what it prints; it must succeed."""

    def type_line(*words, code=0):
        assert main(list(words)) == code
        shown = capsys.readouterr()
        return shown.out + shown.err + caplog.text

    return type_line


def declare(typed):
    return typed("declare", "--title", "Checkout", "--severity", "sev2").splitlines()[0]


def test_an_incident_is_ended_although_the_clock_was_set_back(typed, jump, here):
    name = declare(typed)
    assert "is before the incident began" in typed("resolve", "--at", "2h", code=2)
    jump(-HOUR)
    assert "clock is earlier than the start of the incident" in typed("update", "--status", "identified")
    assert "clock is earlier than the start of the incident" in typed("resolve", "--reason", "well")
    incident = IncidentFolder(here / "incidents" / name, Redactor()).incident
    assert incident.status is IncidentStatus.RESOLVED
    assert incident.resolved_at == incident.started_at
    jump(HOUR)
    typed("reopen", "--reason", "not yet")
    assert "nothing has changed since it was sealed" in typed("verify")


def test_the_newest_snapshot_is_the_one_that_was_taken_last(typed, jump, here):
    declare(typed)
    jump(DAY)
    typed("triage")
    jump(-HOUR)
    typed("triage")
    ahead, behind = sorted((here / "incidents").glob("*/snapshots/*"), reverse=True)
    found = IncidentFolder(behind.parents[1], Redactor())
    assert found.sealed_snapshots == (ahead, behind)
    assert found.snapshot("latest") == behind
    assert found.snapshots_before(behind.name) == (ahead,)
    assert found.snapshots_before("being-taken") == (ahead, behind)


def test_when_an_update_is_due_is_not_told_by_a_wrong_clock(typed, jump):
    declare(typed)
    jump(DAY)
    typed("update", "--findings", "the pool")
    jump(timedelta())
    assert "next update due: unknown" in typed("show")
    typed("update", "--findings", "the pool, still")
    assert re.search(r"next update due \d{4}-", typed("show"))


def test_an_incident_of_a_wrong_clock_is_named_to_whoever_records_in_it(typed, jump):
    jump(DAY)
    name = declare(typed)
    jump(timedelta())
    assert f"No incident was named; using {name}" in typed("note", "who is this for?")


def test_a_plan_that_is_ahead_of_the_clock_is_refused(typed, jump, here):
    declare(typed)
    plan = re.search(r"Plan (\w+),", typed("mitigate", "restart", "web", "--arg", "wait_seconds=0"))[1]
    jump(-HOUR)
    assert "ahead of this machine's clock" in typed("mitigate", "restart", "web", "--yes", plan, code=2)
    assert not (here / "restarted").exists()


def test_a_mitigation_of_a_wrong_clock_does_not_narrow_what_is_examined(typed, jump, here):
    name = declare(typed)
    folder = IncidentFolder(here / "incidents" / name, Redactor())
    jump(DAY)
    verified = {"phase": "ended", "status": "verified", "plan": "x"}
    folder.record(Draft(kind=EventKind.MITIGATION, text="restarted", source="mitigate", data=verified))
    assert since_for(folder, None)[0] != SINCE
    jump(timedelta())
    assert since_for(folder, None) == (SINCE, "")


def test_what_the_dead_left_under_a_wrong_clock_is_swept(here):
    left = here / ".event.x.part"
    left.write_text("{")
    os.utime(left, (time.time() + 86400,) * 2)
    sweep_files(here)
    assert not left.exists()
    left.write_text("{")
    sweep_files(here)
    assert left.exists()  # so young that its process may live


def test_a_span_does_not_end_before_it_begins(jump):
    span = clock.Span()
    jump(-HOUR)
    assert timedelta() <= span.end() - span.began_at < HOUR


@pytest.mark.parametrize(
    ("to", "part"),
    [("an hour ahead", 0.5), ("an hour back", 0.3), ("an hour back", 0.7), ("1970", 0.5), ("2038", 0.5)],
)
def test_a_clock_that_is_set_while_evidence_is_collected_turns_nothing_around(
    typed, here, monkeypatch, to, part
):
    (here / "workbench.toml").write_text(f'{CONFIGURATION}log = "web.log"\n')
    right = clock.now
    lines = (
        f"{right() - timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ} ERROR connection refused by db:5432"
        for second in range(300, 0, -1)
    )
    (here / "web.log").write_text("\n".join(lines) + "\n")
    name = declare(typed)
    reads = []
    monkeypatch.setattr(clock, "now", lambda: reads.append(right()) or reads[-1])
    typed("triage")
    middle = int(len(reads) * part)
    reads.clear()
    by = {"an hour ahead": HOUR, "an hour back": -HOUR}
    years = {"1970": datetime(1970, 1, 1, tzinfo=UTC), "2038": datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC)}
    jump = by[to] if to in by else years[to] - right()

    def set_in_the_middle():
        reads.append(right())
        return reads[-1] + (jump if len(reads) > middle else timedelta())

    monkeypatch.setattr(clock, "now", set_in_the_middle)
    typed("triage")
    monkeypatch.setattr(clock, "now", right)
    folder = IncidentFolder(here / "incidents" / name, Redactor())
    first, second = folder.sealed_snapshots
    assert folder.snapshot("latest") == second
    about = load_about(second)
    assert about.window.start < about.window.end
    before, after = (load_analysis(path).findings for path in (first, second))
    first_ids, second_ids = (
        {finding.id for finding in found if not finding.id.startswith("host.load.")}
        for found in (before, after)
    )  # how busy this machine is has no part in it
    assert second_ids == first_ids
    assert any(finding.since for finding in after), after
    assert all(finding.since is None or finding.since <= right() for finding in after)
    assert all(evidence.duration_seconds >= 0 for evidence in load_evidence(second))
    shown = typed("show") + typed("timeline")
    assert not re.search(r"(?<![\w:-])-\d[\d.]* ?(?:ms|s|min|h|d)\b", shown)
    assert "nothing has changed since it was sealed" in typed("verify")
