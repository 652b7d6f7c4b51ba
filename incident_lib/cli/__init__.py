"""The `incident` command: parse, call, print, exit code. Nothing heavy is imported before it is needed."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from incident_lib.errors import WorkbenchError

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
    "compare": ("baseline", "diff"),
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
    words = [_readable(word) for word in (sys.argv[1:] if argv is None else argv)]
    try:
        with _ending_well():
            arguments = _parser(words).parse_args(words)
            code = int(arguments.call(arguments))
            sys.stdout.flush()
    except WorkbenchError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        _stop_printing()
        return DONE
    except OSError as error:  # a full disk behind `>`, a folder without rights
        _stop_printing()
        return _fail(f"{error.filename or 'cannot write'}: {error.strerror or error}")
    return code


def _fail(message: str) -> int:
    sys.stderr.write(f"incident: {message}\n")
    return USAGE


def _stop_printing() -> None:
    """Send what is still to be printed nowhere, so that the interpreter's last flush cannot fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _readable(word: str) -> str:
    r"""Return a typed word with what is no text replaced: it could be neither stored nor printed.

    >>> _readable("caf\udce9")
    'caf?'
    """
    return word.encode(errors="replace").decode()


@contextmanager
def _ending_well() -> Iterator[None]:
    """Take SIGTERM and a closed terminal like Ctrl-C: what was begun is sealed, what is temporary goes."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup stays nohup
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
    known = {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001 - nothing public tells them
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
