"""The same functions that commands, notebooks and servers call: they return values and print nothing."""

from datetime import timedelta

import pytest

from incident_lib import clock, config, response
from incident_lib.errors import UsageError
from incident_lib.findings.recovery import recovered
from incident_lib.incident.folder import Declaration
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.model import (
    Analysis,
    EventKind,
    Finding,
    FindingSeverity,
    IncidentSeverity,
    IncidentStatus,
    Window,
)
from incident_lib.model.topology import Topology


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "workbench.toml"
    path.write_text('[[service]]\nname = "backend"\nkind = "http"\nurl = "http://127.0.0.1:1"\n')
    return config.load(path)


@pytest.fixture
def folder(settings, capsys):
    began = clock.now() - timedelta(hours=1)
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV3, started_at=began)
    yield response.declare(settings, declaration).folder
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


def test_a_declaration_is_returned_with_its_message(settings):
    declaration = Declaration(
        title="Orders hang", severity=IncidentSeverity.SEV2, started_at=clock.now(), services=("backend",)
    )
    declared = response.declare(settings, declaration)
    assert declared.folder.incident.services == ("backend",)
    assert declared.path.read_text() == declared.text
    assert "SEV2: Orders hang" in declared.text
    assert declared.measured is None


@pytest.mark.parametrize(("title", "service", "why"), [(" ", "backend", "title"), ("x", "nope", "nope")])
def test_what_cannot_be_declared_leaves_no_folder(settings, title, service, why):
    declaration = Declaration(
        title=title, severity=IncidentSeverity.SEV2, started_at=clock.now(), services=(service,)
    )
    with pytest.raises(UsageError, match=why):
        response.declare(settings, declaration)
    assert not settings.incidents.exists()


def test_each_step_returns_its_event(folder):
    at = clock.now() - timedelta(minutes=30)
    events = [
        response.acknowledge(folder, "Kim", at=at, source="server"),
        response.assign(folder, " Commander ", "Kim"),
        response.classify(folder, IncidentSeverity.SEV1, "all users"),
        response.note(folder, "the vendor answers at 15:00"),
        response.decide(folder, "no rollback"),
        response.add_task(folder, "read the log", "Ada"),
        response.finish_task(folder, 1),
    ]
    assert [event.kind for event in events] == [
        EventKind.ACKNOWLEDGED,
        EventKind.ROLE,
        EventKind.SEVERITY,
        EventKind.NOTE,
        EventKind.DECISION,
        EventKind.TASK,
        EventKind.TASK,
    ]
    assert (events[0].occurred_at, events[0].source, events[1].source) == (at, "server", "notebook")
    incident = folder.incident
    assert (incident.acknowledged_at, incident.commander) == (at, "Kim")
    assert incident.severity is IncidentSeverity.SEV1
    assert incident.tasks[0].done_at is not None


def test_an_update_returns_what_was_written_for_the_channel(folder):
    written = response.update(folder, status=IncidentStatus.IDENTIFIED, findings="locks", actions="cancel 42")
    assert folder.incident.status is IncidentStatus.IDENTIFIED
    assert "cancel 42" in written.text
    assert written.path.read_text() == written.text
    assert written.event.data["findings"] == "locks"


def test_a_closed_incident_takes_no_update_until_it_is_reopened(folder):
    response.close(folder)
    before = folder.events
    for status in (None, IncidentStatus.CLOSED, IncidentStatus.MITIGATING):
        with pytest.raises(UsageError, match="reopen"):
            response.update(folder, status=status, findings="still")
    assert folder.events == before
    response.reopen(folder, "users report it again")
    assert "still" in response.update(folder, findings="still").text


def test_what_is_over_already_is_recorded_once(folder):
    assert response.resolve(folder, "root cancelled").text == "Resolved: root cancelled"
    assert response.resolve(folder) is None
    assert response.close(folder).text == "Closed"
    assert response.close(folder) is None


@pytest.mark.parametrize(
    "step",
    [
        lambda folder: response.note(folder, "  "),
        lambda folder: response.assign(folder, "commander", " "),
        lambda folder: response.add_task(folder, "x", ""),
        lambda folder: response.finish_task(folder, 7),
        response.reopen,
        lambda folder: response.resolve(folder, at=clock.now() - timedelta(days=1)),
    ],
)
def test_what_cannot_be_records_nothing(folder, step):
    before = folder.events
    with pytest.raises(UsageError):
        step(folder)
    assert folder.events == before


def test_a_resolution_without_a_reason_names_the_span_that_was_measured(folder):
    end = clock.now()
    lost = Finding(
        id="logs.lines.errors",
        severity=FindingSeverity.CRITICAL,
        target="backend",
        title="80 of 100 requests failed with 5xx",
        since=end - timedelta(minutes=9),
    )
    until = end - timedelta(minutes=5)
    sealed(folder, recovered(lost, until))
    event = response.resolve(folder)
    span = f"failing from {lost.since:%H:%M:%S} to {until:%H:%M:%S} UTC, healthy since"
    assert event.text == f"Resolved ({span})"


def test_a_resolution_says_nothing_of_a_recovery_that_was_not_measured(folder):
    lost = Finding(
        id="logs.lines.errors", severity=FindingSeverity.CRITICAL, target="backend", title="it fails"
    )
    sealed(folder, lost)
    assert response.resolve(folder).text == "Resolved"


def sealed(folder, *findings):
    """Seal a snapshot of these findings in the incident."""
    end = clock.now()
    window = Window(end - timedelta(minutes=15), end)
    writer = SnapshotWriter(folder.path / "snapshots", window, folder.redactor)
    writer.seal(Analysis(snapshot=writer.id, findings=findings), Topology())
