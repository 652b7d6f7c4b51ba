"""Expressions that are made ready at their first use: as `re` has them, for whoever uses them first."""

import pickle
import re
import subprocess
import sys

import pytest

from incident_lib.expressions import expression


def test_an_expression_does_what_that_of_re_does() -> None:
    text = "the Pool of 9 is full, the POOL of 12 is not"
    for ours, real in (
        (expression(r"\bpool of (?P<size>\d+)", re.IGNORECASE), re.compile(r"(?i)\bpool of (?P<size>\d+)")),
        (expression(r"[a-z]+"), re.compile(r"[a-z]+")),
    ):
        assert [match.span() for match in ours.finditer(text)] == [m.span() for m in real.finditer(text)]
        assert ours.findall(text) == real.findall(text)
        assert ours.sub("-", text, count=1) == real.sub("-", text, count=1)
        assert ours.split(text) == real.split(text)
        assert (ours.groupindex, ours.groups) == (real.groupindex, real.groups)
        for method in ("search", "match", "fullmatch"):
            found, expected = getattr(ours, method)(text, 4), getattr(real, method)(text, 4)
            assert (found and found.span()) == (expected and expected.span())


def test_an_expression_of_bytes_and_flags_is_kept_when_it_is_sent() -> None:
    kept = pickle.loads(pickle.dumps(expression(rb"full\Z", re.IGNORECASE)))
    assert kept.search(b"the pool is FULL")
    assert kept.pattern == rb"full\Z"
    assert kept.flags == re.IGNORECASE


def test_a_wrong_expression_is_wrong_when_it_is_used() -> None:
    wrong = expression("(unclosed")
    with pytest.raises(re.error):
        wrong.search("")


def test_every_expression_that_ships_can_be_made_ready() -> None:
    """In a process of its own: this one knows a wrong expression."""
    modules = (
        "incident_lib.cli.run, incident_lib.cli.logs, incident_lib.run.export, incident_lib.reports.public"
    )
    code = f"import {modules}, incident_lib.expressions as e; e.make_ready(); print(len(e._known))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 300
