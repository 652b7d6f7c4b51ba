"""Stored evidence, decoded with the record types of every technology."""

from pathlib import Path

from incident_lib.incident import snapshot
from incident_lib.model import Evidence
from incident_lib.technologies import table


def load_evidence(path: Path) -> tuple[Evidence, ...]:
    """Return the evidence of a snapshot, sorted by target and probe. Errors: FolderError."""
    table()  # registers the record types
    return snapshot.load_evidence(path)
