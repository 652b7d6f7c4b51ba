"""Sealing: SHA-256 over every file of a folder, and the check that nothing changed since.

A manifest also names every other manifest of the incident that its writer saw. Two machines that write at
once each name what they saw, and both are right; a sealed folder that a later manifest names cannot vanish
without a word.
"""

import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident.files import make_directory, write_atomic
from incident_lib.incident.signing import Signature, Signer, fits

NAME = "manifest.json"
SPAN = "span.json"  # in a snapshot that looked back at a span of the past
UNSEALED = "unfinished: not sealed; it was interrupted, or is being written"
SEALED_FOLDERS = ("snapshots", "runs", "samples", "redactions")  # of an incident; each holds sealed folders
AGAIN = "redacted again"


class Sealed(msgspec.Struct, frozen=True):
    """One file of a manifest."""

    sha256: str
    bytes: int


_ELSEWHERE = Sealed("", 0)  # a link, a pipe, a device: never read, and never what was sealed


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sealed or recorded once, and was taken out of the record for a reason."""

    path: str  # relative to the incident's folder
    sha256: str  # of what stood there
    reason: str
    at: str = ""  # when; the moment of sealing where it is empty


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of manifest.json."""

    schema: int = 1
    sealed_at: str
    files: dict[str, Sealed]
    seen: dict[str, str] = {}  # the other sealed folders of the incident then: SHA-256 of their manifests
    newest_event: str = ""  # id of the newest event then; each event names the one before it
    withdrawn: tuple[Withdrawn, ...] = ()
    signature: Signature | None = None  # of all the rest


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a sealed folder is signed, and by which key."""

    path: str  # of the folder, within the incident
    public: str = ""  # "" where it is not signed
    fits: bool = False


class Difference(msgspec.Struct, frozen=True, order=True):
    """Something that is not as it was sealed."""

    path: str
    what: str  # changed, missing, added, not sealed, edited, redacted again
    is_bad: bool = True


def seal(folder: Path, *, withdrawn: Iterable[Withdrawn] = (), signer: Signer | None = None) -> None:
    """Write the manifest of `folder`. After this nothing in it may change.

    With `withdrawn` a sealed folder is sealed again: what it held and holds no more is listed with the
    reason, the manifest before it too, and `verify` accepts that. Errors: FolderError.
    """
    now = clock.format_time(clock.now())
    incident = _incident_of(folder)
    manifest = Manifest(
        sealed_at=now,
        files=_digest_all(folder),
        seen=_seen(incident, folder) if incident else {},
        newest_event=_newest_event(incident) if incident else "",
        withdrawn=_all_withdrawn(folder, incident, tuple(withdrawn), now),
    )
    if signer:
        signature = signer.sign(_signed_part(msgspec.json.encode(manifest)))
        manifest = msgspec.structs.replace(manifest, signature=signature)
    write_atomic(folder / NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def withdraw(incident: Path, withdrawn: Iterable[Withdrawn], *, signer: Signer | None = None) -> Path:
    """Return a sealed folder of its own that lists what was taken out of the record, such as events.

    For what stands in no sealed folder that could be sealed again. Errors: FolderError.
    """
    folder = make_directory(incident / "redactions", clock.format_stamp(clock.now()))
    seal(folder, withdrawn=withdrawn, signer=signer)
    return folder


def signatures(incident: Path) -> list[Signed]:
    """Return for each sealed folder of an incident whether it is signed. Errors: FolderError."""
    return [
        Signed(
            path=name,
            public=known.signature.public if known.signature else "",
            fits=bool(known.signature and _fits(incident / name, known.signature)),
        )
        for name, known in _known(incident).items()
    ]


def load(folder: Path) -> Manifest:
    """Return the manifest of a sealed folder. Errors: FolderError where there is none that can be read."""
    path = folder / NAME
    try:
        return decode.load(path, Manifest, whole=True)
    except FileNotFoundError as error:
        raise FolderError(f"{path} is missing") from error


def differences(folder: Path) -> list[Difference]:
    """Return what changed in `folder` since it was sealed, paths relative to `folder`."""
    try:
        manifest = decode.load(folder / NAME, Manifest, whole=True)
    except FileNotFoundError:
        return [Difference(NAME, UNSEALED)]
    except FolderError as error:
        return [Difference(NAME, f"changed: it cannot be read ({error})")]
    now = _digest_all(folder)
    found = (
        [Difference(NAME, "changed: its signature does not match")] if _is_forged(folder, manifest) else []
    )
    found += [Difference(path, "added") for path in now.keys() - manifest.files.keys()]
    for path, sealed in manifest.files.items():
        if now.get(path, _ELSEWHERE) is _ELSEWHERE:
            found.append(Difference(path, "missing"))
        elif now[path] != sealed:
            found.append(Difference(path, "changed"))
    return sorted(found)


def sealed_folders(incident: Path) -> Iterator[Path]:
    """Yield every folder of an incident that has a manifest, in a fixed order."""
    for kind in SEALED_FOLDERS:
        parent = incident / kind
        if parent.is_dir() and not parent.is_symlink():
            yield from sorted(path.parent for path in parent.glob(f"[!.]*/{NAME}") if is_plain(path))


def all_withdrawn(incident: Path) -> set[tuple[str, str]]:
    """Return what was taken out of the record: paths within the incident, and hashes of what was there."""
    return {(item.path, item.sha256) for known in _known(incident).values() for item in known.withdrawn}


def broken_names(incident: Path, events: Mapping[str, str]) -> list[Difference]:
    """Return what the manifests of an incident name and is not there as they saw it, or was withdrawn.

    `events` are those there are: the path of each within the incident, by its id.
    """
    known = _known(incident)
    digests = {
        folder.relative_to(incident).as_posix(): digest_of(folder / NAME)
        for folder in sealed_folders(incident)
    }
    withdrawn = {(item.path, item.sha256) for manifest in known.values() for item in manifest.withdrawn}
    found: dict[str, Difference] = {}
    for name, manifest in known.items():
        for relative, digest in manifest.seen.items():
            path = f"{relative}/{NAME}"
            if (path, digest) in withdrawn or digests.get(relative) == digest:
                continue
            what = f"changed since {name} saw it" if relative in digests else f"missing: {name} names it"
            found[path] = Difference(path, what)
        event, gone = manifest.newest_event, {path for path, _ in withdrawn if path.startswith("events/")}
        if event and event not in events and not any(path.endswith(f"-{event}.json") for path in gone):
            path = f"events/...-{event}.json"
            found[path] = Difference(path, "missing")
    return [*found.values(), *_withdrawn_differences(incident, withdrawn)]


def _known(incident: Path) -> dict[str, Manifest]:
    """Return the manifests of an incident that can be read, by the folder they seal."""
    known: dict[str, Manifest] = {}
    for folder in sealed_folders(incident):
        with suppress(FolderError):  # `differences` reports it
            known[folder.relative_to(incident).as_posix()] = load(folder)
    return known


def _withdrawn_differences(incident: Path, withdrawn: set[tuple[str, str]]) -> Iterator[Difference]:
    reported = set()
    for relative, digest in sorted(withdrawn):
        path = incident / relative
        if decode.inside(incident, relative) and digest_of(path) == digest:
            yield Difference(relative, "withdrawn, but still there")
        elif not relative.endswith(f"/{NAME}") and relative not in reported:
            reported.add(relative)
            yield Difference(relative, AGAIN, is_bad=False)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal.

    >>> sha256(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Errors: FolderError."""
    return _digest(path).sha256


def is_plain(path: Path) -> bool:
    """Return whether a path is a regular file, and no link to one elsewhere."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _is_forged(folder: Path, manifest: Manifest) -> bool:
    return manifest.signature is not None and not _fits(folder, manifest.signature)


def _fits(folder: Path, signature: Signature) -> bool:
    return fits(signature, _signed_part(decode.read_file(folder / NAME)))


def _signed_part(document: bytes) -> bytes:
    """Return a manifest without its signature, in the form that is signed: also what we do not know of."""
    fields = msgspec.json.decode(document)
    fields.pop("signature", None)
    return msgspec.json.encode(fields, order="sorted")


def _incident_of(folder: Path) -> Path | None:
    """Return the incident that a folder to be sealed belongs to, None for that of a look without one."""
    incident = folder.parent.parent
    return incident if folder.parent.name in SEALED_FOLDERS and (incident / "events").is_dir() else None


def _seen(incident: Path, but: Path) -> dict[str, str]:
    return {
        folder.relative_to(incident).as_posix(): digest_of(folder / NAME)
        for folder in sealed_folders(incident)
        if folder != but
    }


def _newest_event(incident: Path) -> str:
    names = (path.stem for path in (incident / "events").glob("[0-9]*-*.json"))
    return max(names, default="").rpartition("-")[2]


def _all_withdrawn(
    folder: Path, incident: Path | None, withdrawn: tuple[Withdrawn, ...], now: str
) -> tuple[Withdrawn, ...]:
    """Return what was withdrawn now and before, with the manifest that this takes the place of."""
    if not withdrawn:
        return ()
    stamped = tuple(msgspec.structs.replace(item, at=item.at or now) for item in withdrawn)
    if not (folder / NAME).is_file():
        return stamped
    relative = (folder / NAME).relative_to(incident or folder).as_posix()
    old = Withdrawn(path=relative, sha256=digest_of(folder / NAME), reason=stamped[0].reason, at=now)
    return tuple(dict.fromkeys((*load(folder).withdrawn, *stamped, old)))


def _digest_all(folder: Path) -> dict[str, Sealed]:
    return {
        path.relative_to(folder).as_posix(): _digest(path) if is_plain(path) else _ELSEWHERE
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or not path.is_dir())
        and path != folder / NAME
        and not path.name.endswith(".part")
    }


def _digest(path: Path) -> Sealed:
    try:
        with decode.opened(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Sealed(digest, file.tell())
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error
