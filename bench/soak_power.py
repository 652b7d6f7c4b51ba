"""The part `power` of `make soak`: tests/power_loss.py before every call of every command."""

import argparse

import soak_faults

from tests import faults, power_loss


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    soak_faults.add_options(parser, faults.COMMANDS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether nothing was lost, and nothing was called damage that is none."""
    return soak_faults.swept(power_loss.sweep, arguments)
