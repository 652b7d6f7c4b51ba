"""A command line, run here as `incident` runs it, but that its errors are raised."""

from incident_lib.cli import call
from incident_lib.cli.parser import build


def run(*words: str) -> int:
    """Return the exit code of `incident WORDS`. Errors: WorkbenchError, which the command would print."""
    return call(build().parse_args(words))
