"""Plans and outcomes -> text for people. Pure."""

from collections.abc import Iterator

from incident_lib.clock import format_time
from incident_lib.model.commands import Commands
from incident_lib.model.remediation import Affected, Outcome, OutcomeStatus, Plan
from incident_lib.units import format_bytes


def render_plan(plan: Plan, commands: Commands) -> str:
    """Return a plan as people read it: what would be done to what, the risks, and how to approve it."""
    return "\n".join(_plan_lines(plan, commands)) + "\n"


def _plan_lines(plan: Plan, commands: Commands) -> Iterator[str]:
    yield f"{plan.title}"
    yield f"Plan {plan.id}, made {format_time(plan.created_at)}. Nothing has been changed."
    for heading, lines in (
        ("Commands", plan.commands),
        ("Steps, for you to do", tuple(f"{number}. {step}" for number, step in enumerate(plan.steps, 1))),
        ("Affected", tuple(affected_line(item) for item in plan.affected)),
        ("Risks", plan.risks),
        ("Undo", (plan.undo,) if plan.undo else ()),
    ):
        if lines:
            yield ""
            yield heading
            yield from (f"  {line}" for line in lines)
    if plan.is_executable:
        yield ""
        yield f"To approve exactly this, before {format_time(plan.expires_at)}:"
        yield f"  {approval(plan, commands)}"


def affected_line(item: Affected) -> str:
    """Return a line on something that is affected.

    >>> affected_line(Affected(what="keys", count=12000, detail="such as cache:1"))
    'keys: 12,000 (such as cache:1)'
    >>> affected_line(Affected(what="freed", count=3_000_000, unit="B"))
    'freed: 2.9 MiB'
    """
    if item.count is None:
        return f"{item.what}: {item.detail or 'not known'}"
    number = format_bytes(item.count) if item.unit == "B" else f"{item.count:,} {item.unit}".strip()
    return f"{item.what}: {number}{f' ({item.detail})' if item.detail else ''}"


def approval(plan: Plan, commands: Commands) -> str:
    """Return the command line that approves a plan, to be typed or pasted."""
    return commands.line("mitigate", plan.action, plan.target, "--yes", plan.id)


def render_outcome(outcome: Outcome) -> str:
    """Return the outcome of a plan."""
    return "\n".join(_outcome_lines(outcome)) + "\n"


_HEADS = {
    OutcomeStatus.VERIFIED: "Done and verified",
    OutcomeStatus.NOT_VERIFIED: "Done, but the target does not show it",
    OutcomeStatus.PARTIAL: "Done in part",
    OutcomeStatus.FAILED: "Failed",
    OutcomeStatus.INTERRUPTED: "Interrupted",
}


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    yield f"{_HEADS[outcome.status]}: {outcome.done}"
    yield from (f"  seen: {line}" for line in outcome.evidence)
    if outcome.next_step:
        yield f"  next: {outcome.next_step}"
