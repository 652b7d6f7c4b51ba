"""An incident folder for a test, and `incident mitigate` as it is typed."""

import io
import sys
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Document, Service, Settings
from incident_lib.errors import WorkbenchError
from incident_lib.incident.folder import Declaration, IncidentFolder, declare
from incident_lib.investigation.setup import redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.model.remediation import PLANS
from incident_lib.remediation import journal
from tests.command import run


def settings_for(root: Path, *services: Service, **tables: object) -> Settings:
    """Return a configuration in `root` with these services."""
    return Settings(document=Document(service=services, **tables), root=root)


def declared(settings: Settings, title: str = "Checkout answers 503") -> IncidentFolder:
    """Return the folder of a new incident."""
    declaration = Declaration(title=title, severity=IncidentSeverity.SEV2, started_at=clock.now())
    return declare(settings.incidents, declaration, redactor_for(settings))


def phases(folder: IncidentFolder) -> list[str]:
    """Return what the timeline says of changes, in order."""
    return [str(event.data["phase"]) for event in journal.events_of(folder)]


def command(settings_file: Path, *words: str) -> tuple[int, str, str]:
    """Return exit code, output and message of `incident mitigate WORDS`."""
    bytes_out = io.BytesIO()
    text_out = io.TextIOWrapper(bytes_out, write_through=True)
    before, sys.stdout = sys.stdout, text_out
    try:
        code, message = run("--config", str(settings_file), "mitigate", *words), ""
    except WorkbenchError as error:
        code, message = 2, str(error)
    finally:
        sys.stdout = before
    return code, bytes_out.getvalue().decode(), message


def stored(folder: IncidentFolder) -> list[dict[str, object]]:
    """Return the plans that were kept."""
    files = sorted((folder.path / PLANS).glob("*.json"))
    return [msgspec.json.decode(path.read_bytes()) for path in files]
