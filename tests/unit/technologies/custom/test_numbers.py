"""Numbers in what files, commands, JSON and pages of metrics say."""

import pytest

from incident_lib.errors import TargetError
from incident_lib.technologies.custom.probes.numbers import first_number, number_in_json, samples

PAGE = r"""# HELP jobs Jobs waiting
# TYPE jobs gauge
jobs{queue="mail",path="C:\\x, \"y\""} 7 1700000000000
jobs{queue="pay"} 1.5e3
jobs{queue="lost"} NaN
jobs_total 9
up 1 # {trace_id="a"} 1
"""


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("  -1.5e3 x", -1500), ("12 /srv/a1", 12), ("load: 0.52, 0.6", 0.52), ("pg16 3", 3)],
)
def test_the_first_number(text, number):
    assert first_number(text, "it") == number


@pytest.mark.parametrize("text", ["", "none", "v1x"])
def test_no_number(text):
    with pytest.raises(TargetError, match="it holds no number"):
        first_number(text, "it")


def test_json():
    assert number_in_json('{"a": {"b": [1, {"c": 2}]}}', "$.a.b[1].c") == 2
    assert number_in_json('{"a": null}', "a") is None
    assert number_in_json('{"a": "7"}', "a") == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>", "not JSON"),
        ('{"b": 1}', "nothing at a"),
        ('{"a": {}}', "is not a number"),
        ("3", "nothing at a"),
    ],
)
def test_json_without_the_number(text, said):
    with pytest.raises(TargetError, match=said):
        number_in_json(text, "a")


def test_samples():
    assert [value for value, _ in samples(PAGE, "jobs", {})] == [7, 1500]
    assert samples(PAGE, "jobs", {"queue": "pay"}) == ((1500, {"queue": "pay"}),)
    assert samples(PAGE, "jobs", {})[0][1]["path"] == 'C:\\x, "y"'
    assert samples(PAGE, "up", {}) == ((1, {}),)
    assert samples(PAGE, "job", {}) == ()
