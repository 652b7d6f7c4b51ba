"""Milestones and status as a fold over events, whatever the order in which people recorded them."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.errors import UsageError
from incident_lib.incident.lifecycle import check_moment, check_transition, fold
from incident_lib.model import Event, EventKind, IncidentStatus

START = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
DECLARED = EventKind.DECLARED
VERIFIED = {"phase": "ended", "status": "verified"}


def at(minutes):
    return START + timedelta(minutes=minutes)


def state(*happened):
    """Return the incident after these: kind or status, and its minute, in the order they were recorded."""
    events = [_event(0, DECLARED, 0, {"severity": "SEV2"})]
    for number, (what, minute, *data) in enumerate(happened, 100):
        if isinstance(what, EventKind):
            events.append(_event(number, what, minute, data[0] if data else {}))
        else:
            events.append(_event(number, EventKind.STATUS, minute, {"status": what}))
    return fold("2026-01-15-checkout", events)


def _event(recorded, kind, minute, data):
    return Event(
        id=f"{recorded:016}",
        kind=kind,
        occurred_at=at(minute),
        recorded_at=at(recorded),
        source="test",
        text="Checkout fails",
        data=data,
    )


def test_the_earliest_acknowledgement_counts_also_when_it_is_recorded_late():
    found = state((EventKind.ACKNOWLEDGED, 9), (EventKind.ACKNOWLEDGED, 4), (EventKind.ACKNOWLEDGED, 6))
    assert found.acknowledged_at == at(4)


def test_the_earliest_identification_counts_also_when_it_is_recorded_late():
    assert state(("IDENTIFIED", 20), ("IDENTIFIED", 12), ("IDENTIFIED", 15)).identified_at == at(12)
    assert state(("MITIGATING", 20), ("IDENTIFIED", 12)).identified_at == at(12)


@pytest.mark.parametrize("later", ["MITIGATING", "RESOLVED", "CLOSED"])
@pytest.mark.parametrize("minute", [8, 30])
def test_no_later_status_moves_the_identification(later, minute):
    assert state(("IDENTIFIED", 10), (later, minute)).identified_at == at(10)


def test_a_status_that_was_skipped_was_reached_with_the_one_after_it():
    found = state(("RESOLVED", 30), ("CLOSED", 40))
    assert (found.identified_at, found.resolved_at, found.closed_at) == (at(30), at(30), at(40))
    assert state(("CLOSED", 40)).resolved_at == at(40)


def test_the_earliest_verified_mitigation_counts_and_no_other():
    mitigation = EventKind.MITIGATION
    failed = {"phase": "ended", "status": "failed"}
    begun = {"phase": "begun", "status": "verified"}
    found = state(
        (mitigation, 5, failed),
        (mitigation, 6, begun),
        (mitigation, 25, VERIFIED),
        (mitigation, 20, VERIFIED),
        (mitigation, 30, VERIFIED),
    )
    assert found.mitigated_at == at(20)
    assert state((mitigation, 5, failed), (mitigation, 6, begun)).mitigated_at is None


def test_a_status_recorded_late_takes_nothing_back():
    found = state(("IDENTIFIED", 10), ("RESOLVED", 30), ("MITIGATING", 20))
    assert found.status is IncidentStatus.RESOLVED
    assert found.resolved_at == at(30)


def test_reopening_starts_anew_but_for_the_acknowledgement():
    before = (
        (EventKind.ACKNOWLEDGED, 3),
        ("IDENTIFIED", 10),
        (EventKind.MITIGATION, 20, VERIFIED),
        ("RESOLVED", 30),
        ("CLOSED", 40),
    )
    reopened = state(*before, ("INVESTIGATING", 50))
    assert reopened.is_open
    assert reopened.acknowledged_at == at(3)
    assert {
        reopened.identified_at,
        reopened.mitigated_at,
        reopened.resolved_at,
        reopened.closed_at,
    } == {None}
    again = state(*before, ("INVESTIGATING", 50), ("IDENTIFIED", 60), ("RESOLVED", 70))
    assert (again.identified_at, again.resolved_at, again.closed_at) == (at(60), at(70), None)


def test_an_update_that_is_recorded_late_does_not_bring_the_next_one_nearer():
    found = state(("IDENTIFIED", 30), ("IDENTIFIED", 10))
    assert found.updated_at == at(30)
    assert found.next_update_at == at(60)
    sent = {"result": "sent", "kind": "update"}
    assert state((EventKind.MESSAGE, 40, sent), (EventKind.MESSAGE, 20, sent)).updated_at == at(40)


@pytest.mark.parametrize("status", list(IncidentStatus))
def test_a_closed_incident_takes_no_status_until_it_is_reopened(status):
    closed = state(("CLOSED", 40))
    with pytest.raises(UsageError, match="2026-01-15-checkout is CLOSED; reopen it"):
        check_transition(closed, status, at(50))
    reopened = state(("CLOSED", 40), ("INVESTIGATING", 50))
    check_transition(reopened, status, at(60))


def test_an_update_recorded_elsewhere_does_not_change_a_closed_incident():
    closed = state(("IDENTIFIED", 10), ("CLOSED", 40))
    for status in ("IDENTIFIED", "MITIGATING", "RESOLVED", "CLOSED"):
        assert state(("IDENTIFIED", 10), ("CLOSED", 40), (status, 45)) == closed


def test_statuses_jump_forward_and_stay_but_do_not_go_back():
    found = state(("MITIGATING", 20))
    for status in (IncidentStatus.MITIGATING, IncidentStatus.RESOLVED, IncidentStatus.CLOSED):
        check_transition(found, status, at(30))
    for status in (IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED):
        with pytest.raises(UsageError, match="is MITIGATING; reopen it"):
            check_transition(found, status, at(30))


def test_nothing_happens_before_the_incident_began():
    check_moment(state(), at(0))
    with pytest.raises(UsageError, match="before the incident began"):
        check_moment(state(), at(-1))
    with pytest.raises(UsageError, match="before the incident began"):
        check_transition(state(), IncidentStatus.IDENTIFIED, at(-1))
