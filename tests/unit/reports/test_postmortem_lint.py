import pytest

from incident_lib.redact import Redactor
from incident_lib.reports.generated import block
from incident_lib.reports.postmortem_lint import lint


def found(text, **options):
    return [(one.line, one.rule, one.text) for one in lint(text, **options)]


@pytest.mark.parametrize(
    "text",
    [
        "human error",
        "should have",
        "could have",
        "They failed to",
        "the engineer forgot to",
        "careless",
        "to blame",
    ],
)
def test_blame_is_found_with_its_line(text):
    (one,) = lint(f"## Summary\n\nIt was {text} here.\n")
    assert (one.line, one.rule) == (3, "blame")
    assert one.advice


@pytest.mark.parametrize(
    "text", ["The container failed to start at 14:31.", "Requests failed.", "It shall have room."]
)
def test_what_machines_do_is_no_blame(text):
    assert found(f"## Summary\n{text}\n") == []


def test_names_are_found_in_causes_only():
    text = "## Summary\nJane Doe called.\n## Root cause\nAt 14:31 Jane ran it, says @joe.\n"
    assert found(text, names=["Jane Doe", "@joe", ""]) == [(4, "name", "@joe"), (4, "name", "Jane")]


def test_roles_and_addresses_are_no_names():
    text = "## Root cause\nAt 14:31 the backend on-call wrote to support@example.com.\n"
    assert found(text, names=["Backend on-call", "Engineering manager"]) == []


def test_claims_about_causes_need_evidence():
    text = (
        "## Root cause\nThe lock was held\nby `postgres.locks.blocked`.\n\nThe pool was too small.\n"
        "- Found at 14:31\n- Just so\nUnknown.\n"
    )
    assert found(text) == [(5, "claim", "The pool was too small."), (7, "claim", "Just so Unknown.")]


def test_action_items_need_verb_owner_and_date():
    head = "## Action items\n\n| # | Action | Owner | Priority | Due |\n|---|---|---|---|---|\n"
    assert found(f"{head}| 1 | Add an alert | Data Team | P1 | 2026-02-01 |\n") == []
    assert found(f"{head}| 1 | ~~Better tests~~ | - | P1 | - |\n") == []
    wrong = found(f"{head}| 1 | Better monitoring | everyone | P1 | soon |\n")
    assert [text.split(":")[0] for _, _, text in wrong] == ["Better monitoring", "no date", "no owner"]
    assert found(f"{head}| 1 | Improve tests | Jane | P1 | 2026-02-01 |\n") == [
        (5, "action-item", "Improve tests")
    ]


def test_no_action_item_is_told():
    assert found("## Action items\n\nNone.\n") == [(3, "action-item", "no action item")]


def test_empty_sections_and_what_waits_are_told():
    text = "## Summary\n\n## Root cause\n\n### Five whys\n1. _TO WRITE: answer_\n"
    assert found(text) == [(1, "empty", "Summary"), (6, "to-write", "answer")]


def test_an_offer_that_waits_is_told_and_code_is_not_read():
    text = "## Summary\nDone.\n" + block("summary", "New.", role="offer") + "```\nhuman error\n```\n"
    assert [rule for _, rule, _ in found(text)] == ["offer"]


def test_a_secret_is_told_without_repeating_it():
    (one,) = lint("## Summary\npassword=hunter2\n", redact=Redactor().text)
    assert one.rule == "secret"
    assert "hunter2" not in one.text
