"""`incident bundle` and `open`: hand an incident over as one file, and read what was handed over."""

import argparse
import hashlib
import shlex
import sys
from pathlib import Path

from incident_lib import config
from incident_lib.cli import DONE, PARTIAL
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.bundle import BundlePlan, Contents, plan_bundle, write_bundle
from incident_lib.incident.unbundle import open_bundle, read_contents
from incident_lib.investigation.setup import redactor_for, share_places
from incident_lib.units import format_bytes, format_count


def bundle(arguments: argparse.Namespace) -> int:
    """Return 0 once the archive is there, 3 when sealed files had to stay here, 1 for a changed incident."""
    settings, folder = open_folder(arguments)
    output = _output(arguments.output, folder.path)
    plan = plan_bundle(folder)
    if not plan.is_intact and not arguments.force:
        if arguments.json:
            print_json({"incident": folder.id, "bundle": None, "plan": plan})
        _print_obstacles(plan)
        return 1
    contents = write_bundle(folder, plan, output)
    digest, code = _digest(output), PARTIAL if contents.withheld else DONE
    if arguments.json:
        print_json(
            {
                "incident": folder.id,
                "bundle": str(output),
                "sha256": digest,
                "bytes": output.stat().st_size,
                "contents": contents,
            }
        )
        return code
    _print_contents(contents)
    if contents.withheld:
        line = settings.commands().line("redact", "--folder", str(folder.path.resolve()))
        sys.stderr.write(f"To redact them in the incident, then bundle everything:\n  {line}\n")
    print(f"{output}  {format_bytes(output.stat().st_size)}, {format_count(len(contents.files), 'file')}")
    print(f"sha256 {digest}  (send it through a different channel than the file)")
    print(f"There:\n  {shlex.join(('incident', 'verify', output.name))}")
    print(f"  {shlex.join(('incident', 'open', output.name))}")
    return code


def unpack_bundle(arguments: argparse.Namespace) -> int:
    """Return 0 once the incident can be read here. Nothing is overwritten."""
    settings = config.load(arguments.config)
    share_places(settings)
    to = Path(arguments.to) if arguments.to else settings.incidents
    opened = open_bundle(Path(arguments.bundle), to, redactor_for(settings))
    path = opened.path
    if arguments.json:
        return print_json(
            {
                "incident": path.name,
                "path": str(path),
                "contents": opened.contents,
                "not_taken": opened.left_out,
                "foreign": True,
            }
        )
    _print_contents(opened.contents)
    for name, reason in opened.left_out.items():
        sys.stderr.write(f"not taken:              {name} ({reason})\n")
    sys.stderr.write("It came from elsewhere: it can be replayed, but not collected into or changed.\n")
    commands = settings.commands(path)
    print(f"{path}\nNext:\n  {commands.line('show')}\n  {commands.line('run', '--snapshot', 'latest')}")
    return 0


def _output(given: str | None, folder: Path) -> Path:
    """Return where to write. Errors: UsageError where something else would be lost."""
    path = Path(given) if given else Path(f"{folder.name}.zip")
    if path.is_dir():
        path = path / f"{folder.name}.zip"
    if path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"--output {path} is inside the incident itself; choose a place outside it")
    if path.exists():
        try:
            before = read_contents(path).incident
        except FolderError:
            before = ""
        if before != folder.name:
            raise UsageError(
                f"{path} already exists and is not a bundle of {folder.name}; choose another --output"
            )
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _print_obstacles(plan: BundlePlan) -> None:
    for difference in plan.differences:
        if difference.is_bad:
            sys.stderr.write(f"{difference.what:24} {difference.path}\n")
    sys.stderr.write(
        "Not bundled: this changed after it was sealed. Use --force to bundle it anyway; the bundle then\n"
        "shows that to whoever opens it.\n"
    )


def _print_contents(contents: Contents) -> None:
    """Print on standard error what whoever gets the bundle has to know."""
    for difference in contents.differences:
        if difference.is_bad:
            sys.stderr.write(f"changed since sealed:   {difference.path}: {difference.what}\n")
    for path, kinds in contents.withheld.items():
        sys.stderr.write(f"left out for a secret:  {path} ({', '.join(kinds)}; it is sealed)\n")
    for path, kinds in contents.redacted.items():
        sys.stderr.write(f"redacted:               {path} ({', '.join(kinds)})\n")
    for path, reason in contents.excluded.items():
        sys.stderr.write(f"stays here:             {path} ({reason})\n")
    for path in contents.not_read:
        sys.stderr.write(f"not text, check it:     {path}\n")
