"""A case explored by hand: what the Tab key lists, and what a mistyped name is answered with."""

from pathlib import Path

import pytest

import incident_lib
from incident_lib.config import Document, Settings
from incident_lib.errors import UsageError
from incident_lib.investigation.case import Case, load_case
from tests.notebooks import sample

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case(Settings(document=Document(), root=Path("/nowhere")), STORED)


def test_the_tab_key_lists_probes_and_names(case):
    assert "postgres.locks" in case._ipython_key_completions_()
    assert len(case["postgres.locks"]) == len(case.frame("postgres.locks"))
    assert {"refresh", "between", "attach", "note", "frame", "logs"} <= set(dir(case))
    assert not [name for name in dir(case) if name.startswith("_")]
    assert "open_investigation" in dir(incident_lib)


def test_a_mistyped_beginning_of_findings_is_no_silence(case, caplog):
    assert case.findings("postgers") == ()
    assert "did you mean `postgres`" in caplog.text
    assert case.of("postgres.lokcs") == ()
    assert "did you mean `postgres.locks`" in caplog.text
    caplog.clear()
    case.findings("postgres", "docker", "container.state", "redis.memory")
    case.of("redis.memory")
    assert caplog.text == ""


def test_a_mistyped_service_has_no_log(case):
    with pytest.raises(UsageError, match="did you mean `backend`"):
        case.log_text("backnd")


def test_an_event_is_short(tmp_path):
    event = sample.made(tmp_path, "Checkout").note("the vendor answers at 15:00")
    assert repr(event).startswith("<Event note ")
    assert len(repr(event)) < 100
    assert "the vendor answers" in event._repr_html_()
