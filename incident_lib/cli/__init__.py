"""The `incident` command: parse, call, print, exit code. Nothing heavy is imported before it is needed."""

import argparse
import os
import sys
from importlib import import_module

from incident_lib.errors import UsageError, WorkbenchError

DONE, BAD, USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130

# One file a group; the module is imported only when one of its commands is typed, or for help.
_GROUPS = {
    "triage": ("triage",),
    "declare": ("declare",),
    "run": ("run",),
    "lifecycle": (
        "update",
        "note",
        "task",
        "decide",
        "ack",
        "assign",
        "classify",
        "resolve",
        "close",
        "reopen",
    ),
    "folder": ("show", "list", "verify"),
    "mitigate": ("mitigate",),
    "timeline": ("timeline",),
    "history": ("search", "similar", "figures"),
    "bundle": ("bundle", "open"),
    "communicate": ("communicate",),
    "on_call": ("on-call",),
    "report": ("report",),
    "postmortem": ("postmortem",),
    "runbook": ("runbook",),
    "health": ("health",),
    "logs": ("logs",),
    "init": ("init",),
    "lab": ("lab",),
    "demo": ("demo",),
}


def main(argv: list[str] | None = None) -> int:
    """Return the exit code of one command line: 0 done, 1 bad answer, 2 usage, 3 in part, 130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser(words).parse_args(words)
        return int(arguments.call(arguments))
    except UsageError as error:
        return _fail(error, USAGE)
    except WorkbenchError as error:
        return _fail(error, USAGE)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _fail(error: WorkbenchError, code: int) -> int:
    sys.stderr.write(f"incident: {error}\n")
    return code


def _parser(words: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="incident",
        description="Evidence, diagnosis and coordination for engineers on call.",
        epilog="Paged? Type `incident triage`: read-only, bounded, answers in seconds.",
    )
    parser.add_argument("--version", action="version", version=_version() if "--version" in words else "")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    typed = next((word for word in words if any(word in known for known in _GROUPS.values())), "")
    wanted = [group for group, commands in _GROUPS.items() if typed in commands]
    for group in wanted or _GROUPS:
        import_module(f"incident_lib.cli.{group}").add(subparsers)
    _add_global(parser, defaults=True)
    for command in subparsers.choices.values():
        _add_global(command, defaults=False)
    return parser


def _add_global(parser: argparse.ArgumentParser, *, defaults: bool) -> None:
    """Let the global flags stand before or behind the command."""
    known = {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001
    quiet = argparse.SUPPRESS
    group = parser.add_argument_group("everywhere")
    if "--config" not in known:
        group.add_argument(
            "--config", metavar="FILE", default=None if defaults else quiet, help="workbench.toml to use"
        )
    for flag, text in (
        ("--json", "print one JSON document; progress goes to standard error"),
        ("--no-color", "plain text"),
    ):
        if flag not in known:
            default: object = False if defaults else quiet
            group.add_argument(flag, action="store_true", default=default, help=text)
    if "-v" not in known:
        group.add_argument(
            "-v", "--verbose", action="store_true", default=False if defaults else quiet, help="say more"
        )


def _version() -> str:
    from importlib.metadata import version

    return f"incident workbench {version('incident-workbench')}"
