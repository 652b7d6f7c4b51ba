"""The part `syscalls` of `make soak`: tests/system_calls.py over every command that writes."""

import argparse
import tempfile
from pathlib import Path

from tests import faults, system_calls

_MEMORY = Path("/dev/shm")  # what is synced is not what is tried here, and a disk would take hours
_COMMANDS = [
    *("note", "task --done", "declare", "resolve", "postmortem", "communicate", "bundle", "open"),
    *("redact --folder", "mitigate", "mitigate --yes", "triage", "baseline"),
]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every n-th call")
    parser.add_argument("commands", nargs="*", default=_COMMANDS, help="only these")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether nothing was lost, and nothing was said that is not so."""
    if not system_calls.is_there():
        print("skipped: strace is not installed, or may not trace here")
        return True
    tried = failed = 0
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        place = Path(directory).resolve() / "prepared"
        faults.prepare(place)
        for name in arguments.commands:
            result = system_calls.sweep(place, name, every=arguments.every)
            tried, failed = tried + result.tried, failed + len(result.failed)
            print(f"{name:16} {result.calls:4} calls, {result.tried:5} points, {len(result.failed)} failed")
            for problem in result.failed:
                print(f"    {problem}", flush=True)
    print(f"{tried:,} points, {failed} failed")
    return not failed
