"""`incident runbook`: writes or renews a service's runbook and keeps what people wrote."""

import argparse
import sys

from incident_lib.cli.arguments import print_json
from incident_lib.investigation.setup import load_settings
from incident_lib.response.runbook import write_runbooks


def runbook(arguments: argparse.Namespace) -> int:
    """Return 0 once the runbooks are there."""
    written = write_runbooks(load_settings(arguments.config or ""), arguments.service)
    for text in dict.fromkeys(text for runbook in written for text in runbook.left_out):
        sys.stderr.write(f"left out: {text}\n")
    if arguments.json:
        listed = [{"service": runbook.service, "path": str(runbook.path)} for runbook in written]
        return print_json({"runbooks": listed})
    for runbook in written:
        print(f"{runbook.path}: {runbook.change}")
    return 0
