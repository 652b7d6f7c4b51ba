"""The logs of your services: a single pass over the lines of the window, from a file or a container."""

from functools import partial

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.redact.excerpt import hidden_lines
from incident_lib.technologies.logs.probes.container import ContainerReader
from incident_lib.technologies.logs.probes.digest import Digest, merge
from incident_lib.technologies.logs.probes.ending import READ, growth, tail
from incident_lib.technologies.logs.probes.file import FileReader
from incident_lib.technologies.logs.probes.journal import JournalReader, journal_reader
from incident_lib.technologies.logs.probes.reader import LogReader, OpenLog
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan

__all__ = [
    "PROBES",
    "ContainerReader",
    "Digest",
    "FileReader",
    "JournalReader",
    "LogReader",
    "Scan",
    "fetch_lines",
    "lanes",
    "merge",
    "rows",
]


def fetch_lines(session: OpenLog, window: Window, *, name: str = "service") -> Fetched:
    """Return the records of the lines in the window, and the newest of the lines as `<name>.log`."""
    reading = session.read(window)
    found = list(rows(reading.digest))
    found[0] = msgspec.structs.replace(found[0], modified_at=reading.modified_at)
    if reading.appended is not None:
        found.append(growth(reading.appended, reading.watched_seconds))
    if newest := reading.newest or reading.before:
        found.append(tail(hidden_lines(newest[-2 * READ :])))
    return Fetched(
        rows=tuple(found),
        source=reading.source,
        attachments=(reading.attachment(f"{name}.log"),) if reading.newest else (),
        problem=reading.problem,
        truncated=reading.truncated,
    )


PROBES: tuple[Probe, ...] = (
    Probe(
        name="logs.lines",
        fetch=fetch_lines,
        question="What does the log report: which errors, since when, and where?",
        source="the log file, else GET /containers/NAME/logs?timestamps=1, else journalctl --unit=NAME",
        needs="the right to read the file, to use the Docker socket, or the group systemd-journal",
        cost="one read of the window's lines, at most limits.log_bytes",
        in_watch={},
        deadline_seconds=25.0,
        keeps=True,
        looks_back=True,
    ),
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return a lane for each service with a log: its file, else its container's, else its unit's journal."""
    logged = (entry for entry in settings.services if entry.log or entry.container or entry.journal)
    return tuple(_lane(service, settings) for service in logged)


def _lane(service: Service, settings: Settings) -> Lane:
    reader: LogReader
    if service.log:
        reader = FileReader(settings.file(service.log), settings.limits)
    elif service.container:
        reader = ContainerReader(service.container, settings.limits)
    else:
        reader = journal_reader(settings, service, limits=settings.limits)
    fetch = partial(fetch_lines, name=service.name)
    probes = tuple(msgspec.structs.replace(probe, fetch=fetch) for probe in PROBES)
    return Lane(target=service.name, open=reader.open, probes=probes, name="logs")
