"""The samples of one watch on disk: `samples/<time>/0001.json`, ..., redacted as they come, then sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.incident import decode, manifest
from incident_lib.incident.files import make_directory, write_atomic
from incident_lib.incident.signing import Signer
from incident_lib.model.sample import Sample
from incident_lib.redact import Redactor

FOLDER = "samples"  # of an incident


class SampleWriter:
    """Writes the samples of one watch. What `add` returns is what was stored, and all that may be judged."""

    def __init__(self, incident: Path, redactor: Redactor, *, signer: Signer | None = None) -> None:
        self.path = make_directory(incident / FOLDER, clock.format_stamp(clock.now()))
        self._redactor = redactor
        self._signer = signer
        self._count = 0

    def add(self, sample: Sample) -> Sample:
        """Store `sample` and return what was stored. Errors: RedactionError, FolderError."""
        stored: Sample = self._redactor.struct(sample, Sample)
        self._count += 1
        write_atomic(
            self.path / f"{self._count:04}.json", msgspec.json.format(msgspec.json.encode(stored), indent=1)
        )
        return stored

    def seal(self) -> None:
        """Write the manifest. After this nothing may change."""
        manifest.seal(self.path, signer=self._signer)


@contextmanager
def writing_samples(
    incident: Path, redactor: Redactor, *, signer: Signer | None = None
) -> Iterator[SampleWriter]:
    """Yield a writer, and seal what it wrote whatever happens in between."""
    writer = SampleWriter(incident, redactor, signer=signer)
    try:
        yield writer
    finally:
        writer.seal()


def load_samples(path: Path) -> tuple[Sample, ...]:
    """Return the samples of one watch, the oldest first. Errors: FolderError."""
    found = []
    for file in sorted(path.glob("[0-9]*.json")):
        try:
            found.append(decode.load_measured(file, Sample))
        except FileNotFoundError as error:
            raise FolderError(f"{file} is missing") from error
    return tuple(found)


def watches(incident: Path, *, before: datetime | None = None) -> tuple[Path, ...]:
    """Return the folders of all watches of an incident that began by then, the oldest first."""
    found = sorted(path for path in (incident / FOLDER).glob("*") if path.is_dir())
    return tuple(path for path in found if before is None or path.name <= clock.format_stamp(before))
