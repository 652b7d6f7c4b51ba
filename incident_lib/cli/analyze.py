"""`incident analyze`: a stored snapshot judged again by today's rules; what was sealed stays as it is."""

import argparse
import sys

from incident_lib.cli import BAD, DONE, terminal
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.console import console_for
from incident_lib.cli.differences import print_comparison
from incident_lib.errors import RedactionError
from incident_lib.investigation.case import open_case
from incident_lib.investigation.reanalyze import reanalyze


def analyze(arguments: argparse.Namespace) -> int:
    """Return 0, whatever differs; 1 when redaction fails. Reads only the folder."""
    settings, folder = open_folder(arguments)
    case = open_case(settings, folder, arguments.snapshot)
    try:
        again = reanalyze(case)
    except RedactionError as error:
        sys.stderr.write(f"incident: {error}\n")
        return BAD
    if arguments.json:
        return print_json(
            {
                "incident": folder.id,
                "snapshot": case.snapshot,
                "collected_at": case.collected_at,
                "analysis": again.analysis,
                "differences": again.comparison.differences,
            }
        )
    console = console_for(no_color=arguments.no_color)
    console.print(f"Snapshot {case.snapshot} of {folder.id}, analyzed again", style="dim", markup=False)
    print_comparison(console, again.comparison, verbose=True)
    if arguments.verbose:
        terminal.print_analysis(console, again.case, verbose=True)
        terminal.print_short(console, again.case)
    return DONE
