"""A snapshot on disk: evidence as it comes in, redacted; findings at the end; then sealed."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import zstandard

from incident_lib import clock
from incident_lib.errors import FolderError, RedactionError, WorkbenchError
from incident_lib.incident import decode, manifest
from incident_lib.incident.files import (
    evidence_file,
    file_name,
    folder_error,
    make_directory,
    make_folder,
    open_file,
    sync_file,
    sync_folder,
    write_atomic,
)
from incident_lib.incident.rewrite import rewrite
from incident_lib.incident.signing import Signer
from incident_lib.model import Analysis, Attachment, Evidence, Window
from incident_lib.model.evidence import convert_evidence
from incident_lib.model.renamed import current_names
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.redact.found import remembered
from incident_lib.redact.known import Known

T = TypeVar("T")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The content of snapshot.json: what was collected, when, and with what configuration."""

    schema: int = 1
    id: str
    window: Window
    collected_at: datetime
    topology: Topology = Topology()  # what needed what, as it was configured then
    hidden: dict[str, int] = {}  # how many secrets of each kind were hidden
    hidden_in: tuple["Hidden", ...] = ()  # and where
    carried: dict[str, Window] = {}  # evidence of an earlier snapshot, with the window it was collected for


class Hidden(msgspec.Struct, frozen=True, order=True):
    """How many secrets of a kind were hidden in a file of a snapshot, never which."""

    file: str
    kind: str
    count: int


class _Collected(msgspec.Struct, frozen=True):
    """The part of an evidence that says when it was collected."""

    probe: str
    target: str
    collected_at: datetime


class SnapshotWriter:
    """Writes one snapshot. What `add` returns is what was stored, and all that may be judged."""

    def __init__(
        self,
        parent: Path,
        window: Window,
        redactor: Redactor,
        *,
        signer: Signer | None = None,
        carried: Mapping[str, Window] = {},
        looks_back: bool = False,
    ) -> None:
        self.path = make_directory(parent, clock.format_stamp(clock.now()))
        self.id = self.path.name
        self.window = window
        self._carried = dict(carried)
        if looks_back:  # before anything else: half of it must not be taken for the latest one either
            write_atomic(self.path / manifest.SPAN, msgspec.json.encode(window))
        self._redactor = redactor
        self._signer = signer
        self._report: list[Hidden] = []
        self._written: list[tuple[Path, frozenset[str]]] = []  # and what had been found by then

    def add(self, evidence: Evidence) -> Evidence:
        """Store `evidence` and return what was stored. Errors: RedactionError, FolderError."""
        attachments = tuple(self._attach(attachment) for attachment in evidence.attachments)
        bare = msgspec.structs.replace(evidence, attachments=attachments)
        known, before = remembered(), Counter(self._redactor.hidden)
        with _failing_closed(f"the evidence {evidence.target}/{evidence.probe}"):
            stored: Evidence = self._redactor.struct(bare, Evidence, convert_evidence)
        path = evidence_file(self.path, stored.ref)
        write_atomic(path, msgspec.json.format(msgspec.json.encode(stored), indent=1))
        self._note(path, known, before)
        return stored

    def seal(self, analysis: Analysis, topology: Topology) -> None:
        """Write findings.json and snapshot.json, then the manifest. Errors: RedactionError, FolderError.

        What was stored before a secret was found, in a container or by a connection, is redacted once more.
        """
        with _failing_closed("what was stored before a secret was found"):
            self._hide_found()
        before = Counter(self._redactor.hidden)
        with _failing_closed("the findings"):
            redacted = self._redactor.struct(analysis, Analysis)
        self._note(self.path / "findings.json", remembered(), before)
        counts: Counter[str] = Counter()
        for hidden in self._report:
            counts[hidden.kind] += hidden.count
        about = About(
            id=self.id,
            window=self.window,
            collected_at=clock.now(),
            topology=topology,
            hidden=dict(counts),
            hidden_in=tuple(sorted(self._report)),
            carried=self._carried,
        )
        findings = with_hashes(self.path, redacted)
        for name, value in (("findings.json", findings), ("snapshot.json", about)):
            write_atomic(self.path / name, msgspec.json.format(msgspec.json.encode(value), indent=1))
        manifest.seal(self.path, signer=self._signer)

    def _note(self, path: Path, known: frozenset[str], before: Counter[str]) -> None:
        """Keep what was hidden in a file, and which secrets had been found when that was done."""
        file = path.relative_to(self.path).as_posix()
        found = Counter(self._redactor.hidden) - before
        self._report += (Hidden(file, kind, count) for kind, count in found.items())
        self._written.append((path, known))

    def _hide_found(self) -> None:
        for path, known in tuple(self._written):
            new = Known(remembered() - known)
            if new and path.exists() and _holds(path, new):
                before = Counter(self._redactor.hidden)
                rewrite(path, self._redactor)
                self._note(path, remembered(), before)

    def _attach(self, attachment: Attachment) -> Attachment:
        relative = f"logs/{file_name(attachment.name)}.zst"
        path = self.path / relative
        size = 0
        known, before = remembered(), Counter(self._redactor.hidden)
        try:
            make_folder(path.parent)
            with ExitStack() as undo:
                undo.callback(path.unlink, missing_ok=True)
                with open_file(path) as raw:
                    with zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as file:
                        for chunk in self._lines(attachment):
                            size += len(chunk)
                            file.write(chunk)
                    sync_file(raw)
                sync_folder(path.parent)
                undo.pop_all()
        except OSError as error:
            raise folder_error(path, error) from error
        self._note(path, known, before)
        return Attachment(name=attachment.name, path=relative, size_bytes=size)

    def _lines(self, attachment: Attachment) -> Iterator[bytes]:
        with _failing_closed(f"the log {attachment.name}"):
            yield from self._redactor.lines(attachment.chunks)


@contextmanager
def _failing_closed(what: str) -> Iterator[None]:
    """Let whatever goes wrong with redaction inside be a RedactionError that shows nothing of the text."""
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold a secret
        kind = type(error).__name__
        raise RedactionError(f"redaction of {what} failed ({kind}), so nothing was written") from None


def _holds(path: Path, known: Known) -> bool:
    """Return whether a stored file holds one of these secrets."""
    if path.suffix != ".zst":
        return bool(known.spans(path.read_text(encoding="utf-8", errors="replace")))
    with zstandard.open(path, "rt", encoding="utf-8", errors="replace") as file:
        return any(known.spans(line) for line in file)


def with_hashes(snapshot: Path, analysis: Analysis) -> Analysis:
    """Return an analysis whose findings name the hashes of the evidence of this snapshot they rest on.

    Cost: reads each evidence file once. Errors: FolderError.
    """
    known: dict[str, str] = {}
    for ref in dict.fromkeys(ref for finding in analysis.findings for ref in finding.evidence):
        path = evidence_file(snapshot, ref)
        if path.is_file():
            known[ref] = manifest.digest_of(path)
    findings = (
        msgspec.structs.replace(
            finding, evidence_hashes={ref: known[ref] for ref in finding.evidence if ref in known}
        )
        for finding in analysis.findings
    )
    return msgspec.structs.replace(analysis, findings=tuple(findings))


def load_evidence(snapshot: Path) -> tuple[Evidence, ...]:
    """Return the evidence of a snapshot, sorted by target and probe. Errors: FolderError."""
    return tuple(_load(path, decode.load_evidence) for path in _evidence_files(snapshot))


def load_moments(snapshot: Path) -> dict[str, datetime]:
    """Return when each evidence was collected, by its reference. Cost: its rows are skipped, not decoded."""
    found = (_load(path, partial(_kind, _Collected)) for path in _evidence_files(snapshot))
    return {f"{evidence.target}/{evidence.probe}": evidence.collected_at for evidence in found}


def load_analysis(snapshot: Path) -> Analysis | None:
    """Return what was concluded when the snapshot was taken, in the names of today.

    None when it was interrupted before.
    """
    path = snapshot / "findings.json"
    return current_names(_load(path, partial(_kind, Analysis))) if path.exists() else None


def load_about(snapshot: Path) -> About:
    """Return what the snapshot says of itself. Errors: FolderError."""
    return _load(snapshot / "snapshot.json", partial(_kind, About))


def read_log(snapshot: Path, service: str) -> Iterator[str]:
    """Yield the lines of a service's stored log excerpt; nothing when there is none."""
    path = snapshot / "logs" / f"{file_name(service)}.log.zst"
    if not path.exists():
        return
    yield from decode.log_lines(path)


def read_attachment(snapshot: Path, attachment: Attachment) -> Iterator[bytes]:
    """Yield the content of a stored attachment; nothing where it is gone."""
    path = decode.inside(snapshot, attachment.path)
    if path is not None:
        yield from (line.encode() for line in decode.log_lines(path))


def _evidence_files(snapshot: Path) -> list[Path]:
    """Return the files of all evidence, sorted; a folder that is a link leads elsewhere, and is left out."""
    return sorted(
        Path(folder.path, entry.name)
        for folder in _entries(snapshot / "evidence")
        if folder.is_dir(follow_symlinks=False)
        for entry in _entries(folder)
        if entry.name.endswith(".json")
    )


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _kind(kind: type[T], path: Path) -> T:
    return decode.load_measured(path, kind)


def _load(path: Path, load: Callable[[Path], T]) -> T:
    try:
        return load(path)
    except FileNotFoundError as error:
        incident = str(next((above for above in path.parents if (above / "events").is_dir()), ""))
        command = ("verify",) if incident else ()
        raise FolderError(f"{path} is missing", command=command, incident=incident) from error
