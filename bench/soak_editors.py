"""The part `editors` of `make soak`: a process saves a file in both ways of editors while it is renewed."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from incident_lib.errors import UsageError
from incident_lib.reports.generated import merge
from incident_lib.response.files import renew
from tests.unit.response.test_files import EDITOR, fresh


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--saves", type=int, default=5000, help="in each of the two ways")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether no save was lost."""
    lost = False
    for way in ("in place", "by renaming"):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "postmortem.md"
            command = [sys.executable, "-c", EDITOR, str(path), way, str(arguments.saves)]
            renewed = 0
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as editor:
                while editor.poll() is None:
                    renewed += 1
                    text = fresh(renewed)
                    try:
                        renew(path, lambda before, text=text: merge(before, text))
                    except UsageError:
                        continue
                said = editor.stderr.read() if editor.stderr else ""
            lost = lost or bool(said)
            print(f"{way}: {arguments.saves} saves, {renewed} renewals: {said.strip() or 'none lost'}")
    return not lost
