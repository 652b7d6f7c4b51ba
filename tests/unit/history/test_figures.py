from datetime import UTC, datetime

import pytest

from incident_lib.history.figures import NO_HYPOTHESIS, NO_SERVICE, Measured, figures, measure
from incident_lib.model import Incident, IncidentSeverity, IncidentStatus

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def measured(services=(), hypothesis=NO_HYPOTHESIS, seconds=None, severity="SEV2"):
    one = Incident(
        id="x",
        title="x",
        severity=IncidentSeverity(severity),
        status=IncidentStatus.CLOSED,
        started_at=START,
        declared_at=START,
        services=services,
    )
    return Measured(incident=one, hypothesis=hypothesis, seconds={"Time to resolve": seconds})


def test_counts_and_lengths():
    told = figures(
        [
            measured(("backend", "db"), "lock-contention", 60.0, "SEV1"),
            measured(("backend",), "lock-contention", None),
            measured((), NO_HYPOTHESIS, 120.0),
        ],
        {"Time to resolve": "from began to resolved"},
    )
    assert told.incidents_count == 3
    assert told.by_severity == {"SEV1": 1, "SEV2": 2}
    assert told.by_service == {"backend": 2, NO_SERVICE: 1, "db": 1}
    assert next(iter(told.by_hypothesis.items())) == ("lock-contention", 2)
    assert told.by_month == {"2026-01": 3}
    (one,) = told.measures
    assert (one.count, one.missing_count, one.median_seconds) == (2, 1, 90.0)
    assert one.definition == "from began to resolved"


@pytest.mark.parametrize(
    ("seconds", "median", "p90"),
    [
        ([], None, None),
        ([None, None], None, None),
        ([0.0], 0.0, None),
        ([1.0, 2.0, 3.0, 4.0], 2.5, None),
        ([1.0, 2.0, 3.0, 4.0, 50.0], 3.0, 50.0),
        ([float(n) for n in range(1, 11)], 5.5, 9.0),
    ],
)
def test_what_is_missing_is_never_zero(seconds, median, p90):
    one = measure("x", "", seconds)
    assert (one.median_seconds, one.p90_seconds) == (median, p90)
    assert one.count + one.missing_count == len(seconds)


def test_no_incident_is_no_error():
    assert figures([], {}).incidents_count == 0
