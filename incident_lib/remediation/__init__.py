"""Approved mitigations: plan, approve, execute, verify. The only code that changes a target."""

from incident_lib.connections.change import Action, Argument, RefusedError
from incident_lib.remediation.actions import ACTIONS, find_action
from incident_lib.remediation.execution import execute_plan, plan_change
from incident_lib.remediation.proposals import command_of, proposed_actions
from incident_lib.remediation.text import approval, render_outcome, render_plan

__all__ = [
    "ACTIONS",
    "Action",
    "Argument",
    "RefusedError",
    "approval",
    "command_of",
    "execute_plan",
    "find_action",
    "plan_change",
    "proposed_actions",
    "render_outcome",
    "render_plan",
]
