"""Which notebooks a run executes."""

from datetime import UTC, datetime

import pytest

from incident_lib.cli import main
from incident_lib.cli.run import fitting
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, declare
from incident_lib.model import EventKind, IncidentSeverity, IncidentStatus
from incident_lib.model.notebooks import InBatch, names
from incident_lib.redact import Redactor
from incident_lib.reports.postmortem import file_name

AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(title="Checkout fails", severity=IncidentSeverity.SEV2, started_at=AT)
    return declare(tmp_path / "incidents", declaration, Redactor())


def test_there_is_nothing_to_review_while_it_goes_on(folder):
    assert fitting(folder) == names(InBatch.ALWAYS)


def test_a_resolved_incident_is_reviewed(folder):
    status = {"status": IncidentStatus.RESOLVED.value}
    folder.record(Draft(kind=EventKind.STATUS, text="Resolved", source="cli", data=status))
    assert fitting(folder) == names(InBatch.ALWAYS, InBatch.REVIEW)


def test_an_incident_with_a_post_mortem_is_reviewed(folder):
    (folder.path / file_name(folder.incident)).write_text("# Post-mortem")
    assert fitting(folder) == names(InBatch.ALWAYS, InBatch.REVIEW)


@pytest.mark.parametrize("name", ["50", "50_mitigation", "mitigation.ipynb"])
def test_what_changes_something_never_runs_in_a_batch(name, capsys):
    assert main(["run", "--notebook", name]) == 2
    assert "never runs in a batch: a person reads and approves" in capsys.readouterr().err


def test_a_notebook_that_does_not_exist_is_answered_with_those_there_are(capsys):
    assert main(["run", "--notebook", "70_weather"]) == 2
    assert "60_postmortem" in capsys.readouterr().err
