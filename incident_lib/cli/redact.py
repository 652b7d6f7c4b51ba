"""`incident redact`: what a text would look like when it is stored, and an old incident redacted again."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from incident_lib.cli import DONE
from incident_lib.cli.arguments import print_json
from incident_lib.cli.stream import beneath
from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import documents
from incident_lib.incident import folder as folders
from incident_lib.incident.again import Again, redact_again
from incident_lib.investigation.setup import load_settings, redactor_for, signer_for
from incident_lib.redact import Redactor
from incident_lib.units import format_count, format_times

_STRUCTURED = {".json", ".ipynb", ".html", ".htm", ".xhtml", ".svg", ".xml", ".md", ".markdown"}
_LINES = 12  # numbers of lines that are listed for a kind


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """How often a kind was hidden in a text, and in which lines; never what."""

    count: int
    lines: tuple[int, ...]


def redact(arguments: argparse.Namespace) -> int:
    """Return 0; 1 when redaction fails. Prints the text, and on standard error what was hidden in it."""
    if arguments.folder is not None:
        if arguments.files:
            raise UsageError("--folder INCIDENT and FILE cannot be combined")
        return _folder(arguments)
    settings = load_settings(arguments.config or "", check=False)
    found = {
        "standard input" if name == "-" else name: _one(name, settings, shows=not arguments.json)
        for name in arguments.files or ["-"]
    }
    if arguments.json:
        return print_json({"files": found})
    for name, kinds in found.items():
        _report(name, kinds)
    return DONE


def _one(name: str, settings: Settings, *, shows: bool) -> dict[str, Found]:
    """Print a file redacted and return what was hidden in it, by kind. Errors: UsageError."""
    if name == "-":
        return _stream(sys.stdin.buffer, settings, shows=shows)
    path = Path(name)
    if not path.exists():
        raise UsageError(f"file {name} does not exist")
    if not path.is_file():
        raise UsageError(f"{name} is not a regular file")
    try:
        if path.suffix.lower() in _STRUCTURED:
            return _document(path, settings, shows=shows)
        with path.open("rb") as file:
            return _stream(file, settings, shows=shows)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error


def _document(path: Path, settings: Settings, *, shows: bool) -> dict[str, Found]:
    """Redact a file by its own structure."""
    redactor, places = redactor_for(settings), _Places(redactor_for(settings))
    data = path.read_bytes()
    try:
        hidden = documents.hide(data, path.name, redactor)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error
    for line in data.splitlines(keepends=True):
        places.look(line)
    if shows:
        _write(hidden)
    return places.found(redactor.hidden)


def _stream(file: BinaryIO, settings: Settings, *, shows: bool) -> dict[str, Found]:
    """Redact text as it comes, as a log is stored."""
    redactor, places = redactor_for(settings), _Places(redactor_for(settings))
    for chunk in redactor.lines(places.looked_at(file)):
        if shows:
            _write(chunk)
    return places.found(redactor.hidden)


class _Places:
    """In which lines something is hidden: each line is looked at by itself, beside the whole text."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lines: dict[str, list[int]] = {}
        self._count = 0

    def looked_at(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield lines as they are, each looked at."""
        for line in lines:
            self.look(line)
            yield line

    def look(self, line: bytes) -> None:
        """Keep the number of a line for each kind that is hidden in it."""
        self._count += 1
        before = Counter(self._redactor.hidden)
        self._redactor.text(line.decode("utf-8", "replace"))
        for kind in Counter(self._redactor.hidden) - before:
            self._lines.setdefault(kind, []).append(self._count)

    def found(self, hidden: Counter[str]) -> dict[str, Found]:
        """Return what was hidden in the whole text; what only the lines around show has no line."""
        return {
            kind: Found(count=count, lines=tuple(self._lines.get(kind, ())))
            for kind, count in sorted(hidden.items())
        }


def _write(data: bytes) -> None:
    """Write text as bytes: a terminal shows it through its guard, a pipe gets what would be stored."""
    if sys.stdout.isatty():
        sys.stdout.write(data.decode("utf-8", "replace"))
        return
    out = beneath(sys.stdout)
    if hasattr(out, "buffer"):
        out.flush()
        out.buffer.write(data)
    else:
        out.write(data.decode("utf-8", "replace"))


def _report(name: str, kinds: dict[str, Found]) -> None:
    sys.stdout.flush()
    if not kinds:
        sys.stderr.write(f"{name}: nothing was hidden\n")
    for kind, found in kinds.items():
        shown = ", ".join(f"{number:,}" for number in found.lines[:_LINES])
        more = f" and {len(found.lines) - _LINES:,} more" if len(found.lines) > _LINES else ""
        where = f", line{'s' if len(found.lines) != 1 else ''} {shown}{more}" if shown else ""
        sys.stderr.write(f"{name}: {kind}, {format_times(found.count)}{where}\n")


def _folder(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config or "", arguments.folder, check=False)
    folder = folders.find(settings.incidents, arguments.folder, redactor_for(settings))
    try:
        again = redact_again(folder, signer=signer_for(settings))
    except FolderError as error:
        raise FolderError(f"{error}; run the same command again to finish") from error
    if arguments.json:
        return print_json({"incident": folder.id, "again": again})
    _print_again(folder.id, again)
    return DONE


def _print_again(name: str, again: Again) -> None:
    for path, kinds in sorted({**again.files, **again.events}.items()):
        print(f"{', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items())) or 'names':24} {path}")
    for path in again.not_sealed:
        print(f"{'not sealed again':24} {path}: it had already been changed, which `verify` still reports")
    for path in again.named:
        print(f"{'secret in the name':24} rename it yourself: {path}")
    for path in again.not_read:
        print(f"{'not text, not searched':24} {path}")
    if not again.files and not again.events:
        print(f"{name}: nothing in it is secret under today's rules")
        return
    files, events = format_count(len(again.files), "file"), format_count(len(again.events), "event")
    print(f"{name}: redacted again, {files} and {events}")
    print("Copies still hold the secrets: bundles, git history, backups. Rotate what was exposed.")
