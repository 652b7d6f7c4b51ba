"""`incident mitigate`: shows a plan and changes nothing, or carries out the plan that was approved."""

import argparse
import sys
from typing import Any

from incident_lib.cli import BAD, DONE, PARTIAL
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import plain
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import check_configuration
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.model.remediation import OutcomeStatus, Plan
from incident_lib.remediation import (
    ACTIONS,
    RefusedError,
    execute_plan,
    plan_change,
    render_outcome,
    render_plan,
)
from incident_lib.remediation.execution import NotRecordedError
from incident_lib.remediation.journal import load_plan


def mitigate(arguments: argparse.Namespace) -> int:
    """Return 0, 1 when a plan was carried out and not verified, 3 when its end could not be recorded.

    A refusal is raised and ends in 2.
    """
    if arguments.list:
        return _list(as_json=arguments.json)
    if not (arguments.action and arguments.target):
        raise UsageError(
            "give an ACTION and a TARGET; --list shows the actions",
            command=("mitigate", "--list"),
        )
    settings = load_settings(arguments.config or "", arguments.incident)
    folder, remark = folders.find_to_change(settings.incidents, arguments.incident, redactor_for(settings))
    if remark:
        raise UsageError(f"{remark} To use it, add --incident {folder.id}")
    folder.require_own()
    typed = ("mitigate", arguments.action, arguments.target, *_typed(arguments))
    if words := check_configuration(settings, folder, *typed, rebind=arguments.rebind):
        sys.stderr.write(f"{plain(words)}\n")
    if arguments.yes is None:
        return _plan(settings, folder, arguments)
    return _execute(settings, folder, arguments)


def _typed(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the words behind action and target, as they were typed."""
    words = tuple(word for given in arguments.arg for word in ("--arg", given))
    return (*words, "--yes", arguments.yes) if arguments.yes else words


def _plan(settings: Settings, folder: IncidentFolder, arguments: argparse.Namespace) -> int:
    plan = plan_change(settings, folder, arguments.action, arguments.target, _arguments(arguments.arg))
    return _print(plan, render_plan(plan, settings.commands(folder.path)), as_json=arguments.json)


def _execute(settings: Settings, folder: IncidentFolder, arguments: argparse.Namespace) -> int:
    _check_same(load_plan(folder, arguments.yes), arguments)
    try:
        outcome = execute_plan(settings, folder, arguments.yes)
    except NotRecordedError as error:  # it was done: whoever reads a failure would do it again
        sys.stderr.write(f"incident: {plain(str(error))}\n")
        return PARTIAL
    _print(outcome, render_outcome(outcome), as_json=arguments.json)
    return DONE if outcome.status is OutcomeStatus.VERIFIED else BAD


def _check_same(plan: Plan, arguments: argparse.Namespace) -> None:
    """Refuse where line and plan say different things: either is not what the person meant."""
    given = _arguments(arguments.arg)
    same = (plan.action, plan.target) == (arguments.action, arguments.target)
    if not same or any(plan.arguments.get(name) != value for name, value in given.items()):
        planned = " ".join((plan.action, plan.target, *(f"{k}={v}" for k, v in plan.arguments.items() if v)))
        raise RefusedError(f"the plan {plan.id} is for a different change: {planned}; nothing was changed")


def _arguments(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name in found:
            raise UsageError(f"--arg {word}: use --arg NAME=VALUE, each name once")
        found[name] = value
    return found


def _print(document: Any, text: str, *, as_json: bool) -> int:
    if as_json:
        print_json(document)
    else:
        sys.stdout.write("".join(f"{plain(line)}\n" for line in text.splitlines()))
    return 0


def _list(*, as_json: bool) -> int:
    listed = [
        {
            "action": action.id,
            "title": action.title,
            "targets": action.targets,
            "arguments": {argument.name: argument.help for argument in action.arguments},
            "executes": action.carry_out is not None,
        }
        for action in ACTIONS.values()
    ]
    lines = []
    for action in ACTIONS.values():
        lines.append(f"{action.id:18} {action.title}; TARGET: {action.targets}")
        lines += [f"{'':18}   --arg {argument}: {argument.help}" for argument in action.arguments]
    return _print(listed, "\n".join(lines), as_json=as_json)
