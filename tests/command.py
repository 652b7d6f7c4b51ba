"""A command line, run here as `incident` runs it, but that its errors are raised."""

from importlib import import_module

from incident_lib.cli.parser import build


def run(*words: str) -> int:
    """Return the exit code of `incident WORDS`. Errors: WorkbenchError, which the command would print."""
    arguments = build().parse_args(words)
    module, _, function = arguments.call.partition(":")
    return int(getattr(import_module(f"incident_lib.cli.{module}"), function)(arguments))
