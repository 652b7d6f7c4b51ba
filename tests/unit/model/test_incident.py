"""What an incident says of itself."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.model import Incident, IncidentSeverity, IncidentStatus

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


@pytest.mark.parametrize(("before", "label"), [(0, "Declared"), (2, "Declared"), (900, "Started")])
def test_a_start_that_no_person_gave_is_the_declaration(before: float, label: str) -> None:
    incident = Incident(
        id="2026-01-15-x",
        title="x",
        severity=IncidentSeverity.SEV2,
        status=IncidentStatus.INVESTIGATING,
        started_at=AT - timedelta(seconds=before),
        declared_at=AT,
    )
    assert incident.start_label == label
