"""No onset where chance alone varies the failures; one within half a minute where they really rise."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.onset import Step, find_onset

BEGIN = datetime(2026, 1, 15, 14, tzinfo=UTC)
SECONDS, STEPS, SEEDS = 10, 90, 40


def few(chance, expected, share=0.0):
    return max(0, round(chance.gauss(expected, (expected * (1 - share)) ** 0.5)))


def series(seed, rate, before, after, *, rise_at=45, swing=0.0):
    chance = random.Random(seed)
    for number in range(STEPS):
        tried = few(chance, rate * SECONDS * (1 + swing * number / STEPS))
        share = after if number >= rise_at else before
        failed = few(chance, tried * share, share)
        yield Step(BEGIN + timedelta(seconds=number * SECONDS), tried, min(tried, failed))


@pytest.mark.parametrize("rate", [1, 10, 100])
@pytest.mark.parametrize(
    ("failing", "swing"), [(0.001, 0.0), (0.01, 0.0), (0.3, 0.0), (1.0, 0.0), (0.01, 2.0)]
)
def test_chance_is_no_onset(rate, failing, swing):
    found = [find_onset(list(series(seed, rate, failing, failing, swing=swing))) for seed in range(SEEDS)]
    assert [onset for onset in found if onset] == []


@pytest.mark.parametrize("rate", [10, 100])
@pytest.mark.parametrize(("before", "after", "rise_at"), [(0.0, 0.05, 45), (0.01, 0.1, 45), (0.0, 0.5, 85)])
def test_a_rise_is_found_where_it_began(rate, before, after, rise_at):
    at = BEGIN + timedelta(seconds=rise_at * SECONDS)
    for seed in range(SEEDS):
        onset = find_onset(list(series(seed, rate, before, after, rise_at=rise_at)))
        assert onset is not None
        assert abs((onset.at - at).total_seconds()) <= 30


def test_a_single_error_is_no_onset():
    steps = [Step(BEGIN + timedelta(seconds=at), 10, int(at == 50)) for at in range(STEPS)]
    assert find_onset(steps) is None


@pytest.mark.parametrize(
    ("before", "after", "is_onset"),
    [(1250, 3750, True), (1250, 3749, False), (0, 100, True), (0, 99, False)],
)
def test_a_rise_is_to_three_times_and_to_one_in_a_hundred(before: int, after: int, *, is_onset: bool):
    steps = [Step(BEGIN, 10_000, before), Step(BEGIN + timedelta(seconds=SECONDS), 10_000, after)]
    assert (find_onset(steps) is not None) is is_onset
