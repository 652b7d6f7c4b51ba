"""Charts as the pages have them: what must be seen is text in the SVG, as is what strangers wrote."""

import re
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure
from msgspec.structs import replace

from incident_lib.model import Window
from incident_lib.model.series import Point, Series
from incident_lib.plots import chart, palette
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.plots.heat import plot_heat
from incident_lib.plots.rates import add_up, conclude, plot_rates, slot_seconds, zoom
from incident_lib.plots.trends import plot_trend
from incident_lib.resources import resource

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
WINDOW = Window(AT, AT + timedelta(minutes=15))
HOSTILE = "<script>&\"'$x^{$ "
MIB = 2**20


def rates(*counts, name="requests, those answered with 5xx", target="backend"):
    """A minute for each pair of how many there were and how many of them failed."""
    points = (Point(AT + timedelta(minutes=n), failed, total) for n, (total, failed) in enumerate(counts))
    return Series(name=name, labels={"target": target}, points=tuple(points), step_seconds=60)


def numbers(*values, unit="count", step=30, **more):
    points = (
        Point(AT + timedelta(seconds=step * n), float(v)) for n, v in enumerate(values) if v is not None
    )
    labels = {"target": "backend", "what": "memory"}
    return Series(name="memory", unit=unit, labels=labels, points=tuple(points), **more)


def drawn(axes):
    """The figure as elements, its texts, and its text alternative."""
    html = chart.to_html(axes)
    figure = ET.fromstring(html)
    texts = [each.text for each in figure.iter("text")]
    return html, texts, figure.find("svg").get("aria-label")


def changed(minute, what="deployed"):
    return AT + timedelta(minutes=minute), "backend", what


FAILING = rates(*((10, 3 if minute > 5 else 0) for minute in range(15)))
ONSET = AT + timedelta(minutes=6)


def test_failures_before_the_onset_are_told_apart():
    early = rates((10, 1), *((10, 3 if minute > 5 else 0) for minute in range(1, 15)))
    said = conclude(early, onset=ONSET)
    assert said.startswith(
        "28 of 150 requests shown answered with 5xx, 27 since the onset 14:36:00, the worst"
    )
    assert "onset" not in conclude(early, onset=AT + timedelta(hours=1))


def test_failures_are_drawn_with_units_times_onset_and_change():
    html, texts, alternative = drawn(plot_rates(FAILING, window=WINDOW, onset=ONSET, changes=[changed(4)]))
    assert {"requests in 1m", "all", "answered with 5xx", "2026-01-15, UTC"} <= set(texts)
    assert {"14:30", "14:35", "14:40", "14:45", "0", "10"} <= set(texts)
    assert {"onset 14:36:00", "backend: deployed"} <= set(texts)
    assert "27 of 150 requests shown answered with 5xx, all since the onset 14:36:00" in alternative
    assert "worst at 14:36:00 with 3 of 10" in alternative
    assert html.count("var(--critical,") == 4  # the failures, their key, the onset and its label
    assert html.count("stroke-dasharray") == 2


def test_what_strangers_wrote_is_text():
    series = replace(FAILING, labels={"target": HOSTILE})
    html, texts, alternative = drawn(plot_rates(series, window=WINDOW, changes=[changed(4, HOSTILE)]))
    assert "<script>" not in html
    assert f"backend: {HOSTILE}" in texts
    assert HOSTILE in alternative
    html, texts, _ = drawn(plot_bars(HOSTILE, [Bar(label=HOSTILE, parts=(("s1", 1, "x"),), note=HOSTILE)]))
    assert texts == [HOSTILE, HOSTILE]


@pytest.mark.parametrize(
    "made",
    [
        plot_rates(rates(), window=WINDOW),
        plot_rates(rates((0, 0)), window=WINDOW),
        plot_trend(numbers()),
        plot_trend(numbers(7)),
        plot_heat([rates()]),
        plot_bars("Memory", []),
    ],
)
def test_where_there_is_nothing_a_sentence_says_so(made):
    assert isinstance(made, str)
    assert made.endswith(".")


def test_the_same_figure_is_the_same_text_without_ids_or_anything_from_elsewhere():
    first, again = (
        chart.to_html(plot_rates(FAILING, window=WINDOW, onset=ONSET, changes=[changed(4)])) for _ in range(2)
    )
    assert first == again
    assert not re.search(r"\sid=|\shref=|url\(|<style|<script|<defs", first)


EXTREMES = {
    "two points": plot_trend(numbers(1, 2, unit="seconds")),
    "constant": plot_trend(numbers(*[7] * 30)),
    "all zero": plot_trend(numbers(*[0] * 30, unit="ratio")),
    "spike": plot_trend(numbers(*[1] * 50, 10**12, *[1] * 50)),
    "gap": plot_trend(numbers(*range(20), *[None] * 20, *range(20), unit="seconds")),
    "negative": plot_trend(numbers(-5, 3, -1)),
    "10,000 points": plot_trend(numbers(*((n * 7919) % 1000 for n in range(10_000)), unit="bytes", step=1)),
    "10,000 slots": plot_rates(rates(*((n % 13 + 1, n % 3 == 0) for n in range(10_000)))),
    "40 services": plot_heat(
        [rates(*((9, (n * m) % 7) for m in range(200)), target=f"service {n}") for n in range(40)]
    ),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_every_chart_is_small_and_inside_its_box(name):
    html, texts, alternative = drawn(EXTREMES[name])
    assert len(html) < 8_500
    assert alternative
    assert "nan" not in html.lower()
    wide, high = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', html).groups())
    for path in re.findall(r' d="([^"]+)"', html):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path):
            assert -1 <= float(x) <= wide + 1
            assert -3 <= float(y) <= high + 3
    assert all(text and len(text) < 110 for text in texts)


def test_a_gap_interrupts_the_line():
    lines = re.findall(r' d="([^"]+)"[^>]+var\(--series-1', chart.to_html(EXTREMES["gap"]))
    assert lines[0].count("M") == 2
    steady = chart.to_html(plot_trend(numbers(*range(20))))
    assert re.findall(r' d="([^"]+)"[^>]+var\(--series-1', steady)[0].count("M") == 1


def test_of_10000_points_the_highest_is_drawn():
    values = [5] * 10_000
    values[7_001] = 90
    html = chart.to_html(plot_trend(numbers(*values, step=1)))
    heights = [float(y) for y in re.findall(r"[LV](?:[\d.]+ )?(-?[\d.]+)", html)]
    assert max(heights) - min(heights) > 80
    assert "the highest 90 at 16:26:41" in html


def test_a_trend_has_its_limit_only_where_that_is_near():
    series = numbers(*(100 * MIB + n * MIB for n in range(6)), unit="bytes", limit=200 * MIB)
    html, texts, alternative = drawn(plot_trend(series, rise=(100 * MIB, 105 * MIB)))
    assert {"limit 200 MiB", "105 MiB", "128 MiB", "memory, size"} <= set(texts)
    assert alternative == (
        "backend: memory. Rises steadily from 100 MiB to 105 MiB in 2m 30s; the limit is 200 MiB."
    )
    assert html.count("h0") == 6  # a dot for each sample
    _, texts, alternative = drawn(plot_trend(replace(series, limit=2**40)))
    assert not any("limit" in text for text in texts)
    assert "the limit is 1 TiB" in alternative


def test_bars_have_names_numbers_limits_and_say_how_many_are_left_out():
    bars = [Bar(label=f"{n}", parts=(("s1", n * MIB, "used"),), limit=40.0 * MIB) for n in range(30)]
    html, texts, alternative = drawn(plot_bars("Memory", bars, unit="_bytes"))
    assert "Memory (the first 25 of 30)" in html
    assert {"0", "24", "24 MiB"} <= set(texts)
    assert "25" not in texts
    assert html.count("var(--critical,") == 25
    assert alternative.endswith("24 has the most: 24 MiB.")


def test_a_map_of_services_is_darker_where_more_failed_and_blank_where_nothing_was_seen():
    quiet, failing = rates(*[(10, 0)] * 15, target="quiet"), rates(*[(10, 0)] * 5, (10, 9), target="failing")
    html, texts, alternative = drawn(plot_heat([quiet, failing], window=WINDOW, onset=ONSET))
    assert [text for text in texts if text in {"quiet", "failing"}] == ["failing", "quiet"]
    assert "onset 14:36:00" in texts
    assert alternative.startswith("Failures by service. 1 of 2 services failed, most failing: 15 % of all.")
    rows = re.findall(r'd="([^"]+)" fill="none" stroke="var\(--(\w+),[^>]+stroke-width="19', html)
    ((pale, first), (dark, second)) = rows
    assert (first, second) == ("line", "critical")
    assert pale.count("M") == 2
    assert dark.count("M") == 1


def test_no_line_crosses_the_label_of_another():
    changes = [changed(minute, "deployed a version with a long name") for minute in (1, 7, 13)]
    marks = chart.marks_of(WINDOW.start, WINDOW.end, AT + timedelta(minutes=4), changes)
    minutes = {mark.row: (mark.at - AT).total_seconds() / 60 for mark in marks}
    assert [minutes[row] for row in range(4)] == [13, 7, 4, 1]
    assert [mark.on_right for mark in sorted(marks, key=lambda mark: mark.at)] == [True, True, True, False]
    near = chart.marks_of(WINDOW.start, WINDOW.end, None, [changed(1), changed(2), changed(14)])
    assert sorted(mark.words for mark in near) == ["2 changes from 14:31:00", "backend: deployed"]


def test_axes_of_an_engineer_are_drawn_into_and_returned():
    figure = Figure()
    upper, lower = figure.subplots(2)
    assert plot_rates(FAILING, window=WINDOW, onset=ONSET, ax=upper) is upper
    assert numbers(1, 2, 3).plot(ax=lower, onset=AT) is lower
    assert "onset 14:36:00" in [text.get_text() for text in upper.texts]
    assert lower.get_title(loc="left") == "backend: memory"


def test_a_chart_can_be_extended_and_shows_itself():
    axes = numbers(1, 2, 3).plot()
    axes.plot([AT, AT + timedelta(minutes=1)], [1, 3], color="#123456")
    axes.set_title("Mine <b>", loc="left")
    html = axes._repr_html_()
    assert 'class="iw"' in html
    assert "Mine &lt;b&gt;" in html
    assert "#123456" in html
    assert {"14:30:00", "14:31:00"} <= set(re.findall(r">([\d:]+)</text>", html))


def test_nothing_is_lost_in_adding_up():
    series = rates(*[(7, 1)] * 15)
    slots = add_up(series, AT, WINDOW.end, 90.0)
    assert sum(total for total, _ in slots) == 105
    assert sum(failed for _, failed in slots) == 15
    assert slot_seconds(series, AT, WINDOW.end) == 60
    assert slot_seconds(series, AT, AT + timedelta(days=1)) % 60 == 0


def test_a_mostly_empty_window_is_zoomed():
    start, end = zoom(WINDOW, [AT + timedelta(minutes=14)])
    assert start > AT + timedelta(minutes=13)
    assert end == WINDOW.end
    assert zoom(WINDOW, [AT]) == (WINDOW.start, WINDOW.end)


def test_the_colours_are_those_of_the_stylesheet():
    css = resource("templates", "page", "blocks.css").read_text()
    light = css[: css.index("@media")]
    for value, name in palette.PROPERTIES.items():
        assert f"{name}: {value};" in light
        assert css.count(f"{name}:") == 3  # light, dark, dark in JupyterLab


# Colours without the receptors for red, and without those for green (Vienot 1999, linear RGB).
_BLIND = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


@pytest.mark.parametrize("kind", _BLIND)
@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_that_stand_beside_each_other_differ_for_the_colour_blind(kind, scheme):
    css = resource("templates", "page", "blocks.css").read_text()
    names = ("series-1", "series-2", "series-3", "critical")
    values = {name: re.findall(rf"--{name}: (#\w+);", css)[scheme] for name in names}
    seen = {name: _lab(np.array(_BLIND[kind]) @ _linear(value)) for name, value in values.items()}
    pairs = [("series-1", "series-2"), ("series-1", "critical"), ("series-1", "series-3")]
    assert all(np.linalg.norm(seen[a] - seen[b]) > 20 for a, b in pairs), (values, seen)
    assert len(list(combinations(names, 2))) == 6


def _linear(value):
    parts = np.array([int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(linear):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        linear, 0, 1
    )
    x, y, z = np.cbrt(np.maximum(xyz / np.array([0.9505, 1.0, 1.089]), 1e-4))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_drawing_is_imported_only_where_something_is_drawn():
    import subprocess
    import sys

    script = (
        "import sys, incident_lib.display, incident_lib.reports.figures_page, incident_lib.plots.records\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'matplotlib', 'pandas'}])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root, timeout=120
    )
    assert done.stdout == "[]\n"
