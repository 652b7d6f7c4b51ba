"""A bundle that came from elsewhere: checked, and unpacked where nothing can be overwritten.

Nothing in an archive is believed: not its names, not its sizes, not its hashes.
"""

import hashlib
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import archive as archive_files
from incident_lib.incident import decode, foreign, manifest
from incident_lib.incident.archive import MOST_BYTES
from incident_lib.incident.bundle import CONTENTS, Contents
from incident_lib.incident.events import Draft
from incident_lib.incident.files import adopt, folder_error, make_folder, open_file, sync_file, sync_folder
from incident_lib.incident.folder import IncidentFolder, note_changed
from incident_lib.incident.leftovers import private_folder
from incident_lib.incident.manifest import Difference
from incident_lib.model import EventKind
from incident_lib.redact import Redactor
from incident_lib.units import format_bytes

_BLOCK = 1 << 20
_MOST_CONTENTS_BYTES = 32 << 20  # of as many files as a bundle may hold
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError)


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that was opened: where it is, what its bundle says, and what was not taken from it."""

    path: Path
    contents: Contents
    left_out: dict[str, str]


def is_bundle(name: str) -> bool:
    """Return whether a name that `verify` was given is a file, so a bundle and no incident's folder."""
    return bool(name) and Path(name).is_file()


def read_contents(path: Path) -> Contents:
    """Return what a bundle says of itself. Errors: FolderError when it is none."""
    with archive_files.opened(path) as archive:
        return _contents(archive, archive_files.files(archive))


def verify_bundle(
    path: Path, *, most_bytes: int = MOST_BYTES, look: Callable[[Path], None] = lambda _incident: None
) -> list[Difference]:
    """Return everything in the bundle that is not as it was sealed, recorded or bundled.

    `look` is called with the incident's folder while it is unpacked.

    Errors: UsageError when there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"bundle {path} does not exist")
    with private_folder("incident-verify-") as temporary:
        try:
            contents, found = _extract(path, temporary, most_bytes)
            inside = IncidentFolder(temporary / contents.incident, Redactor()).verify()
            look(temporary / contents.incident)
        except FolderError as error:
            return [Difference(path.name, f"changed: {error}")]
    withheld = [
        Difference(name, f"left out when it was bundled, since it holds secrets ({', '.join(kinds)})")
        for name, kinds in contents.withheld.items()
    ]
    listed = {CONTENTS, *(difference.path for difference in (*found, *withheld))}
    return sorted(
        [*found, *withheld, *(difference for difference in inside if difference.path not in listed)]
    )


def open_bundle(path: Path, to: Path, redactor: Redactor, *, most_bytes: int = MOST_BYTES) -> Opened:
    """Unpack the known files of a bundle under `to`, and mark the incident as foreign.

    What is there is never overwritten, and nothing stays where it is refused.
    Errors: UsageError when the incident is there already, FolderError when the bundle is damaged or hostile.
    """
    if not path.is_file():
        raise UsageError(f"bundle {path} does not exist")
    wanted = to / read_contents(path).incident
    if wanted.exists() or wanted.is_symlink():
        raise UsageError(f"{wanted} already exists and is not overwritten; choose another place with --to")
    try:
        make_folder(to)
        with private_folder(".open-", to) as temporary:
            adopt(temporary)
            contents, found = _extract(path, temporary, most_bytes, known_only=True)
            if found:
                changes = "; ".join(f"{item.path}: {item.what}" for item in found[:3])
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                raise FolderError(
                    f"{path} was changed since it was bundled, so it is not opened: {changes}{more}"
                )
            folder = temporary / contents.incident
            left_out = {name: why for name in contents.files if (why := foreign.refusal(name))}
            left_out |= _remove_active(folder)
            left_out = {name: why for name, why in left_out.items() if not foreign.is_derived(name)}
            mark_foreign(IncidentFolder(folder, redactor), path)
            for place, _, _ in os.walk(folder):
                sync_folder(Path(place))
            folder.rename(wanted)
            sync_folder(to)
            note_changed(wanted)
    except OSError as error:
        raise folder_error(wanted, error) from error
    return Opened(path=wanted, contents=contents, left_out=left_out)


def mark_foreign(folder: IncidentFolder, archive: Path | None = None) -> None:
    """Record in the incident that it was opened from a bundle. Errors: FolderError."""
    contents = folder.path / CONTENTS
    text = f"Opened from the bundle {archive.name}" if archive else "Opened by an earlier version"
    data: dict[str, str | list[str]] = {
        foreign.OPENED: manifest.digest_of(archive) if archive else "unknown",
        "file": CONTENTS,
        "sha256": manifest.digest_of(contents),
    }
    folder.record(Draft(kind=EventKind.NOTE, text=text, source="open", data=data))


def _remove_active(folder: Path) -> dict[str, str]:
    """Remove the pages that do not forbid what ours forbid, and return them."""
    removed = {}
    for page in sorted(folder.glob("runs/*/html/*.html")):
        if page.stat().st_size > decode.MOST_BYTES or not foreign.is_quiet(decode.read_file(page)):
            page.unlink()
            removed[page.relative_to(folder).as_posix()] = "a page that could run something"
    return removed


def _contents(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Contents:
    tops = {name.partition("/")[0] for name in entries}
    top = next(iter(tops), "")
    if len(tops) != 1 or top.startswith(".") or f"{top}/{CONTENTS}" not in entries:
        raise FolderError(f"it is not a bundle of an incident: it has no {CONTENTS} in its one folder")
    info = entries[f"{top}/{CONTENTS}"]
    if info.file_size > _MOST_CONTENTS_BYTES:
        raise FolderError(f"its {CONTENTS} is too large")
    try:
        with archive.open(info) as file:
            data = file.read(_MOST_CONTENTS_BYTES)
    except _DAMAGE as error:
        raise FolderError(f"its {CONTENTS} cannot be read: {error}") from error
    contents = decode.decode(data, Contents, f"its {CONTENTS}", whole=True)
    if contents.incident != top:
        raise FolderError(f"its {CONTENTS} is of {contents.incident!r}, and its folder is {top!r}")
    return contents


def _extract(
    path: Path, to: Path, most_bytes: int, *, known_only: bool = False
) -> tuple[Contents, list[Difference]]:
    """Write the files under `to` and return what is not as the contents say. Errors: FolderError."""
    with archive_files.opened(path, most_bytes=most_bytes) as archive:
        entries = archive_files.files(archive)
        contents = _contents(archive, entries)
        size = sum(info.file_size for info in entries.values())
        if size > shutil.disk_usage(to).free:
            raise FolderError(f"it needs {format_bytes(size)}, which is not free under {to}")
        try:
            found = list(_unpack(archive, entries, contents, to, known_only=known_only))
        except OSError as error:
            raise folder_error(to, error) from error
    return contents, sorted(found)


def _unpack(
    archive: zipfile.ZipFile,
    entries: dict[str, zipfile.ZipInfo],
    contents: Contents,
    to: Path,
    *,
    known_only: bool,
) -> Iterator[Difference]:
    prefix = f"{contents.incident}/"
    for name, info in entries.items():
        relative = name.removeprefix(prefix)
        known = contents.files.get(relative)
        if known is None and relative != CONTENTS:
            yield Difference(relative, "added")
            continue
        if known_only and foreign.refusal(relative):
            continue
        digest = _write(archive, info, to / name)
        if digest is None:
            yield Difference(relative, "changed: it cannot be unpacked")
        elif known is not None and known.sha256 != digest:
            yield Difference(relative, "changed")
    for relative in contents.files.keys() - {name.removeprefix(prefix) for name in entries}:
        yield Difference(relative, "missing")


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> str | None:
    """Return the hash of what was written, None when it is damaged. No more than announced is read."""
    digest, left = hashlib.sha256(), info.file_size
    make_folder(path.parent)
    try:
        with archive.open(info) as source, open_file(path, "xb") as target:
            while block := source.read(min(_BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    return None
                digest.update(block)
                target.write(block)
            sync_file(target)
    except _DAMAGE:
        return None
    return digest.hexdigest()
