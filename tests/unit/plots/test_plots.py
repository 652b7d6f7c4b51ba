"""Records become drawings: what must be seen is in them, and what strangers wrote is text."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import msgspec

from incident_lib.model import FindingSeverity, Window
from incident_lib.model.series import Point, Series
from incident_lib.model.topology import Topology
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.plots.graph import layers, plot_topology
from incident_lib.plots.locks import plot_locks
from incident_lib.plots.moments import plot_moments
from incident_lib.plots.rates import add_up, plot_rates, zoom
from incident_lib.technologies.postgres.rows import PostgresLockSession

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
WINDOW = Window(AT, AT + timedelta(minutes=15))
HOSTILE = "<script>&\"'"


def rates(*counts, name="requests, those answered with 5xx"):
    """A minute for each pair of how many there were and how many of them failed."""
    points = (Point(AT + timedelta(minutes=n), failed, total) for n, (total, failed) in enumerate(counts))
    return Series(name=name, labels={"target": "backend"}, points=tuple(points))


def session(pid, *blocked_by, query="UPDATE x"):
    fields = {one.name: None for one in msgspec.structs.fields(PostgresLockSession) if one.required}
    return PostgresLockSession(**{**fields, "pid": pid, "blocked_by": blocked_by, "query": query})


def parsed(html):
    return ET.fromstring(html.replace("<br>", "<br/>"))


def test_failed_and_other_requests_are_both_drawn_with_onset_and_change():
    series = rates(*((10, 3 if minute > 5 else 0) for minute in range(15)))
    change = (AT + timedelta(minutes=4), "backend", f"deployed {HOSTILE}")
    html = plot_rates(series, WINDOW, onset=AT + timedelta(minutes=6), changes=[change])
    drawn = parsed(html)
    assert len(drawn.findall(".//rect[@class='bad']")) == 9
    assert len(drawn.findall(".//rect[@class='s1']")) == 15
    assert "onset 14:36:00" in html
    assert HOSTILE not in html


def test_the_caption_says_what_is_counted():
    html = plot_rates(rates((4, 2), name="log lines, errors"), WINDOW)
    assert "backend: log lines, errors in red" in html
    assert "2 of 4 failed" in html


def test_an_empty_log_draws_an_empty_plot():
    assert parsed(plot_rates(rates(), WINDOW)).findall(".//rect") == []


def test_nothing_is_lost_in_adding_up():
    slots = add_up(rates(*[(7, 1)] * 15), AT, 90.0)
    assert sum(total for _, total, _ in slots) == 105
    assert sum(failed for _, _, failed in slots) == 15


def test_a_mostly_empty_window_is_zoomed():
    start, end = zoom(WINDOW, [AT + timedelta(minutes=14)])
    assert start > AT + timedelta(minutes=13)
    assert end == WINDOW.end
    assert zoom(WINDOW, [AT]) == (WINDOW.start, WINDOW.end)


def test_bars_show_names_numbers_limits_and_how_many_are_left_out():
    bars = [Bar(label=f"{n} {HOSTILE}", parts=(("s1", n, "used"),), limit=40.0) for n in range(30)]
    html = plot_bars("Memory", bars, unit="_bytes")
    assert "(the first 25 of 30)" in html
    assert len(parsed(html).findall(".//line[@class='mark critical']")) == 25
    assert "<script>" not in html


def test_the_root_blocker_stands_above_its_waiters():
    html = plot_locks([session(3, 2), session(2, 1), session(1, query=HOSTILE), session(4, 1)])
    tree = parsed(html)
    roots = tree.findall("./li")
    assert ["".join(root.find("b").itertext()) for root in roots] == ["pid 1"]
    assert "pid 3" in "".join(roots[0].find("./ul/li").itertext())
    assert "<script>" not in html


def test_a_circle_of_waiters_ends():
    assert "they wait for each other" in plot_locks([session(1, 2), session(2, 1)])


def test_a_prepared_transaction_is_named():
    assert "prepared transaction" in plot_locks([session(0), session(5, 0)])


def test_moments_outside_the_window_are_left_out():
    late = (WINDOW.end + timedelta(hours=1), "x", "too late")
    html = plot_moments(WINDOW, AT + timedelta(minutes=3), [late, (AT, "backend", HOSTILE)])
    assert "too late" not in html
    assert "onset" in html
    assert "<script>" not in html


def test_the_map_names_every_target_and_colours_it():
    topology = Topology(
        kinds={"web": "http", "api": "http", "db": "postgres", "host": "host"},
        depends_on={"web": ("api",), "api": ("db", "gone")},
    )
    html = plot_topology(topology, {"db": FindingSeverity.CRITICAL})
    drawn = parsed(html)
    assert [group.get("class") for group in drawn.findall(".//g")] == [
        "iw-unknown",
        "iw-unknown",
        "iw-critical",
    ]
    assert len(drawn.findall(".//path")) == 2


def test_a_map_with_a_circle_ends():
    assert layers(Topology(kinds={"a": "", "b": ""}, depends_on={"a": ("b",), "b": ("a",)}))
