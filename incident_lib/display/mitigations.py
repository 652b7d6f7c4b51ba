"""Changes in notebooks: what is proposed, the plan, and executing it once its id was typed.

A refusal is an answer here, and no stack trace: the notebook runs to its end whatever is down.
"""

import shlex
from html import escape

from incident_lib.display.block import Block
from incident_lib.display.grid import plain
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import (
    ACTIONS,
    RefusedError,
    command_of,
    execute_plan,
    plan_change,
    proposed_actions,
    render_outcome,
    render_plan,
)
from incident_lib.remediation.journal import events_of
from incident_lib.reports import blocks
from incident_lib.units import format_count

_KINDS = {OutcomeStatus.VERIFIED: "ok", OutcomeStatus.FAILED: "critical"}


def proposals(case: Case) -> Block:
    """Return the changes that the diagnosis supports, the likeliest first. Changes nothing."""
    found = proposed_actions(case.analysis, case.settings)
    if not found:
        note = "No finding or hypothesis proposes a change that can be executed with this configuration."
        if case.looks_back:
            note = "This case covers a time range in the past: nothing is proposed for it."
        return Block(blocks.note(note), "nothing is proposed")
    rows = [(proposal.action, proposal.target, proposal.text) for proposal in found]
    html = plain("Suggested actions", ("action", "target", "because"), rows)
    for proposal in found:
        line = command_of(proposal, case.commands)
        html += blocks.command(f"To plan {proposal.action} of {proposal.target}:", line)
    return Block(html, format_count(len(rows), "proposal"))


def actions() -> Block:
    """Return every change that there is, with its arguments."""
    rows = [
        (
            action.id,
            action.title,
            action.targets,
            "; ".join(f"{arg}: {arg.help}" for arg in action.arguments),
        )
        for action in ACTIONS.values()
    ]
    heads = ("action", "does", "target", "arguments")
    return Block(plain("Actions", heads, rows), format_count(len(rows), "action"))


def plan(case: Case, action: str, target: str, arguments: str = "") -> Block:
    """Return what a change would do; it is kept in the incident and changes nothing.

    `arguments` are `NAME=VALUE`, a space between them: "pid=4711".
    """
    if not (action and target):
        summary = (
            "No action is chosen: set `action` and `target` in the second cell, and run this cell again."
        )
        return Block(blocks.note(summary), "no plan")
    try:
        made = plan_change(case.settings, _folder(case), action, target, _arguments(arguments))
    except (UsageError, FolderError) as error:
        return Block(blocks.note(f"No plan: {error}", kind="warning"), "no plan")
    summary = f"Plan {made.id}: nothing has been changed"
    return Block(
        f'<pre class="iw-log" tabindex="0">{escape(render_plan(made, case.commands))}</pre>', summary
    )


def carry_out(case: Case, approval: str) -> Block:
    """Execute the plan whose id was typed as `approval` and return its outcome; "" changes nothing."""
    if not approval:
        summary = "Nothing was approved or changed. To approve the plan above, enter its id."
        return Block(blocks.note(summary), "nothing was changed")
    try:
        outcome = execute_plan(case.settings, _folder(case), approval.strip())
    except (UsageError, FolderError) as error:
        return Block(blocks.note(f"Not executed: {error}", kind="critical"), "not executed")
    head, _, rest = render_outcome(outcome).partition("\n")
    kind = _KINDS.get(outcome.status, "warning")
    return Block(
        blocks.note(head, kind=kind) + f'<pre class="iw-log" tabindex="0">{escape(rest)}</pre>', head
    )


def journal(case: Case) -> Block:
    """Return every change of the incident so far: planned, begun, ended. Source: its timeline, read now."""
    events = events_of(_folder(case)) if case.folder else ()
    if not events:
        return Block(blocks.note("Nothing was planned or changed in this incident."), "nothing was changed")
    entries = [(event.recorded_at, str(event.data["phase"]), event.text) for event in events]
    return Block(blocks.timeline(entries), format_count(len(entries), "entry"))


def _folder(case: Case) -> IncidentFolder:
    if case.folder is None:
        raise RefusedError("a change belongs to an incident; declare it first")
    return case.folder


def _arguments(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RefusedError(f"arguments {text!r}: {error}") from error
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, separator, _ in pairs if not separator]:
        raise RefusedError(f"arguments: {wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}
