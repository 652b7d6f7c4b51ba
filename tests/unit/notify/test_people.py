"""Who is told at each severity, and who comes next."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.config.tables import Contact, Dependency, Document, OnCall
from incident_lib.model import Incident, IncidentSeverity, IncidentStatus
from incident_lib.notify.people import (
    contact_matrix,
    escalation_paths,
    on_call_at,
    person_for,
    steps_due,
    vendors,
)

NOW = datetime(2026, 1, 14, 12, tzinfo=UTC)
ADA = Contact(role="On Call", name="Ada", chat="@ada", pager="PD1")
KIM = Contact(role="engineering-manager", name="Kim", phone="+1 555 0100")


@pytest.mark.parametrize(
    ("severity", "ways"),
    [
        (IncidentSeverity.SEV1, {"on-call": "page now", "engineering manager": "page now"}),
        (
            IncidentSeverity.SEV2,
            {"on-call": "page now", "engineering manager": "notify", "team lead": "notify"},
        ),
        (IncidentSeverity.SEV3, {"on-call": "notify in chat"}),
        (IncidentSeverity.SEV4, {"ticket": "open a ticket for working hours"}),
    ],
)
def test_the_matrix_is_the_teams_table(severity, ways):
    told = {tell.role: tell.way for tell in contact_matrix(severity)}
    assert ways.items() <= told.items()


def test_each_severity_has_its_channel():
    def channels(severity):
        return [t.role for t in contact_matrix(severity) if t.part == "communication"]

    assert channels(IncidentSeverity.SEV1) == ["incidents", "status_updates"]
    assert channels(IncidentSeverity.SEV3) == ["incidents_low"]
    assert channels(IncidentSeverity.SEV4) == ["ticket"]
    assert "VP" in [tell.role for tell in contact_matrix(IncidentSeverity.SEV1)]
    assert "VP" not in [tell.role for tell in contact_matrix(IncidentSeverity.SEV2)]


def test_roles_are_found_as_people_write_them():
    document = Document(contact=(ADA, KIM))
    assert person_for(document, "engineering manager", NOW).line == "Kim (phone +1 555 0100)"
    person, duty = on_call_at(document, NOW)
    assert (person.line, duty) == ("Ada (@ada, pager PD1)", None)


def test_the_rotation_comes_before_a_fixed_contact():
    document = Document(contact=(ADA, KIM), on_call=OnCall(rotation=("kim", "Ada")))
    assert person_for(document, "on-call", NOW).contact == KIM
    assert person_for(document, "stand-in", NOW).contact == ADA


def test_what_is_not_configured_is_said_with_what_to_write():
    assert "[on_call] rotation" in person_for(Document(), "on-call", NOW).line
    assert '[[contact]] with role = "VP"' in person_for(Document(), "VP", NOW).line
    unknown = Document(on_call=OnCall(rotation=("Lee", "Mo")))
    assert person_for(unknown, "on-call", NOW).line == (
        'Lee (not configured: add a [[contact]] with name = "Lee")'
    )


def test_every_path_begins_with_on_call():
    paths = escalation_paths()
    assert set(paths) == {"technical", "data or security", "vendor"}
    assert {steps[0].role for steps in paths.values()} == {"on-call"}


def test_the_vp_is_due_when_sev1_lasts_half_an_hour():
    incident = Incident(
        id="x",
        title="x",
        severity=IncidentSeverity.SEV1,
        status=IncidentStatus.INVESTIGATING,
        started_at=NOW,
        declared_at=NOW,
    )
    assert steps_due(incident, NOW + timedelta(minutes=29)) == ()
    ((step, since),) = steps_due(incident, NOW + timedelta(minutes=31))
    assert (step.role, since) == ("VP", NOW + timedelta(minutes=30))
    for change in ({"severity": IncidentSeverity.SEV2}, {"status": IncidentStatus.RESOLVED}):
        other = msgspec.structs.replace(incident, **change)
        assert steps_due(other, NOW + timedelta(hours=2)) == ()


def test_a_vendor_without_a_contact_is_not_hidden():
    document = Document(
        dependency=(
            Dependency(name="a", url="tcp://a:1", owner="A Inc", contact="a@a.example"),
            Dependency(name="b", url="tcp://b:1"),
        )
    )
    assert list(vendors(document)) == [("a", "A Inc, a@a.example"), ("b", "")]
