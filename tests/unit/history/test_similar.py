import shutil

import pytest

from incident_lib.history.similar import likeness, signature, similar_incidents
from incident_lib.incident.events import Draft
from incident_lib.model import Analysis, EventKind
from tests.unit.history.made import FULL, KINDS, LOCKED, analysis, finding, hypothesis, incident, resolve


def mark(one):
    return signature(one, KINDS.kinds)


def test_the_same_first_hypothesis_weighs_more_than_everything_else():
    now = mark(FULL)
    same_first = mark(analysis([hypothesis("redis-out-of-memory", "cache")]))
    same_rest = mark(analysis([hypothesis("endpoint-error", "backend")], FULL.findings))
    assert likeness(now, same_first) > likeness(now, same_rest) > 0


def test_another_target_of_the_same_kind_is_as_good_and_of_another_kind_less():
    now = mark(analysis([hypothesis("service-down", "cache")]))
    other_name = mark(analysis([hypothesis("service-down", "sessions")]))
    other_kind = mark(analysis([hypothesis("service-down", "backend")]))
    assert likeness(now, other_name) == likeness(now, now)
    assert 0 < likeness(now, other_kind) < likeness(now, other_name)


def test_likeness_is_the_same_both_ways_and_healthy_is_like_nothing():
    healthy = mark(Analysis(snapshot="s"))
    assert likeness(mark(FULL), mark(LOCKED)) == likeness(mark(LOCKED), mark(FULL))
    assert likeness(healthy, healthy) == 0
    assert likeness(mark(FULL), healthy) == 0


def test_without_hypotheses_the_same_findings_are_still_alike():
    odd = mark(analysis([], [finding("host.disk.full", "backend")]))
    assert 0.5 < likeness(odd, odd) < 1


def test_the_answer_says_why_and_what_helped(tmp_path):
    old = incident(tmp_path, "Cache full", FULL, Analysis(snapshot="after"))
    done = {"phase": "ended", "status": "verified"}
    for phase in ({"phase": "begun"}, done):
        text = "Delete cache:*: verified" if phase is done else "Approved and begun: Delete cache:*"
        old.record(Draft(kind=EventKind.MITIGATION, text=text, source="mitigate", data=phase))
    resolve(old, "keys were deleted")
    (old.path / "postmortem-2026-01-15.md").write_text(
        "## Root cause\n\n_TO WRITE: why_\n\nNobody set an expiry.\n"
    )
    incident(tmp_path, "Locked", LOCKED)
    now = incident(tmp_path, "Now", FULL)
    answer = similar_incidents(tmp_path, FULL, KINDS, now.id)
    assert answer.known == answer.looked_at == 2
    (first,) = answer.found
    assert (first.incident, first.score) == (old.id, 1.0)
    assert first.why[0] == "the same first hypothesis: redis-out-of-memory, at cache again"
    assert first.resolution.reason == "keys were deleted"
    assert first.resolution.mitigations == ("Delete cache:*: verified",)
    assert first.resolution.cause == "Nobody set an expiry."


@pytest.mark.parametrize(
    ("name", "verdict", "cause"),
    [("redis-slow", "refuted", ""), ("lock-contention", "confirmed", "confirmed: lock-contention")],
)
def test_what_people_concluded_counts(tmp_path, name, verdict, cause):
    both = analysis([hypothesis("redis-slow", "cache"), hypothesis("lock-contention", "db", 2, 0.4)])
    old = incident(tmp_path, "old", both)
    old.record(
        Draft(
            kind=EventKind.DECISION,
            text="",
            source="postmortem",
            data={"hypothesis": name, "verdict": verdict},
        )
    )
    slow = analysis([hypothesis("redis-slow", "cache")])
    locks = analysis([hypothesis("lock-contention", "db")])
    assert similar_incidents(tmp_path, slow, KINDS).found == ()
    (first,) = similar_incidents(tmp_path, locks, KINDS).found
    assert first.why[0].startswith("the same first hypothesis")
    assert first.resolution.cause == cause


def test_time_that_is_up_is_said(tmp_path):
    for number in range(3):
        incident(tmp_path, f"old {number}", FULL)
    answer = similar_incidents(tmp_path, FULL, KINDS, deadline_seconds=-1.0)
    assert (answer.looked_at, answer.known, answer.found) == (0, 3, ())


def test_damage_is_told_and_hides_nothing(tmp_path):
    gone, well = incident(tmp_path, "gone", FULL), incident(tmp_path, "well", FULL)
    shutil.rmtree(gone.path / "events")
    answer = similar_incidents(tmp_path, FULL, KINDS)
    assert [one.incident for one in answer.found] == [well.id]
    assert [one.path for one in answer.damaged] == [gone.id]
