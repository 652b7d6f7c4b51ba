"""One incident as one archive to hand over: a ZIP file, because every machine opens one.

The archive holds one folder, which is a whole incident folder, and in it `bundle.json` with the hash of
every file, what was not as it was sealed, and what was left out and why. The same folder gives the same
bytes. Hashes show damage and edits; whoever can make a new archive can also make new hashes, so the
archive's own hash is best sent by another way.
"""

import hashlib
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import decode, documents, manifest
from incident_lib.incident.files import (
    folder_error,
    make_folder,
    open_file,
    sync_file,
    sync_folder,
    temporary_file,
)
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import SEALED_FOLDERS, Difference, Sealed
from incident_lib.redact import Redactor

CONTENTS = "bundle.json"
_SEALED = (*(f"{name}/" for name in SEALED_FOLDERS), "events/")
_PACKED = {".zst", ".zip", ".gz", ".png", ".jpg"}  # packing them again gains nothing
_BLOCK = 1 << 20
_MOST_LINE_BYTES = 16 * decode.MOST_LINE_BYTES  # of a stored log; longer lines are cut when they are read
_SCRATCH = {"lab", "__pycache__", ".ipynb_checkpoints"}
_TEMPORARY = (".part", ".tmp", ".pyc", ".swp", "~")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|\ud800-\udfff]")
_LONGEST = 240


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The content of bundle.json. Paths are relative to the incident's folder."""

    schema: int = 1
    incident: str
    files: dict[str, Sealed]
    differences: tuple[Difference, ...] = ()  # what was not as it was sealed, when it was bundled
    redacted: dict[str, tuple[str, ...]] = {}  # kinds of secrets that were hidden on the way
    withheld: dict[str, tuple[str, ...]] = {}  # sealed files that hold secrets, by kind: left out
    excluded: dict[str, str] = {}  # what does not belong to the record, and why
    not_read: tuple[str, ...] = ()  # no text: not searched for secrets


class BundlePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be bundled, and what speaks against it."""

    files: tuple[str, ...]
    differences: tuple[Difference, ...]
    secrets: dict[str, tuple[str, ...]]
    excluded: dict[str, str]
    not_read: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was sealed and recorded."""
        return not any(difference.is_bad for difference in self.differences)

    @property
    def withheld(self) -> dict[str, tuple[str, ...]]:
        """The sealed files that hold secrets, by kind: their hash must hold, so they are left out."""
        return {path: kinds for path, kinds in self.secrets.items() if is_sealed(path)}


def is_sealed(relative: str) -> bool:
    """Return whether a file's hash is part of the record, so that it goes as it is or not at all.

    >>> is_sealed("events/a.json"), is_sealed("communication/update.md")
    (True, False)
    """
    return relative.startswith(_SEALED)


def plan_bundle(folder: IncidentFolder) -> BundlePlan:
    """Return what would go into a bundle. Looks for secrets again, with what is known as secret today.

    Cost: reads every file twice. Errors: FolderError, RedactionError.
    """
    if reason := unsafe(folder.id):
        raise UsageError(f"{folder.id!r} is not a valid folder name everywhere: {reason}; rename it")
    files, excluded = listing(folder.path)
    excluded.pop(CONTENTS, None)
    secrets, not_read = {}, []
    for relative in files:
        kinds = kinds_in(folder.path / relative, folder.redactor)
        if kinds is None:
            not_read.append(relative)
        elif kinds:
            secrets[relative] = kinds
    return BundlePlan(
        files=tuple(files),
        differences=tuple(_differences(folder, excluded)),
        secrets=secrets,
        excluded=excluded,
        not_read=tuple(not_read),
    )


def write_bundle(folder: IncidentFolder, plan: BundlePlan, output: Path) -> Contents:
    """Write the archive, whole or not at all, and return what is in it.

    What speaks against it is recorded inside. No known secret goes along: files for people are redacted,
    and sealed ones, whose hash must hold, are left out; both are named. Errors: FolderError, RedactionError.
    """
    try:
        make_folder(output.parent)
        temporary = temporary_file(output.parent, f".{output.name[:40]}.", ".part")
        try:
            with open_file(temporary) as file:
                with zipfile.ZipFile(file, "w") as archive:
                    contents = _fill(archive, folder, plan)
                sync_file(file)
            temporary.replace(output)
            sync_folder(output.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise folder_error(output, error) from error
    return contents


def _differences(folder: IncidentFolder, excluded: dict[str, str]) -> list[Difference]:
    found = folder.verify()
    try:
        _ = folder.incident
    except FolderError:
        found.append(Difference("events", "missing: no event declares this incident"))
    known = {difference.path for difference in found}
    found += [
        Difference(path, f"missing: {reason}")
        for path, reason in excluded.items()
        if is_sealed(path) and path not in known and not path.endswith(".part")
    ]
    return sorted(found)


def _fill(archive: zipfile.ZipFile, folder: IncidentFolder, plan: BundlePlan) -> Contents:
    files: dict[str, Sealed] = {}
    redacted: dict[str, tuple[str, ...]] = {}
    for relative in plan.files:
        path = folder.path / relative
        if relative in plan.withheld:
            continue
        if is_sealed(relative) or relative in plan.not_read:
            files[relative] = _copy(archive, path, _entry(folder.id, relative, path.stat().st_size))
            continue
        data, kinds = _hidden(path, folder.redactor)  # now: a person may have saved it since it was planned
        if kinds:
            redacted[relative] = kinds
        archive.writestr(_entry(folder.id, relative, len(data)), data)
        files[relative] = Sealed(hashlib.sha256(data).hexdigest(), len(data))
    contents = Contents(
        incident=folder.id,
        files=files,
        differences=plan.differences,
        redacted=redacted,
        withheld=plan.withheld,
        excluded=plan.excluded,
        not_read=plan.not_read,
    )
    document = msgspec.json.format(msgspec.json.encode(contents), indent=1)
    archive.writestr(_entry(folder.id, CONTENTS, len(document)), document)
    return contents


def _hidden(path: Path, redactor: Redactor) -> tuple[bytes, tuple[str, ...]]:
    """Return a file with its secrets hidden, and the kinds of those. Errors: FolderError, RedactionError."""
    before, data = Counter(redactor.hidden), _read(path)
    try:
        hidden = documents.hide(_with_plain_marks(data, redactor), path.name, redactor)
    except UnicodeDecodeError as error:
        raise FolderError(f"{path} was replaced while it was bundled; try again") from error
    if hidden == _with_plain_marks(data, redactor):
        return data, ()
    return hidden, tuple(sorted(Counter(redactor.hidden) - before)) or ("other",)


def _entry(top: str, relative: str, size: int) -> zipfile.ZipInfo:
    """Return an entry without time and owner, so that the same files make the same archive."""
    entry = zipfile.ZipInfo(f"{top}/{relative}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    packed = Path(relative).suffix in _PACKED
    entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    entry.file_size = size
    return entry


def _copy(archive: zipfile.ZipFile, path: Path, entry: zipfile.ZipInfo) -> Sealed:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return Sealed(digest.hexdigest(), size)


def unsafe(name: str) -> str:
    """Return why a relative path is not safe on every system, "" when it is.

    >>> unsafe("events/a.json"), unsafe("../a"), unsafe("/etc/passwd"), unsafe("C:x")
    ('', 'it leads out of the folder', 'it leads out of the folder', 'it has special characters')
    """
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "it leads out of the folder"
    if _UNSAFE.search(name):
        return "it has special characters"
    if any(len(part.encode()) > _LONGEST for part in parts) or len(parts) > 20:
        return "it is too long"
    return ""


def listing(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the relative paths that belong to the record, sorted, and the others with the reason."""
    files, excluded = [], {}
    for path, reason in _walk(folder):
        relative = path.relative_to(folder).as_posix()
        if reason:
            excluded[relative.encode("utf-8", "backslashreplace").decode()] = reason
        else:
            files.append(relative)
    return sorted(files), dict(sorted(excluded.items()))


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file with why it stays here, "" when it goes along; links are never followed."""
    for top, directories, names in os.walk(folder):
        here = Path(top)
        for name in sorted(directories):
            if reason := _why_not(here / name, is_top=here == folder):
                directories.remove(name)
                yield here / name, reason
        for name in sorted(names):
            reason = _why_not(here / name, is_top=here == folder)
            yield here / name, reason or unsafe((here / name).relative_to(folder).as_posix())


def _why_not(path: Path, *, is_top: bool) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "a link"
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return "no plain file"
    if path.name in _SCRATCH and (is_top or path.name != "lab"):
        return "scratch"
    if path.name.endswith(_TEMPORARY) or path.name.startswith("."):
        return "temporary or hidden"
    if is_top and path.name == CONTENTS:
        return "of an earlier bundle"
    return ""


def kinds_in(path: Path, redactor: Redactor) -> tuple[str, ...] | None:
    """Return the kinds of secrets that would be hidden, () for none, None where the file is no text.

    Errors: FolderError, RedactionError.
    """
    before = Counter(redactor.hidden)
    if path.suffix == ".zst":
        changes = _log_changes(path, redactor)
    elif path.name == manifest.NAME:
        changes = _manifest_changes(path, redactor)
    else:
        try:
            data = _with_plain_marks(_read(path), redactor)
            changes = documents.hide(data, path.name, redactor) != data
        except UnicodeDecodeError:
            return None
    found = Counter(redactor.hidden) - before
    return (tuple(sorted(found)) or ("other",)) if changes else ()


def _manifest_changes(path: Path, redactor: Redactor) -> bool:
    """Return whether a name or a reason in a manifest is secret; all else in it are hashes."""
    try:
        known = manifest.load(path.parent)
    except FolderError:
        data = _with_plain_marks(_read(path), redactor)
        return documents.hide(data, path.name, redactor) != data
    words = [*known.files, *known.seen, *(item.path for item in known.withdrawn)]
    words += [item.reason for item in known.withdrawn]
    return any(redactor.text(word) != word for word in words)


def _with_plain_marks(data: bytes, redactor: Redactor) -> bytes:
    """Return a text in which marks of another machine's key are no secret. Errors: UnicodeDecodeError."""
    return redactor.marks.only_ours(data.decode()).encode()


def _log_changes(path: Path, redactor: Redactor) -> bool:
    before, after = hashlib.sha256(), hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        """Yield the text of the file in blocks of whole lines, and add each to its hash."""
        unpacked, rest = 0, b""
        for block in decode.unpacked_blocks(path):
            unpacked += len(block)
            lines, end, rest = (rest + block).rpartition(b"\n")
            if unpacked > decode.MOST_LOG_BYTES or len(rest) > _MOST_LINE_BYTES:
                raise FolderError(f"{path} unpacks to more than any stored log; remove it")
            yield from whole(lines + end)
        yield from whole(rest)

    def whole(lines: bytes) -> Iterator[bytes]:
        """Yield lines as they are hashed."""
        if lines:
            text = _with_plain_marks(lines, redactor)
            before.update(text)
            yield text

    try:
        for block in redactor.lines(blocks()):
            after.update(block)
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"cannot read {path}: {error}") from error
    return before.digest() != after.digest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error
