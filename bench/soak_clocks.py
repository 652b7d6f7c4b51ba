"""The part `clocks` of `make soak`: tests/clocks.py for every command, at every jump."""

import argparse

import soak_faults

from tests import clocks, faults

_COMMANDS = [name for name in faults.COMMANDS if name != "run"]  # no kernel starts under libfaketime


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    soak_faults.add_options(parser, _COMMANDS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether every command held at every jump."""
    if clocks.library() is None:
        print("skipped: libfaketime is not installed (apt-get install faketime)")
        return True
    return soak_faults.swept(clocks.sweep, arguments)
