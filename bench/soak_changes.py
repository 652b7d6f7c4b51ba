"""The part `changes` of `make soak`: tests/changes.py at every point of every action."""

import argparse

import pytest
import soak_faults

from tests import changes


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    soak_faults.add_options(parser, changes.EXECUTABLE)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether nothing was changed twice, and nothing without a record."""
    try:
        return soak_faults.printed(changes.results, arguments)
    except pytest.skip.Exception as missing:
        print(f"skipped: {missing}")
        return True
