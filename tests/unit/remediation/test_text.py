from datetime import UTC, datetime, timedelta

import msgspec

from incident_lib.model.commands import Commands
from incident_lib.model.remediation import Affected, Outcome, OutcomeStatus, Plan
from incident_lib.remediation.text import render_outcome, render_plan

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC)
COMMANDS = Commands(config="/srv/a b/workbench.toml", incident="2026-01-15-checkout")
PLAN = Plan(
    id="0123456789abcdef",
    incident="2026-01-15-checkout",
    action="redis.delete_keys",
    target="cache",
    title="Delete keys: cache",
    created_at=AT,
    expires_at=AT + timedelta(minutes=10),
    commands=("SCAN 0 MATCH cache:*", "UNLINK KEY..."),
    affected=(Affected(what="keys", count=1200, detail="such as cache:1"),),
    risks=("the database has to make them again",),
    undo="none",
)


def test_a_plan_says_what_to_what_at_which_risk_and_how_to_approve_it():
    assert render_plan(PLAN, COMMANDS) == (
        "Delete keys: cache\n"
        "Plan 0123456789abcdef, made 2026-01-15 14:31:05 UTC. Nothing has been changed.\n"
        "\nCommands\n  SCAN 0 MATCH cache:*\n  UNLINK KEY...\n"
        "\nAffected\n  keys: 1,200 (such as cache:1)\n"
        "\nRisks\n  the database has to make them again\n"
        "\nUndo\n  none\n"
        "\nTo approve exactly this, before 2026-01-15 14:41:05 UTC:\n"
        "  incident mitigate redis.delete_keys cache --yes 0123456789abcdef"
        " --incident 2026-01-15-checkout --config '/srv/a b/workbench.toml'\n"
    )


def test_a_checklist_is_not_to_be_approved():
    plan = msgspec.structs.replace(PLAN, commands=(), steps=("Call them.", "Look again."))
    text = render_plan(plan, COMMANDS)
    assert "  1. Call them.\n  2. Look again.\n" in text
    assert "--yes" not in text


def test_an_outcome_says_what_was_done_and_what_was_seen():
    outcome = Outcome(
        plan=PLAN.id,
        action=PLAN.action,
        target="cache",
        status=OutcomeStatus.NOT_VERIFIED,
        began_at=AT,
        ended_at=AT,
        done="unlinked 7 keys",
        evidence=("SCAN: 900 keys match now",),
        next_step="find what writes them",
    )
    assert render_outcome(outcome) == (
        "Done, but the target does not show it: unlinked 7 keys\n"
        "  seen: SCAN: 900 keys match now\n"
        "  next: find what writes them\n"
    )
