"""A series as a picture."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from incident_lib.model.series import Point, Series
from incident_lib.plots.trends import plot_trend

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
MEMORY = Series(
    name="memory",
    unit="bytes",
    points=tuple(
        Point(AT + timedelta(seconds=30 * number), 100.0 * 2**20 + number * 2**20) for number in range(6)
    ),
    limit=200 * 2**20,
)


def test_every_sample_the_line_and_a_near_limit_are_drawn():
    svg = plot_trend("backend: <memory>", MEMORY, rise=(100 * 2**20, 105 * 2**20))
    assert svg.count("<circle") == 6
    assert "limit 200 MiB" in svg
    assert "mark warning" in svg
    assert "&lt;memory&gt;" in svg
    assert "<memory>" not in svg


def test_a_far_limit_would_press_the_series_flat():
    assert "limit" not in plot_trend("x", replace(MEMORY, limit=2**40))


def test_nothing_is_drawn_of_nothing():
    assert plot_trend("x", replace(MEMORY, points=())) == ""
