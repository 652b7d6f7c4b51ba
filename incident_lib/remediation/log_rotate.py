"""Copy a service's log file, compressed, and truncate it: for a disk that is full of it."""

import gzip
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.incident.files import sync_file, sync_folder
from incident_lib.model.remediation import Affected, Bound
from incident_lib.units import format_bytes, format_duration

_CHUNK = 1024 * 1024
_LEAST_BYTES = 1
_COMPRESSED = 5  # text shrinks to less than a fifth; a copy that does not fit is given up
_SECONDS = 300.0
_COPY, _DISCARD = "gzip", "none"


class _File(msgspec.Struct, frozen=True):
    path: Path
    copy: Path | None


def propose(request: Request) -> Proposal:
    """Return what would be copied and cut. Errors: RefusedError where it is no log file of a service."""
    path = _path(request)
    about = _stat(path)
    size = about.st_size
    if size < _LEAST_BYTES:
        raise RefusedError(f"{path} is empty: nothing to do")
    copy = _copy(request, path)
    if copy:
        _check_room(copy.parent, size)
    free = shutil.disk_usage(path.parent).free
    return Proposal(
        commands=(*((f"gzip --stdout {path} > {copy}",) if copy else ()), f"truncate --size 0 {path}"),
        affected=(
            Affected(what="log file", count=size, unit="B", detail=str(path)),
            Affected(what="free on its disk now", count=free, unit="B"),
        ),
        risks=(
            "lines written between the copy and the truncation (a moment) are lost",
            (
                "a program that does not append continues at its old position, so the file may look as large "
                "as before"
            ),
            *(() if copy else ("no copy is kept: the evidence in it is lost; take a snapshot first",)),
        ),
        undo=f"gunzip {copy}" if copy else "none: its content is lost",
        world={"file": f"{about.st_dev}:{about.st_ino}"},
        numbers={"bytes": size},
        bounds={"bytes": Bound(least=size, most=size * 2 + 64 * _CHUNK)},
        private=_File(path, copy),
    )


def _path(request: Request) -> Path:
    service = request.service
    if not service.log:
        advice = "set its `log` in workbench.toml"
        if service.container:
            advice = (
                "Docker keeps its log: give it --log-opt max-size=10m, or use docker.prune for old containers"
            )
        raise RefusedError(f"no log file of {service.name} is configured; {advice}")
    return request.settings.file(service.log)


def _stat(path: Path) -> os.stat_result:
    try:
        about = path.lstat()
    except OSError as error:
        kind = ProblemKind.NOT_FOUND if isinstance(error, FileNotFoundError) else ProblemKind.PRIVILEGE
        raise TargetError(
            kind, f"cannot read {path}: {error.strerror}", "correct `log` of the service"
        ) from error
    if not stat.S_ISREG(about.st_mode):
        raise RefusedError(f"{path} is not a plain file but a link, a pipe or a device: it is left alone")
    if not os.access(path, os.R_OK | os.W_OK):
        raise TargetError(
            ProblemKind.PRIVILEGE, f"no permission to read and write {path}", "run as its owner, or as root"
        )
    return about


def _copy(request: Request, path: Path) -> Path | None:
    how = request.arguments["copy"]
    if how not in {_COPY, _DISCARD}:
        raise RefusedError(f"copy={how} is unknown; use copy={_COPY} or copy={_DISCARD}")
    if how == _DISCARD:
        return None
    folder = Path(request.arguments["to"]) if request.arguments["to"] else path.parent
    if not folder.is_dir():
        raise RefusedError(f"folder {folder} does not exist")
    free = next(number for number in range(1, 10_000) if not (folder / f"{path.name}.{number}.gz").exists())
    return folder / f"{path.name}.{free}.gz"


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size // _COMPRESSED + _CHUNK:
        raise RefusedError(
            f"a copy of {format_bytes(size)} may not fit into the {format_bytes(free)} free in {folder}; "
            f"choose another disk with --arg to=FOLDER, or discard the log with --arg copy={_DISCARD}"
        )


def carry_out(_request: Request, proposal: Proposal) -> Done:
    """Copy, then cut. Errors: TargetError when the copy fails; then the log is as it was."""
    file: _File = proposal.private
    handle = _open(file.path, proposal.world["file"])
    with os.fdopen(handle, "r+b") as log:
        copied = _compress(log, file.copy) if file.copy else os.fstat(log.fileno()).st_size
        os.ftruncate(log.fileno(), 0)
        left = _unsynced(log)
    kept = f", kept in {file.copy}" if file.copy else ", not kept"
    return Done(text=f"truncated {file.path} from {format_bytes(copied)} to 0 B{kept}", left=left)


def _unsynced(log: BinaryIO) -> str:
    """Return what is left to do where the cut may not outlast a power loss, "" where it does."""
    try:
        sync_file(log)
    except OSError as error:
        return f"the disk did not confirm the truncation ({error.strerror}): check the size of the log again"
    return ""


def _open(path: Path, identity: str) -> int:
    """Return the opened file: the same file, and no link that took its place."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise TargetError(ProblemKind.PRIVILEGE, f"cannot open {path}: {error.strerror}") from error
    about = os.fstat(handle)
    if f"{about.st_dev}:{about.st_ino}" != identity:
        os.close(handle)
        raise RefusedError(f"{path} is a different file now; nothing was changed")
    return handle


def _compress(log: BinaryIO, copy: Path) -> int:
    """Return how many bytes were copied. Errors: TargetError; then there is no copy, and the log is whole."""
    deadline = clock.monotonic() + _SECONDS
    try:
        made = os.open(
            copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(os.fstat(log.fileno()).st_mode)
        )
    except OSError as error:
        raise TargetError(ProblemKind.PRIVILEGE, f"cannot make {copy}: {error.strerror}") from error
    try:
        with os.fdopen(made, "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3) as packed:
                while chunk := log.read(_CHUNK):
                    packed.write(chunk)
                    if clock.monotonic() > deadline:
                        raise TimeoutError(f"it took more than {format_duration(_SECONDS)}")
            sync_file(raw)
        sync_folder(copy.parent)  # before the log is emptied: a power loss may not take both
    except OSError as error:
        copy.unlink(missing_ok=True)
        message = f"copying the log failed: {error.strerror or error}; the log is as it was"
        raise TargetError(
            ProblemKind.UNSUPPORTED, message, "choose another disk with --arg to=FOLDER"
        ) from error
    return log.tell()


def verify(_request: Request, proposal: Proposal) -> Verdict:
    """Return whether the file is small now and the copy is whole."""
    file: _File = proposal.private
    size = file.path.stat().st_size
    blocks = file.path.stat().st_blocks * 512
    before = proposal.numbers["bytes"]
    on_disk = f"{format_bytes(blocks)} on the disk, {format_bytes(before)} before"
    lines = [f"stat {file.path}: {format_bytes(size)}, {on_disk}"]
    if file.copy:
        lines.append(f"stat {file.copy}: {format_bytes(file.copy.stat().st_size)}")
    lines.append(f"{format_bytes(shutil.disk_usage(file.path.parent).free)} are free")
    return Verdict(
        is_verified=blocks < before // 2 + _CHUNK and size < before,
        evidence=tuple(lines),
        next_step="set up rotation for this: logrotate, or the program's own",
    )


def _is_configured(settings: Settings, target: str) -> bool:
    return any(service.name == target and service.log for service in settings.services)


ACTION = Action(
    is_configured=_is_configured,
    id="log.rotate",
    title="Copy a log file and truncate it",
    targets="a service with a `log` file",
    does="Copies the log file, compressed, and truncates it in place; the program keeps writing.",
    undo="`gunzip` the copy; if none was kept, the log's content is lost.",
    not_when=(
        "Something else fills the disk: the log is small, or the copy does not fit.",
        "The log is evidence of this incident and no copy is kept.",
    ),
    propose=propose,
    carry_out=carry_out,
    verify=verify,
    arguments=(
        Argument(
            name="copy", help=f"{_COPY} keeps a compressed copy, {_DISCARD} keeps nothing", default=_COPY
        ),
        Argument(name="to", help="the folder of the copy; that of the log, if empty", default=""),
    ),
)
