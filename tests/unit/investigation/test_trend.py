"""What is reported of samples while they come."""

from datetime import UTC, datetime

from incident_lib.investigation.trend import most_risen
from incident_lib.model.sample import Sample
from incident_lib.model.series import Reading

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def sample(**values):
    readings = tuple(
        Reading(
            target=target,
            name="memory",
            what="memory",
            value=value,
            unit="bytes",
            at=AT,
            evidence=f"{target}/process.state",
            limit=100.0 * 2**20,
        )
        for target, value in values.items()
    )
    return Sample(at=AT, readings=readings)


def test_the_number_that_came_nearest_to_its_limit_is_reported():
    before = sample(backend=10.0 * 2**20, db=50.0 * 2**20, gone=1.0)
    now = sample(backend=40.0 * 2**20, db=52.0 * 2**20, new=90.0 * 2**20)
    assert most_risen(before, now) == "backend memory 10 MiB → 40 MiB"


def test_nothing_is_reported_of_what_hardly_rose_or_was_not_seen():
    before = sample(backend=10.0 * 2**20, db=None)
    assert most_risen(before, sample(backend=10.5 * 2**20, db=90.0 * 2**20)) == ""
    assert most_risen(before, sample(backend=None)) == ""
