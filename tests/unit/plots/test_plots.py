"""Records become drawings: what must be seen is in them, and what strangers wrote is text."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import msgspec

from incident_lib.model import FindingSeverity, Window
from incident_lib.model.topology import Topology
from incident_lib.plots.graph import layers, plot_topology
from incident_lib.plots.locks import plot_locks
from incident_lib.plots.moments import plot_moments
from incident_lib.technologies.postgres.rows import PostgresLockSession

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
WINDOW = Window(AT, AT + timedelta(minutes=15))
HOSTILE = "<script>&\"'"


def session(pid, *blocked_by, query="UPDATE x"):
    fields = {one.name: None for one in msgspec.structs.fields(PostgresLockSession) if one.required}
    return PostgresLockSession(**{**fields, "pid": pid, "blocked_by": blocked_by, "query": query})


def parsed(html):
    return ET.fromstring(html.replace("<br>", "<br/>"))


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
