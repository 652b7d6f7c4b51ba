"""`incident postmortem`: writes what is known, keeps what people wrote, and checks the text."""

import argparse
import sys

from incident_lib.cli import BAD, DONE
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.config import Settings
from incident_lib.incident.folder import IncidentFolder
from incident_lib.response.postmortem import judge_hypotheses, lint_postmortem, write_postmortem


def postmortem(arguments: argparse.Namespace) -> int:
    """Return 0 once both files are there; with --lint 1 when something should be written differently."""
    settings, folder = open_folder(arguments)
    if arguments.lint:
        return _lint(settings, folder, as_json=arguments.json)
    judge_hypotheses(folder, confirmed=arguments.confirm, refuted=arguments.refute)
    written = write_postmortem(settings, folder)
    for text in written.left_out:
        sys.stderr.write(f"left out: {text}\n")
    if arguments.json:
        return print_json({"path": str(written.path), "due": written.due, "missing": written.missing})
    print(f"{written.path}\n{written.page.resolve().as_uri()}\nDue: {written.due}.")
    if written.missing:
        print(f"Still to write: {', '.join(written.missing)}.")
    print(f"Then:\n  {settings.commands(folder.path).line('postmortem', '--lint')}")
    return DONE


def _lint(settings: Settings, folder: IncidentFolder, *, as_json: bool) -> int:
    path, found = lint_postmortem(settings, folder)
    if as_json:
        print_json({"path": str(path), "findings": found})
    else:
        for problem in found:
            print(f"{path.name}:{problem.line}: {problem.rule}: {problem.text}\n    {problem.advice}")
        print(f"{len(found)} to improve" if found else "Nothing to improve")
    return BAD if found else DONE
