"""`incident postmortem`: writes what is known, keeps what people wrote, and checks the text."""

import argparse
import sys
from pathlib import Path

from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.report import read_text
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.files import write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import sha256
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.postmortem import gather
from incident_lib.investigation.review import people
from incident_lib.model import EventKind
from incident_lib.reports.generated import merge
from incident_lib.reports.postmortem import file_name, render
from incident_lib.reports.postmortem_lint import lint
from incident_lib.reports.postmortem_page import render_page
from incident_lib.reports.postmortem_status import completeness, describe_due


def postmortem(arguments: argparse.Namespace) -> int:
    """Return 0 once both files are there; with --lint 1 when something should be written differently."""
    settings, folder = open_folder(arguments)
    path = folder.path / file_name(folder.incident)
    if arguments.lint:
        return _lint(settings, folder, path, as_json=arguments.json)
    _record_verdicts(folder, arguments)
    _write(settings, folder, path)
    state, due = completeness(read_text(path)), describe_due(folder.incident)
    if arguments.json:
        return print_json({"path": str(path), "due": due, "missing": state.missing})
    print(f"{path}\n{path.with_suffix('.html').resolve().as_uri()}\nDue: {due}.")
    if state.missing:
        print(f"Still to write: {', '.join(state.missing)}.")
    print(f"Then:\n  {settings.commands(folder.path).line('postmortem', '--lint')}")
    return 0


def _write(settings: Settings, folder: IncidentFolder, path: Path) -> None:
    """Write Markdown and HTML; the event tells a later edit by a person from what was generated."""
    facts, left_out = gather(settings, folder)
    for text in left_out:
        sys.stderr.write(f"left out: {text}\n")
    before = read_text(path)
    text = merge(before, render(facts, folder.redactor))
    if text != before:
        # Not through the redactor: every generated block has passed it, and the rest belongs to people.
        write_atomic(path, text.encode())
        verb = "renewed" if before else "written"
        folder.record(
            Draft(
                kind=EventKind.NOTE,
                text=f"The post-mortem was {verb}",
                source="postmortem",
                data={"file": path.name, "sha256": sha256(text.encode())},
            )
        )
    write_atomic(path.with_suffix(".html"), render_page(folder.redactor.text(text), folder.incident).encode())


def _record_verdicts(folder: IncidentFolder, arguments: argparse.Namespace) -> None:
    told = [(name, "confirmed") for name in arguments.confirm]
    told += [(name, "refuted") for name in arguments.refute]
    analyses = [load_analysis(path) for path in folder.snapshots] if told else []
    known = {name for one in analyses if one for h in one.hypotheses for name in (h.id, f"{h.target}:{h.id}")}
    for name, _ in told:
        if name not in known:
            there = ", ".join(sorted(one for one in known if ":" not in one)) or "none"
            raise UsageError(f"{folder.id} has no hypothesis {name!r}; there are: {there}")
    for name, verdict in told:
        draft = Draft(
            kind=EventKind.DECISION,
            text=f"The hypothesis {name} was {verdict}",
            source="postmortem",
            data={"hypothesis": name, "verdict": verdict},
        )
        folder.record(draft)


def _lint(settings: Settings, folder: IncidentFolder, path: Path, *, as_json: bool) -> int:
    if not path.exists():
        raise UsageError(f"{folder.id} has no post-mortem yet", command=("postmortem",))
    found = lint(read_text(path), names=people(settings, folder), redact=folder.redactor.text)
    if as_json:
        print_json({"path": str(path), "findings": found})
    else:
        for one in found:
            print(f"{path.name}:{one.line}: {one.rule}: {one.text}\n    {one.advice}")
        print(f"{len(found)} to write differently" if found else "Nothing to write differently")
    return 1 if found else 0
