"""The file in which an engine keeps a container's log (its driver json-file), where this machine has it.

It is read in place of the engine's answer, which takes the engine several times as long. The lines are the
same; in the file each is a JSON document with the text, the stream and the time.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import Opened, clean

_LONGEST = 1024 * 1024  # of a line in pieces; the rest of it is dropped
DISORDER_SECONDS = 0.1  # by which a line may stand behind a later one: each stream is taken by itself


class Document(msgspec.Struct, gc=False):
    """What an engine keeps of a line, or of a piece of one."""

    log: str = ""
    stream: str = ""
    time: str = ""


_decode = msgspec.json.Decoder(Document).decode


def log_file(inspected: dict[str, Any]) -> Path | None:
    """Return the file that holds the newest of the log, None where there is none that can be read here.

    The name holds the container's whole id, so that a file of that name is this container's.
    """
    path = Path(str(inspected.get("LogPath") or ""))
    driver = inspected.get("HostConfig", {}).get("LogConfig", {}).get("Type")
    if driver != "json-file" or not inspected.get("Id") or str(inspected["Id"]) not in path.name:
        return None
    return path if os.access(path, os.R_OK) else None


def open_document(line: bytes) -> Opened | None:
    r"""Return the line that a document holds, and the engine's time.

    >>> open_document(b'{"log":"ready\\n","stream":"stdout","time":"2026-01-15T14:31:05.25Z"}')
    ('ready', 1768487465.25, False)
    """
    try:
        document = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    found = times.from_iso(document.time)
    text, cut = clean(document.log.removesuffix("\n"))
    return text, found[0] if found else None, cut


class Since:
    """Leaves lines from before a moment out of the beginning of a log, as the engine does."""

    def __init__(self, moment: float) -> None:
        self._first, self._settled = _written(moment), _written(moment + DISORDER_SECONDS)
        self.is_settled = False

    def kept(self, block: bytes) -> bytes:
        r"""Return the documents of the moment or later.

        >>> lines = b'{"time":"2026-01-15T14:31:05.25Z"}\n{"time":"2026-01-15T14:31:05.249999999Z"}\n'
        >>> Since(1768487465.25).kept(lines)
        b'{"time":"2026-01-15T14:31:05.25Z"}\n'
        """
        if self.is_settled:
            return block
        kept, place = [], 0
        for line in block.splitlines(keepends=True):
            try:
                at = _decode(line).time.rstrip("Z")
            except (msgspec.DecodeError, UnicodeDecodeError):
                at = self._first
            if at >= self._settled:
                self.is_settled = True
                break
            place += len(line)
            if at >= self._first:
                kept.append(line)
        return b"".join((*kept, block[place:]))


def _written(moment: float) -> str:
    """Return a moment as the engine writes it, to be compared as text: a float does not hold all digits."""
    at = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
    return at.isoformat(timespec="microseconds").rstrip("0").rstrip(".")


class Pieces:
    """Lines of which the end has not come yet: an engine keeps long lines in pieces, each in a document."""

    def __init__(self) -> None:
        self._begun: dict[str, Document] = {}  # by stream
        self._ended: set[str] = set()  # streams of which a line ended

    @property
    def has_begun(self) -> bool:
        """Whether there is a line of which the end has not come yet."""
        return bool(self._begun)

    @property
    def are_whole(self) -> bool:
        """Whether the beginnings of these lines were seen: before each, a line of its stream ended."""
        return self._begun.keys() <= self._ended

    def joined(self, block: bytes) -> bytes:
        """Return whole lines, each as a single document; those that go on behind the block are kept."""
        lines = []
        for line in block.split(b"\n"):
            try:
                document = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            begun = self._begun.pop(document.stream, None)
            if begun is not None:
                is_end = document.log.endswith("\n")
                begun.log = begun.log[:_LONGEST] + (
                    document.log if len(begun.log) < _LONGEST else "\n" * is_end
                )
                document = begun
            if document.log.endswith("\n"):
                self._ended.add(document.stream)
                lines.append(line if begun is None else msgspec.json.encode(document))
            else:
                self._begun[document.stream] = document
        return b"".join(line + b"\n" for line in lines)

    def rest(self) -> bytes:
        """Return the lines without an end, as the engine gives them after all others."""
        begun, self._begun = self._begun.values(), {}
        return b"".join(msgspec.json.encode(document) + b"\n" for document in begun)
