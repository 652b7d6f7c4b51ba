"""The `incident` command: parse, call, print, exit code. A command is imported when it is typed."""

import argparse
import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from incident_lib.cli.parser import build
from incident_lib.cli.stream import Hider, cleaned, defect
from incident_lib.errors import RedactionError, WorkbenchError
from incident_lib.signals import EXIT_CODE, exit_now, interrupting

if TYPE_CHECKING:
    from pathlib import Path

_ABANDONED = "collect "  # threads of a collection, of which none is left but those that were given up
DONE, BAD, USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, EXIT_CODE


def main(argv: list[str] | None = None) -> int:
    """Return the exit code of one command line: 0 done, 1 bad answer, 2 usage, 3 in part, 130 interrupted."""
    words = [_readable(word) for word in (sys.argv[1:] if argv is None else argv)]
    with cleaned(words) as hider:
        code = _run(words, hider)
    if argv is None and any(thread.name.startswith(_ABANDONED) for thread in threading.enumerate()):
        # A thread that was given up may be in a library at whose end, with this one, the process would abort.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        exit_now(code)
    return code


def _run(words: list[str], hider: Hider) -> int:
    arguments = None
    try:
        with interrupting() as ending:
            arguments = hider.arguments = build().parse_args(words)
            code = call(arguments)
            sys.stdout.flush()
    except WorkbenchError as error:
        _fail(str(error))
        if arguments and error.command:
            sys.stderr.write(import_module("incident_lib.cli.arguments").next_command(arguments, error))
        return BAD if isinstance(error, RedactionError) else USAGE
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        if ending.requests > 1:  # nor is any thread waited for that still asks a server
            exit_now()
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        _stop_printing()
        return DONE
    except OSError as error:  # a full disk behind `>`, a folder without rights
        _stop_printing()
        lost = isinstance(error, FileNotFoundError) and not error.filename
        where = "the current folder" if lost else error.filename or "cannot write"
        return _fail(f"{where}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - the last place: its text and its trace may hold a secret
        return _fail_with_defect(error, is_verbose=bool(arguments and arguments.verbose))
    return code


def call(arguments: argparse.Namespace) -> int:
    """Return the exit code of a parsed command, whose module is imported now. Errors: WorkbenchError.

    Where it runs notebooks, kernels are prepared from here on: the imports of both take about as long.
    """
    runs_notebooks = getattr(arguments, "runs_notebooks", None)
    if runs_notebooks and not getattr(arguments, "no_notebooks", False):
        import_module("incident_lib.run.parents").begin(whole=runs_notebooks(arguments))
    module, _, function = arguments.call.partition(":")
    _take_changed()  # what was recorded before, in this process, is not this command's
    try:
        return int(getattr(import_module(f"incident_lib.cli.{module}"), function)(arguments))
    finally:
        _renew_pages(arguments)


def _renew_pages(arguments: argparse.Namespace) -> None:
    """Renew the pages of the incidents that the command changed, once everything is printed."""
    if changed := _take_changed():
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        import_module("incident_lib.response.home").renew_pages(changed, arguments.config or "")


def _take_changed() -> "tuple[Path, ...]":
    """Return the incidents that were changed since; imports nothing where no folder was opened."""
    folder = sys.modules.get("incident_lib.incident.folder")
    return folder.take_changed() if folder else ()


def _fail(message: str) -> int:
    sys.stderr.write(f"incident: {message}\n")
    return USAGE


def _fail_with_defect(error: Exception, *, is_verbose: bool) -> int:
    text = defect(error)
    sys.stderr.write(f"incident: {text}\n")
    if is_verbose and not text.startswith("redaction"):
        sys.stderr.write("".join(import_module("traceback").format_exception(error)))
    return BAD


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
