"""`incident` and `incident help`: which command one needs when, and the flags of one command."""

import argparse
import shutil
import textwrap

from incident_lib.cli.parser import GROUPS, build, commands_of

_NAME = 12


def overview(_: argparse.Namespace) -> int:
    """Return 0; prints which commands one needs when."""
    print(overview_of(shutil.get_terminal_size().columns), end="")
    return 0


def help_(arguments: argparse.Namespace) -> int:
    """Return 0; prints the help of a command, or of everything."""
    parser = build()
    if arguments.about:
        parser.parse_args([arguments.about, "--help"])  # prints it and exits, or names the nearest
    parser.print_help()
    return 0


def overview_of(columns: int) -> str:
    """Return the commands by when one needs them, each on a line of at most `columns`."""
    about = {action.dest: action.help or "" for action in commands_of(build())._choices_actions}  # noqa: SLF001 - argparse shows them nowhere else
    lines = []
    for when, first, further in GROUPS:
        lines.append(when)
        lines.extend(f"  {name:{_NAME}}{_cut(about[name], columns - _NAME - 3)}" for name in first)
        lines.extend(
            textwrap.wrap(
                ", ".join(further), columns - 1, initial_indent="  also: ", subsequent_indent=" " * 8,
                break_on_hyphens=False,
            )
        )  # fmt: skip
    end = "Flags of a command: incident help COMMAND. All commands: incident help."
    return "\n".join((*lines, *textwrap.wrap(end, columns - 1), ""))


def _cut(text: str, width: int) -> str:
    return textwrap.shorten(text, max(width, 20), placeholder=" ...")
