"""Every byte of a folder, opened: archives, compressed files, base64 and escapes in whatever they hold."""

import base64
import binascii
import bz2
import gzip
import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote_to_bytes

import zstandard

from tests.integration.canary_values import NEAR, Canaries

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{20,}")
_UNICODE = re.compile(rb"\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})")
_DEEPEST = 4


class Search:
    """Looks for the marks of a run, and counts what it opened and what it found."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries
        self._marks = [mark.encode() for mark in (*canaries.marks, *canaries.hex_marks)]
        self._places = canaries.places()
        plain = [value.encode() for value in canaries.planted if value.isdigit()]
        self._unseen = {word.encode(): of for word, of in canaries.proofs.items()}
        self._plain = re.compile(b"|".join(map(re.escape, plain))) if plain else None
        self._seen: set[bytes] = set()
        self.files = 0
        self.bytes = 0
        self.found: Counter[tuple[str, str]] = Counter()
        self.where: dict[tuple[str, str], tuple[str, str]] = {}  # an example: which file, what stands there

    def folder(self, root: Path, *, without: tuple[str, ...] = ()) -> None:
        """Search every file below `root`, and its name."""
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if name.startswith(without):
                continue
            self._bytes(name, name.encode())
            if path.is_file() and not path.is_symlink():
                self.files += 1
                self.data(name, path.read_bytes())

    def data(self, name: str, data: bytes) -> None:
        """Search one file, opened as far as it can be."""
        self.bytes += len(data)
        for inner, content in _opened(name, data, 0):
            self._prove(inner, content)
            digest = sha256(content).digest()
            if digest in self._seen:  # in the bundle, and where that was opened
                continue
            self._seen.add(digest)
            for view in _views(content):
                self._bytes(inner, view)

    def _bytes(self, name: str, data: bytes) -> None:
        folded = data.lower()
        for mark in self._marks:
            at = folded.find(mark)
            while at >= 0:
                near = folded[max(at - NEAR, 0) : at + len(mark) + NEAR]
                where = self._places.get(near.decode("latin-1"), ("unknown", "a part"))
                self._note(where, name, data[max(at - 60, 0) : at + 60])
                at = folded.find(mark, at + 1)
        for match in self._plain.finditer(data) if self._plain else ():
            where = self._canaries.planted[match[0].decode()]
            self._note(where, name, data[max(match.start() - 60, 0) : match.end() + 20])

    def _prove(self, name: str, data: bytes) -> None:
        for word in [word for word, (_, within) in self._unseen.items() if within in name and word in data]:
            del self._unseen[word]

    @property
    def unread(self) -> list[str]:
        """The places of which nothing came out, so that their secrets prove nothing."""
        return sorted(f"{place} in {within or 'any file'}" for place, within in self._unseen.values())

    def _note(self, where: tuple[str, str], name: str, around: bytes) -> None:
        self.found[where] += 1
        self.where.setdefault(where, (name, _shown(around)))

    @property
    def planted(self) -> int:
        """How many secrets there were."""
        return len(self._canaries.planted)

    def report(self) -> str:
        """Return what was found, by place and shape, with an example of each."""
        counts = f"planted {self.planted}, files {self.files}, MB {self.bytes / 1e6:.1f}"
        lines = [f"{counts}, found {len(self.found)} (seed {self._canaries.seed})"]
        lines += [f"  never read: {place}" for place in self.unread]
        for (place, shape), count in sorted(self.found.items()):
            name, text = self.where[place, shape]
            lines.append(f"  {place} | {shape} | {count} times, as in {name}: {text}")
        return "\n".join(lines)


def _shown(data: bytes) -> str:
    return repr(data.decode("utf-8", "replace"))


def _opened(name: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    """Yield what a file holds: itself, or the members of an archive and what is compressed."""
    if depth > _DEEPEST:
        raise AssertionError(f"{name} is nested too deeply to be searched")
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield f"{name}!{entry.filename}", entry.filename.encode()
                yield from _opened(f"{name}!{entry.filename}", archive.read(entry), depth + 1)
            yield f"{name}!comment", archive.comment
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            yield from _opened(f"{name}!zst", reader.read(), depth + 1)
    elif data.startswith(b"\x1f\x8b"):
        yield from _opened(f"{name}!gz", gzip.decompress(data), depth + 1)
    elif data.startswith(b"BZh"):
        yield from _opened(f"{name}!bz2", bz2.decompress(data), depth + 1)
    else:
        yield name, data


def _views(data: bytes) -> Iterator[bytes]:
    """Yield a text as it stands and as its readers would see it."""
    seen = {data}
    views = [data]
    for _ in range(3):  # JSON in a cell of a notebook in JSON
        more = []
        for view in views:
            for other in (_unescaped(view), _without_entities(view), _without_percent(view)):
                if other not in seen:
                    seen.add(other)
                    more.append(other)
        views = more
    yield from seen
    for view in seen:
        for run in {match[0] for match in _BASE64.finditer(view)}:
            yield from _decoded(run)


def _unescaped(data: bytes) -> bytes:
    if b"\\" not in data:
        return data
    data = _UNICODE.sub(lambda match: bytes([int(match[1] or match[2], 16)]), data)
    return data.replace(b"\\n", b"\n").replace(b"\\t", b"\t").replace(b"\\r", b"\r").replace(b"\\", b"")


def _without_entities(data: bytes) -> bytes:
    if b"&" not in data:
        return data
    return html.unescape(data.decode("latin-1")).encode("latin-1", "replace")


def _without_percent(data: bytes) -> bytes:
    return unquote_to_bytes(data) if re.search(rb"%[0-9A-Fa-f]{2}", data) else data


def _decoded(run: bytes) -> Iterator[bytes]:
    standard = run.replace(b"-", b"+").replace(b"_", b"/")
    for start in range(4):  # where a run of base64 begins is not known: letters may stand right in front
        text = standard[start:]
        try:
            yield base64.b64decode(
                text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + b"=" * (-len(text) % 4)
            )
        except binascii.Error:
            continue
