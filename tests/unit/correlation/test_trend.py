"""What rises steadily, what only breathes, and when the limit is met."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.correlation.trend import is_recent, trend_findings
from incident_lib.findings.thresholds import Thresholds
from incident_lib.findings.trend import steady_rise
from incident_lib.model import Finding, FindingSeverity, Window
from incident_lib.model.sample import Sample
from incident_lib.model.series import Point, Reading, Series

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
MIB = 2**20


def samples(
    *values: float | None, name: str = "memory", unit: str = "bytes", limit: float | None = 512 * MIB
):
    """One sample every 30 s."""
    times = [AT + timedelta(seconds=30 * number) for number in range(len(values))]
    return [
        Sample(
            at=at,
            readings=(
                Reading(
                    target="backend",
                    name=name,
                    what="the number",
                    value=value,
                    unit=unit,
                    at=at,
                    evidence="backend/process.state",
                    limit=limit,
                ),
            ),
        )
        for at, value in zip(times, values, strict=True)
    ]


def judge(*values: float | None, **fields: object) -> Finding:
    (found,) = trend_findings(samples(*values, **fields), Thresholds())
    return found


def test_a_leak_is_reported_with_the_time_to_its_limit():
    found = judge(*(100 * MIB + number * 10 * MIB for number in range(10)))
    assert (found.id, found.severity) == ("trend.memory", FindingSeverity.WARNING)
    assert found.title == "the number of backend rises and will reach its limit in about 16m"
    assert found.data["limit_seconds"] == pytest.approx((512 - 190) / 10 * 30)
    assert found.detail == "from 100 MiB to 190 MiB in 4m 30s, by 10 samples; the limit is 512 MiB"
    assert found.since == AT


@pytest.mark.parametrize(("count", "severity"), [(5, FindingSeverity.INFO), (10, FindingSeverity.WARNING)])
def test_a_short_watch_says_little_about_hours(count: int, severity: FindingSeverity):
    found = judge(*(0.5 + 0.0015 * n for n in range(count)), name="disk", unit="ratio", limit=1.0)
    assert found.severity is severity


def test_one_wild_sample_changes_nothing():
    values = [100 * MIB + number * 10 * MIB for number in range(12)]
    values[5] = 400 * MIB
    assert judge(*values).data["per_second"] == pytest.approx(10 * MIB / 30, rel=0.1)


def test_near_the_limit_it_is_critical():
    assert judge(*(300 * MIB + n * 20 * MIB for n in range(10))).severity is FindingSeverity.CRITICAL


@pytest.mark.parametrize(
    "values",
    [
        [100 * MIB] * 10,
        [100 * MIB + (number % 3) * 40 * MIB for number in range(12)],  # breathing
        [300 * MIB - number * MIB for number in range(10)],  # falling
        [100 * MIB + number for number in range(10)],  # a byte a sample
    ],
)
def test_what_stays_level_is_ok(values):
    found = judge(*values)
    assert (found.id, found.severity) == ("trend.ok", FindingSeverity.OK)


def test_too_few_samples_are_unknown_and_unknown_values_are_not_zero():
    assert judge(1, 2, 3, 4).severity is FindingSeverity.UNKNOWN
    assert judge(*[None, 100 * MIB] * 3).severity is FindingSeverity.UNKNOWN
    values = [100 * MIB + number * 10 * MIB for number in range(10)]
    assert judge(*values[:4], None, *values[5:]).data["samples"] == 9
    assert list(trend_findings(samples(None, None), Thresholds())) == []


def test_a_restart_begins_another_life():
    first, second = ([100 * MIB + n * 20 * MIB for n in range(8)] for _ in range(2))
    found = judge(*first, *second)
    assert (found.id, found.data["samples"], found.since) == ("trend.memory", 8, AT + timedelta(minutes=4))


def test_latency_has_no_limit():
    found = judge(*(0.1 + 0.05 * n for n in range(10)), name="latency", unit="seconds", limit=None)
    assert (found.id, found.severity) == ("trend.latency", FindingSeverity.WARNING)
    assert found.title == "the number at backend keeps getting slower"
    assert found.data["limit_seconds"] is None


@pytest.mark.parametrize("name", ["connections", "disk", "files"])
def test_shares_rise_to_one(name):
    found = judge(*(0.5 + 0.02 * n for n in range(10)), name=name, unit="ratio", limit=1.0)
    assert found.id == f"trend.{name}"
    assert found.data["limit_seconds"] == pytest.approx(0.32 / 0.02 * 30)


def series(values: Iterable[float]) -> Series:
    points = (Point(AT + timedelta(seconds=30 * number), value) for number, value in enumerate(values))
    return Series(name="memory", points=tuple(points))


VALUES = st.lists(st.floats(0, 1e9), min_size=5, max_size=25)


@given(VALUES)
def test_a_series_and_its_mirror_never_both_rise(values):
    rises = [steady_rise(series(way), Thresholds()) for way in (values, [-value for value in values])]
    assert None in rises


@given(st.integers(8, 25), st.floats(1, 1e6), st.lists(st.floats(-0.4, 0.4), min_size=25, max_size=25))
def test_noise_below_a_step_does_not_hide_a_rise(count, step, noise):
    line = steady_rise(series(1e6 + step * (n + noise[n]) for n in range(count)), Thresholds())
    assert line is not None
    assert line.per_second == pytest.approx(step / 30, rel=0.3)


@pytest.mark.parametrize(
    ("lasted", "ago", "holds"),
    [(30, 5, True), (30, 50, True), (30, 70, False), (600, 500, True), (600, 1000, False)],
)
def test_a_watch_holds_for_as_long_as_it_lasted(lasted, ago, holds):
    end = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
    last = end - timedelta(seconds=ago)
    taken = [Sample(at=at, readings=(), unseen=()) for at in (last - timedelta(seconds=lasted), last)]
    assert is_recent(taken, Window(end - timedelta(minutes=15), end)) is holds
    assert not is_recent([], Window(end - timedelta(minutes=15), end))
