"""What a batch runner hands over as parameters of a notebook, and what is made of it."""

from datetime import date
from typing import Any

import pytest

from incident_lib import open_investigation
from incident_lib.errors import UsageError
from incident_lib.investigation.parameters import read_parameters

GIVEN: dict[str, Any] = {"incident": "", "snapshot": "new", "since": "15m", "config": ""}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("since", 900, "900s"),
        ("since", 90.5, "90.5s"),
        ("since", "900", "900s"),
        ("since", "15m", "15m"),
        ("since", date(2026, 1, 15), "2026-01-15"),
        ("since", None, ""),
        ("incident", 20260115, "20260115"),
        ("incident", date(2026, 1, 15), "2026-01-15"),
        ("config", None, ""),
    ],
)
def test_what_was_meant_is_read(name: str, value: object, text: str) -> None:
    assert getattr(read_parameters(**{**GIVEN, name: value}), name) == text


@pytest.mark.parametrize("name", sorted(GIVEN))
@pytest.mark.parametrize("value", [True, ["15m"], {"a": 1}, b"new"])
def test_what_is_no_text_gets_a_sentence_that_names_it(name: str, value: Any) -> None:
    given = {**GIVEN, name: value}
    incident = given.pop("incident")
    with pytest.raises(UsageError, match=f"the parameter {name} is .* must be a string"):
        open_investigation(incident, **given)
