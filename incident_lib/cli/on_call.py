"""`incident on-call`: who has the pager, who is notified at this severity, who comes next."""

import argparse
from typing import Any

from incident_lib import clock
from incident_lib.cli.arguments import print_json
from incident_lib.incident import folder as folders
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands
from incident_lib.response.on_call import on_call as find_duty


def on_call(arguments: argparse.Namespace) -> int:
    """Return 0. Prints who is on call; with an incident or a severity also who is notified and comes next."""
    settings = load_settings(arguments.config or "", arguments.incident)
    redactor = redactor_for(settings)
    folder = (
        folders.find(settings.incidents, arguments.incident, redactor)
        if arguments.incident
        else folders.newest_open(settings.incidents, redactor)
    )
    duty = find_duty(
        settings,
        folder,
        at=clock.parse_time(arguments.at) if arguments.at else clock.now(),
        severity=IncidentSeverity.parse(arguments.severity) if arguments.severity else None,
        reports=arguments.reports,
        maintenance=arguments.maintenance,
    )
    if arguments.json:
        return print_json(duty)
    return _print(duty, settings.commands(folder.path if folder else None))


def _print(duty: dict[str, Any], commands: Commands) -> int:
    why = f", {duty['why']}" if duty["why"] else ""
    until = f", until {duty['until']}" if duty["until"] else ""
    print(f"On call at {duty['at']}: {duty['on_call']}{why}{until}")
    if duty["advice"]:
        print("\nPage or chat")
        _table([(advice["call"], advice["signal"], advice["reason"]) for advice in duty["advice"]])
    if duty["severity"]:
        of = f" ({duty['incident']})" if duty["incident"] else ""
        print(f"\nTo notify at {duty['severity']}{of}: respond within {duty['respond_within']},", end=" ")
        print(f"update every {duty['update_every']}")
        _table([(notice["part"], notice["role"], notice["way"], notice["who"]) for notice in duty["tell"]])
    else:
        print("\nNo incident is open. To see who is notified at a severity:")
        print(f"  {commands.line('on-call', '--severity', 'SEV2')}")
    for line in duty["due"]:
        print(f"\nEscalate now. {line}")
    for name, steps in duty["escalation"].items():
        print(f"\nEscalation, {name}")
        _table([(step["role"], step["when"], step["who"]) for step in steps])
    return 0


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        print("  " + "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip())
