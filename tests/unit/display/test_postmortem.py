"""The review in notebooks: all of it from the folder, with snapshots, without, and with a text."""

import pytest

from incident_lib.display import postmortem as show
from incident_lib.errors import UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, declare
from incident_lib.investigation.review import open_review
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.redact import Redactor
from tests.notebooks import sample

ANSWERS = (show.story, show.durations, show.impact, show.hypotheses, show.unknown, show.written)
TEXT = "# Post-mortem\n## Summary\nDone.\n## Root cause\nIt was human error.\n## Impact\n_TO WRITE: what?_\n"


@pytest.fixture
def bare(tmp_path):
    declaration = Declaration(title="All is down", severity=IncidentSeverity.SEV1, started_at=sample.AT)
    return declare(tmp_path / "incidents", declaration, Redactor())


@pytest.fixture
def seen(tmp_path):
    return sample.made(tmp_path).folder


def test_without_a_snapshot_every_answer_says_so(bare):
    review = open_review(str(bare.path))
    html = {answer.__name__: answer(review).html for answer in ANSWERS}
    assert "It began, as declared" in html["story"]
    assert "No snapshot was taken" in html["story"]
    assert "unknown" in html["durations"]
    assert "How many requests failed is unknown" in html["impact"]
    assert "No snapshot was taken" in html["hypotheses"]
    assert "Everything that evidence would show" in html["unknown"]
    assert "Not written yet" in html["written"]
    assert f"incident postmortem --incident {bare.path}" in html["written"]


def test_hypotheses_keep_what_speaks_for_them_and_their_fate(seen):
    verdict = {"hypothesis": "bad-deploy", "verdict": "refuted"}
    seen.record(Draft(kind=EventKind.DECISION, text="refuted", source="Kim", data=verdict))
    html = show.hypotheses(open_review(str(seen.path))).html
    assert html.index("idle-in-transaction") < html.index("Refuted by a person")
    assert "seen in 1 of 1 snapshot" in html
    assert "A new version was deployed: 1.42.0" in html


def test_every_line_of_the_story_has_a_source(seen):
    html = show.story(open_review(str(seen.path))).html
    assert "recorded by Kim" in html
    assert "container.state.changed" not in html
    assert "postgres.locks.blocked in " in html


def test_what_is_missing_in_the_text_and_where_it_is(seen):
    path = open_review(str(seen.path)).path
    path.write_text(TEXT)
    html = show.written(open_review(str(seen.path))).html
    assert "1 section to write" in html
    assert "Still to write: Impact." in html
    assert "human error" in html
    assert f'<a href="../../../{path.name}">' in html
    path.with_suffix(".html").write_text("<p>")
    assert f'href="../../../{path.stem}.html"' in show.written(open_review(str(seen.path))).html


def test_hostile_names_are_text(seen):
    seen.record(Draft(kind=EventKind.NOTE, text=sample.HOSTILE, source=sample.HOSTILE))
    review = open_review(str(seen.path))
    for answer in ANSWERS:
        assert "<script" not in answer(review).html
        assert "<img" not in answer(review).html


def test_a_snapshot_that_does_not_exist_is_a_wrong_call(bare):
    with pytest.raises(UsageError, match="has no snapshot"):
        open_review(str(bare.path), snapshot="20200101T000000Z")
