"""`incident triage`: the first thing to type when paged. Collect, judge, print; no notebooks."""

import argparse

from incident_lib import clock
from incident_lib.cli import terminal
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import console_for, plain, print_command, print_notice
from incident_lib.incident.binding import check_configuration
from incident_lib.investigation.setup import load_settings, readable_secrets
from incident_lib.investigation.severity import propose_severity
from incident_lib.investigation.since import since_for
from incident_lib.investigation.snapshot import window_since
from incident_lib.response.collection import choose_incident
from incident_lib.units import format_count


def triage(arguments: argparse.Namespace) -> int:
    """Return 0, whatever is found."""
    settings = load_settings(arguments.config or "")
    if arguments.since is not None:
        window_since(arguments.since)  # a wrong time is refused before anything is probed
    folder, why = choose_incident(settings, arguments.incident, save=arguments.save, rebind=arguments.rebind)
    since, why_since = since_for(folder, arguments.since)
    console = console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    where = settings.path or "the default stack, because there is no workbench.toml here"
    begin = why_since or f"since {clock.format_time(window_since(since).start)}"
    console.print(f"Checking {where}, {begin}", style="dim")
    if not settings.path:
        console.print("To create it:", style="dim")
        print_command(console, settings.commands().line("init"))
    if folder:
        typed = ("triage", *(("--save",) if arguments.save else ()))
        print_notice(console, check_configuration(settings, folder, *typed, rebind=arguments.rebind))
    for sentence in readable_secrets(settings):
        print_notice(console, sentence)
    case, unkept = terminal.collect(settings, since, folder, console)
    why = why or unkept
    if arguments.json:
        if why:
            terminal.print_unkept(console, why)
        return print_json(case.analysis)
    terminal.print_analysis(console, case, verbose=arguments.verbose)
    if case.hidden:
        count = format_count(sum(case.hidden.values()), "secret")
        kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(case.hidden.items()))
        console.print(f"\nSecrets hidden in the collected data: {count} ({kinds})", style="dim", markup=False)
    command: tuple[str, ...] = ()
    if why:
        terminal.print_unkept(console, why)
    elif folder:
        console.print(f"\nSnapshot {case.snapshot} is kept in {folder.path}", style="dim", soft_wrap=True)
        command = ("run", "--snapshot", case.snapshot)
    else:
        console.print(
            "\nNo incident is open, so the snapshot is not kept. To declare an incident (edit the title):",
            style="dim",
        )
        likely = case.analysis.hypotheses[:1]
        title = plain(likely[0].title) if likely else f"Triage at {case.collected_at:%H:%M} UTC"
        severity, _ = propose_severity(case.analysis, case.topology)
        command = ("declare", "--title", title, "--severity", severity.value)
    terminal.print_short(console, case, command)
    return 0
