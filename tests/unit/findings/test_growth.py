"""Memory that grows steadily, and what only breathes while it rises."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.growth import memory_series, steady_growth, warms_up
from incident_lib.model.rows import MemorySample

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


def grows(*sizes: int, limit: int = 1000) -> bool:
    samples = [
        MemorySample(at=AT + timedelta(seconds=number), memory_bytes=size)
        for number, size in enumerate(sizes)
    ]
    return steady_growth(memory_series(samples, limit), least_ratio=0.01) is not None


@pytest.mark.parametrize(("back", "steady"), [(10, True), (11, False)])
def test_a_step_back_of_more_than_an_eighth_is_breathing(back: int, *, steady: bool):
    """Each third of the time has its share of the growth by 80: only the step back tells."""
    assert grows(100, 115, 130 + back, 130, 155, 167, 180) is steady


def test_a_collector_that_gives_memory_back_again_and_again_is_no_leak():
    assert not grows(100, 140, 120, 160, 140, 180, 160, 200, 180, 220)
    assert grows(100, 110, 120, 130, 140, 150, 160, 170, 180, 220)


@pytest.mark.parametrize(("first", "steady"), [(10, True), (9, False)])
def test_each_third_has_an_eighth_of_the_growth(first: int, *, steady: bool):
    assert grows(100, 100 + first, 150, 180) is steady


@pytest.mark.parametrize(
    ("seconds", "used", "warms"),
    [(19.9, 0.49, True), (20, 0.49, False), (19.9, 0.5, False), (19.9, None, False)],
)
def test_a_program_that_just_started_fills_its_memory(seconds: float, used: float | None, *, warms: bool):
    assert warms_up(AT, AT + timedelta(seconds=seconds), used, 20) is warms
