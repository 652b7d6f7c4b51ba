"""The part `faults` of `make soak`: tests/faults.py at every point of every command."""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests import faults

_MEMORY = Path("/dev/shm")  # what is synced is not what is tried here, and a disk would take hours
Sweep = Callable[..., faults.Result]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_options(parser, faults.COMMANDS)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, commands: Iterable[str]) -> None:
    """Add the options of a sweep over these commands."""
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every n-th point")
    parser.add_argument("commands", nargs="*", default=list(commands), help="only these")


def run(arguments: argparse.Namespace) -> bool:
    """Return whether nothing was lost, and nothing was reported that is not so."""
    return swept(faults.sweep, arguments)


def swept(sweep: Sweep, arguments: argparse.Namespace) -> bool:
    """Return whether every command held at every point of `sweep`. Prints one line a command."""
    return printed(partial(faults.results, sweep=sweep), arguments)


def printed(results: Callable[..., Iterable[faults.Result]], arguments: argparse.Namespace) -> bool:
    """Return whether all of the results are well. Prints one line for each."""
    tried = failed = 0
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        place = Path(directory).resolve() / "prepared"
        for result in results(place, arguments.commands, every=arguments.every):
            tried, failed = tried + result.tried, failed + len(result.failed)
            bad = len(result.failed)
            print(f"{result.command:18} {result.calls:4} calls, {result.tried:5} points, {bad} failed")
            for problem in result.failed:
                print(f"    {problem}", flush=True)
    print(f"{tried:,} points, {failed} failed")
    return not failed
