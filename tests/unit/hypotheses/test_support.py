"""A hypothesis names ids; which target's finding is meant follows from what needs what."""

import pytest

from incident_lib.hypotheses import findings_named
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

CRITICAL, WARNING, OK = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.OK
GRAPH = Topology(depends_on={"web": ("api",), "api": ("db", "cache"), "batch": ("cache",)})
NAME = "logs.lines.errors"


def found(target, severity=WARNING, name=NAME):
    return Finding(id=name, severity=severity, target=target, title=f"{target} fails")


@pytest.mark.parametrize(
    ("blamed", "there", "meant"),
    [
        ("api", ("web", "api", "db"), "api"),
        ("db", ("web", "api", "batch"), "api"),
        ("db", ("web", "batch"), "web"),
        ("cache", ("db", "web", "batch"), "batch"),
        ("web", ("db", "batch"), "db"),
        ("db", ("batch",), "batch"),
    ],
)
def test_the_nearest_target_is_meant(blamed, there, meant):
    for order in (there, there[::-1]):
        (one,) = findings_named((NAME,), blamed, [found(target) for target in order], GRAPH)
        assert one.target == meant


def test_of_two_as_near_the_worse_is_meant():
    (one,) = findings_named((NAME,), "api", [found("db", OK), found("cache", CRITICAL)], GRAPH)
    assert one.target == "cache"


def test_a_ref_means_just_that_finding():
    (one,) = findings_named((f"web:{NAME}",), "api", [found("api"), found("web")], GRAPH)
    assert one.target == "web"


def test_names_keep_their_order_and_unknown_ones_are_left_out():
    other = found("db", name="postgres.locks.blocked")
    named = findings_named(("no.such", other.id, NAME), "db", [found("api"), other], GRAPH)
    assert [one.id for one in named] == [other.id, NAME]


def test_targets_that_need_each_other_end():
    circle = Topology(depends_on={"a": ("b",), "b": ("a",)})
    assert findings_named((NAME,), "a", [found("b")], circle)[0].target == "b"
