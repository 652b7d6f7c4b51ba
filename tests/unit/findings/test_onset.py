"""No onset where chance alone varies the failures; one within half a minute where they really rise."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.onset import Onset, find_onset
from incident_lib.model.series import Point, Series

BEGIN = datetime(2026, 1, 15, 14, tzinfo=UTC)
SECONDS, STEPS, SEEDS = 10, 90, 40


def found(points: Iterable[Point]) -> Onset | None:
    return find_onset(Series(name="failed requests", points=tuple(points)))


def at(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)


def few(chance, expected, share=0.0):
    return max(0, round(chance.gauss(expected, (expected * (1 - share)) ** 0.5)))


def series(seed, rate, before, after, *, rise_at=45, swing=0.0):
    chance = random.Random(seed)
    for number in range(STEPS):
        tried = few(chance, rate * SECONDS * (1 + swing * number / STEPS))
        share = after if number >= rise_at else before
        failed = few(chance, tried * share, share)
        yield Point(at(number * SECONDS), min(tried, failed), tried)


@pytest.mark.parametrize("rate", [1, 10, 100])
@pytest.mark.parametrize(
    ("failing", "swing"), [(0.001, 0.0), (0.01, 0.0), (0.3, 0.0), (1.0, 0.0), (0.01, 2.0)]
)
def test_chance_is_no_onset(rate, failing, swing):
    for seed in range(SEEDS):
        assert found(series(seed, rate, failing, failing, swing=swing)) is None


@pytest.mark.parametrize("rate", [10, 100])
@pytest.mark.parametrize(("before", "after", "rise_at"), [(0.0, 0.05, 45), (0.01, 0.1, 45), (0.0, 0.5, 85)])
def test_a_rise_is_found_where_it_began(rate, before, after, rise_at):
    for seed in range(SEEDS):
        onset = found(series(seed, rate, before, after, rise_at=rise_at))
        assert onset is not None
        assert abs((onset.at - at(rise_at * SECONDS)).total_seconds()) <= 30


def test_a_single_error_is_no_onset():
    assert found(Point(at(second), int(second == 50), 10) for second in range(STEPS)) is None


@pytest.mark.parametrize(
    ("before", "after", "is_onset"),
    [(1250, 3750, True), (1250, 3749, False), (0, 100, True), (0, 99, False)],
)
def test_a_rise_is_to_three_times_and_to_one_in_a_hundred(before: int, after: int, *, is_onset: bool):
    points = (Point(at(0), before, 10_000), Point(at(SECONDS), after, 10_000))
    assert (found(points) is not None) is is_onset


def test_an_onset_is_found_after_few_healthy_seconds():
    onset = found(Point(at(second), 0 if second < 4 else 2, 2) for second in range(20))
    assert onset is not None
    assert onset.at == at(4)


def test_an_onset_is_found_though_it_is_over():
    onset = found(Point(at(second), 9 if 20 <= second < 30 else 0, 10) for second in range(60))
    assert onset is not None
    assert onset.at == at(20)


@pytest.mark.parametrize(
    "failures",
    [
        [5] * 30,  # it always failed: there is no before
        [0] * 30,
        [0] * 29 + [1],  # one failure is no change
        [1, 0, 0, 1, 0, 0] * 5,  # everyday failures
        [8] * 10 + [0] * 20,  # it got better
        [5],
        [],
    ],
)
def test_no_onset_without_a_change_for_the_worse(failures):
    assert found(Point(at(number), failed, 10) for number, failed in enumerate(failures)) is None


@pytest.mark.parametrize(("gap", "second"), [(1, 448), (12, 560)])
def test_failures_of_the_step_before_belong_to_the_rise(gap, second):
    calm = [Point(at(10 * number), 0, 10) for number in range(44)]
    first = Point(at(440), 1, 10, at(448))
    onset = found((*calm, first, *(Point(at(440 + 10 * (gap + number)), 10, 10) for number in range(9))))
    assert onset.at == at(second)
    assert (onset.before_ratio == 0) is (gap == 1)
