"""`incident redact`: what a text would look like when it is stored, and an old incident redacted again."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from incident_lib.cli import DONE
from incident_lib.cli.arguments import print_json
from incident_lib.cli.stream import beneath
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import documents
from incident_lib.incident import folder as folders
from incident_lib.incident.again import Again, redact_again
from incident_lib.investigation.setup import load_settings, redactor_for, signer_for
from incident_lib.redact import Redactor
from incident_lib.units import format_count

_STRUCTURED = {".json", ".ipynb", ".html", ".htm", ".xhtml", ".svg", ".xml", ".md", ".markdown"}
_LINES = 12  # numbers of lines that are listed for a kind


def redact(arguments: argparse.Namespace) -> int:
    """Return 0; 1 when redaction fails. Prints the text, and on standard error what was hidden in it."""
    if arguments.folder is not None:
        if arguments.files:
            raise UsageError("--folder INCIDENT and FILE do not go together")
        return _folder(arguments)
    settings = load_settings(arguments.config or "", check=False)
    found = {}
    for name in arguments.files or ["-"]:
        redactor = redactor_for(settings)
        found["standard input" if name == "-" else name] = _one(name, redactor, shows=not arguments.json)
    if arguments.json:
        return print_json({"files": found})
    for name, kinds in found.items():
        _report(name, kinds)
    return DONE


def _one(name: str, redactor: Redactor, *, shows: bool) -> dict[str, dict[str, object]]:
    """Print a file redacted and return what was hidden in it, by kind. Errors: UsageError."""
    if name == "-":
        return _lines(sys.stdin.buffer, redactor, shows=shows)
    path = Path(name)
    if not path.exists():
        raise UsageError(f"there is no file {name}")
    if not path.is_file():
        raise UsageError(f"{name} is no regular file")
    try:
        if path.suffix.lower() in _STRUCTURED:
            return _document(path, redactor, shows=shows)
        with path.open("rb") as file:
            return _lines(file, redactor, shows=shows)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error


def _document(path: Path, redactor: Redactor, *, shows: bool) -> dict[str, dict[str, object]]:
    """Redact a file by its own structure; lines are those of the file, where it shows a kind by itself."""
    data = path.read_bytes()
    try:
        hidden = documents.hide(data, path.name, redactor)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8") from error
    if shows:
        _write(hidden)
    counts = Counter(redactor.hidden)
    places = _places(data.splitlines(keepends=True), redactor)
    return {
        kind: {"count": count, "lines": [number for number, _ in places.get(kind, ())]}
        for kind, count in sorted(counts.items())
    }


def _lines(file: BinaryIO, redactor: Redactor, *, shows: bool) -> dict[str, dict[str, object]]:
    places = _places(file, redactor, shows=shows)
    return {
        kind: {"count": sum(count for _, count in found), "lines": [number for number, _ in found]}
        for kind, found in sorted(places.items())
    }


def _places(
    lines: Iterable[bytes], redactor: Redactor, *, shows: bool = False
) -> dict[str, list[tuple[int, int]]]:
    """Return in which lines how much of each kind is hidden; what spans several counts where it begins."""
    places: dict[str, list[tuple[int, int]]] = {}
    read = written = 0

    def counted() -> Iterator[bytes]:
        """Yield the lines one by one, and count them."""
        nonlocal read
        for line in lines:
            read += 1
            yield line

    before = Counter(redactor.hidden)
    for chunk in redactor.lines(counted()):
        for kind, count in (Counter(redactor.hidden) - before).items():
            places.setdefault(kind, []).append((written + 1, count))
        before = Counter(redactor.hidden)
        written = min(read, written + chunk.count(b"\n"))
        if shows:
            _write(chunk)
    return places


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


def _report(name: str, kinds: dict[str, dict[str, object]]) -> None:
    sys.stdout.flush()
    if not kinds:
        sys.stderr.write(f"{name}: nothing was hidden\n")
    for kind, found in kinds.items():
        numbers = found["lines"]
        lines = numbers if isinstance(numbers, list) else []
        shown = ", ".join(str(number) for number in lines[:_LINES])
        more = f" and {len(lines) - _LINES:,} more" if len(lines) > _LINES else ""
        where = f", line{'s' if len(lines) != 1 else ''} {shown}{more}" if lines else ""
        sys.stderr.write(f"{name}: {kind}, {found['count']} times{where}\n")


def _folder(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config or "", arguments.folder, check=False)
    folder = folders.find(settings.incidents, arguments.folder, redactor_for(settings))
    try:
        again = redact_again(folder, signer=signer_for(settings))
    except FolderError as error:
        raise FolderError(f"{error}; what was begun is finished by the same command") from error
    if arguments.json:
        return print_json({"incident": folder.id, "again": again})
    _print_again(folder.id, again)
    return DONE


def _print_again(name: str, again: Again) -> None:
    for path, kinds in sorted({**again.files, **again.events}.items()):
        print(f"{', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items())) or 'names':24} {path}")
    for path in again.not_sealed:
        print(f"{'not sealed again':24} {path}: it was changed before, which `incident verify` still reports")
    for path in again.named:
        print(f"{'secret in the name':24} rename it yourself: {path}")
    for path in again.not_read:
        print(f"{'no text, not searched':24} {path}")
    if not again.files and not again.events:
        print(f"{name}: nothing in it is secret by today's rules")
        return
    files, events = format_count(len(again.files), "file"), format_count(len(again.events), "event")
    print(f"{name}: redacted again, {files} and {events}")
    print("Copies keep what they hold: bundles, git's history, backups. Change what was shown.")
