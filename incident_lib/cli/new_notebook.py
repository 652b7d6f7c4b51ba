"""`incident new-notebook`: a notebook of the team, next to its workbench.toml."""

import argparse

from incident_lib.cli.arguments import print_json
from incident_lib.investigation.setup import load_settings
from incident_lib.run.own import new_notebook


def new(arguments: argparse.Namespace) -> int:
    """Return 0 once the notebook is there."""
    settings = load_settings(arguments.config or "")
    path = new_notebook(settings, arguments.name)
    if arguments.json:
        return print_json({"path": str(path)})
    print(f"{path} is yours to edit. Each run executes it with the others, and JupyterLab opens it.")
    return 0
