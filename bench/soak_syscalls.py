"""The part `syscalls` of `make soak`: tests/system_calls.py over every command that writes."""

import argparse

import soak_faults

from tests import system_calls

_COMMANDS = [
    *("note", "task --done", "declare", "resolve", "postmortem", "communicate", "bundle", "open"),
    *("redact --folder", "mitigate", "mitigate --yes", "mitigate rollback", "triage", "baseline"),
]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    soak_faults.add_options(parser, _COMMANDS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether nothing was lost, and nothing was reported that is not so."""
    if not system_calls.is_there():
        print("skipped: strace is not installed, or may not trace here")
        return True
    return soak_faults.swept(system_calls.sweep, arguments)
