"""A bundle that came from elsewhere: checked, and unpacked where nothing can be overwritten.

Nothing in an archive is believed: not its names, not its sizes, not its hashes.
"""

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.bundle import CONTENTS, Contents, unsafe
from incident_lib.incident.files import adopt, folder_error, make_folder, open_file
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import Difference
from incident_lib.redact import Redactor
from incident_lib.units import format_bytes

MOST_FILES = 50_000
MOST_BYTES = 8 << 30
_BLOCK = 1 << 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def is_bundle(name: str) -> bool:
    """Return whether a name that `verify` was given is a file, so a bundle and no incident's folder."""
    return bool(name) and Path(name).is_file()


def read_contents(path: Path) -> Contents:
    """Return what a bundle says of itself. Errors: FolderError when it is none."""
    with _opened(path) as archive:
        return _contents(archive, _entries(archive, MOST_BYTES))


def verify_bundle(path: Path, *, most_bytes: int = MOST_BYTES) -> list[Difference]:
    """Return everything in the bundle that is not as it was sealed, recorded or bundled.

    Errors: UsageError when there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"there is no bundle {path}")
    with tempfile.TemporaryDirectory(prefix="incident-verify-") as temporary:
        try:
            contents, found = _extract(path, Path(temporary), most_bytes)
            inside = IncidentFolder(Path(temporary) / contents.incident, Redactor()).verify()
        except FolderError as error:
            return [Difference(path.name, f"changed: {error}")]
    withheld = [
        Difference(name, f"left out when it was bundled, since it holds secrets ({', '.join(kinds)})")
        for name, kinds in contents.withheld.items()
    ]
    listed = {difference.path for difference in (*found, *withheld)}
    return sorted(
        [*found, *withheld, *(difference for difference in inside if difference.path not in listed)]
    )


def open_bundle(path: Path, to: Path, *, most_bytes: int = MOST_BYTES) -> Path:
    """Unpack a bundle under `to` and return the incident's folder; what is there is never overwritten.

    Errors: UsageError when the incident is there already, FolderError when the bundle is damaged or hostile.
    """
    if not path.is_file():
        raise UsageError(f"there is no bundle {path}")
    wanted = to / read_contents(path).incident
    if wanted.exists() or wanted.is_symlink():
        raise UsageError(
            f"{wanted} is there already, and nothing is overwritten; name another place with --to"
        )
    try:
        make_folder(to)
        with tempfile.TemporaryDirectory(prefix=".open-", dir=to) as temporary:
            adopt(Path(temporary))
            contents, found = _extract(path, Path(temporary), most_bytes)
            if found:
                changes = "; ".join(f"{item.path}: {item.what}" for item in found[:3])
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                raise FolderError(
                    f"{path} was changed since it was bundled, so it is not opened: {changes}{more}"
                )
            (Path(temporary) / contents.incident).rename(wanted)
    except OSError as error:
        raise folder_error(wanted, error) from error
    return wanted


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FolderError(f"{path} is no whole bundle: {error}") from error


def _entries(archive: zipfile.ZipFile, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name, all of which are safe to write. Errors: FolderError."""
    entries: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        if reason := _refused(info):
            raise FolderError(f"{info.filename!r} is in the archive: {reason}")
        if info.filename.casefold() in folded:
            raise FolderError(f"{info.filename!r} is in the archive twice")
        folded.add(info.filename.casefold())
        entries[info.filename] = info
    size = sum(info.file_size for info in entries.values())
    if len(entries) > MOST_FILES or size > most_bytes:
        raise FolderError(
            f"it would unpack to {len(entries):,} files and {format_bytes(size)}; at most "
            f"{MOST_FILES:,} and {format_bytes(most_bytes)}"
        )
    return entries


def _refused(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return "it is a link or no plain file"
    if info.flag_bits & 1 or info.compress_type not in _METHODS:
        return "it is encrypted or packed in a way that is not read"
    if "/" not in info.filename:
        return "a bundle holds one folder"
    return unsafe(info.orig_filename)


def _contents(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Contents:
    tops = {name.partition("/")[0] for name in entries}
    top = next(iter(tops), "")
    if len(tops) != 1 or top.startswith(".") or f"{top}/{CONTENTS}" not in entries:
        raise FolderError(f"it is no bundle of an incident: it has no {CONTENTS} in its one folder")
    info = entries[f"{top}/{CONTENTS}"]
    if info.file_size > 64 << 20:
        raise FolderError(f"its {CONTENTS} is larger than any that was made here")
    try:
        contents = msgspec.json.decode(archive.read(info), type=Contents)
    except (msgspec.MsgspecError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FolderError(f"its {CONTENTS} cannot be read: {error}") from error
    if contents.incident != top:
        raise FolderError(f"its {CONTENTS} is of {contents.incident!r}, and its folder is {top!r}")
    return contents


def _extract(path: Path, to: Path, most_bytes: int) -> tuple[Contents, list[Difference]]:
    """Write every file under `to` and return what is not as the contents say. Errors: FolderError."""
    with _opened(path) as archive:
        entries = _entries(archive, most_bytes)
        contents = _contents(archive, entries)
        size = sum(info.file_size for info in entries.values())
        if size > shutil.disk_usage(to).free:
            raise FolderError(f"it needs {format_bytes(size)}, and there is not so much room under {to}")
        try:
            found = list(_unpack(archive, entries, contents, to))
        except OSError as error:
            raise folder_error(to, error) from error
    return contents, sorted(found)


def _unpack(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], contents: Contents, to: Path
) -> Iterator[Difference]:
    prefix = f"{contents.incident}/"
    for name, info in entries.items():
        relative = name.removeprefix(prefix)
        digest = _write(archive, info, to / name)
        known = contents.files.get(relative)
        if digest is None:
            yield Difference(relative, "changed: it cannot be unpacked")
        elif known is None and relative != CONTENTS:
            yield Difference(relative, "added")
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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return None
    return digest.hexdigest()
