"""A case: a snapshot with its incident, as notebooks, pages and commands read it."""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from incident_lib.config import Settings, nearest
from incident_lib.errors import FolderError, UsageError
from incident_lib.findings.catalogue import Nature
from incident_lib.incident import attachments, manifest
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.snapshot import About, load_about, load_analysis, read_log
from incident_lib.investigation import frames
from incident_lib.investigation.attach import content_of
from incident_lib.investigation.observed import onset_of
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import (
    Analysis,
    Event,
    EventKind,
    Evidence,
    Finding,
    FindingSeverity,
    Incident,
    Row,
    Window,
    shown,
)
from incident_lib.model.commands import Commands
from incident_lib.model.renamed import stored_ids
from incident_lib.model.topology import Topology
from incident_lib.model.window import format_span
from incident_lib.technologies import catalogue, table
from incident_lib.units import format_count

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=Row)

_LOG = logging.getLogger(__name__)

_SAME = timedelta(seconds=5)  # two findings about the same start


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds and what was concluded from it. Reading it contacts no target."""

    settings: Settings
    snapshot: str
    path: Path  # of the snapshot
    window: Window
    collected_at: datetime
    evidence: tuple[Evidence, ...]
    analysis: Analysis
    topology: Topology
    folder: IncidentFolder | None = None
    incident: Incident | None = None
    events: tuple[Event, ...] = ()
    hidden: dict[str, int] = {}  # how many secrets of each kind were hidden in the snapshot
    carried: dict[str, Window] = {}  # evidence from an earlier snapshot, with the window it was collected for
    looks_back: bool = (
        False  # of a time range in the past; probes that only read the present have no evidence
    )

    def __repr__(self) -> str:
        where = f"{self.folder.id} " if self.folder else ""
        where += f"{format_span(self.window)} " if self.looks_back else ""
        bad = sum(finding.severity.is_bad for finding in self.analysis.findings)
        counts = f"{format_count(len(self.evidence), 'probe')}, {format_count(bad, 'bad finding')}"
        first = f", first {self.analysis.hypotheses[0].title}" if self.analysis.hypotheses else ""
        return shown.line("Case", f"{where}{self.snapshot}: {counts}{first}")

    def _repr_html_(self) -> str:
        """Return what a cell shows; `show.verdict(case)` and `show.findings(case)` show more."""
        tally = Counter(finding.severity for finding in self.analysis.findings)
        ranked = tuple(f"{each.target}: {each.title}" for each in self.analysis.hypotheses[:3])
        values = {
            "incident": f"{self.incident.id}, {self.incident.title}" if self.incident else "",
            "collected": self.collected_at,
            "window from": self.window.start,
            "until": self.window.end,
            "span": "of the past: probes that show only the present are not included"
            if self.looks_back
            else "",
            "carried over": self.carried_words,
            "findings": ", ".join(f"{tally[each]} {each}" for each in FindingSeverity if tally[each]),
            "top cause": ranked[:1],
            "further causes": ranked[1:],
            "not assessed": format_count(len(self.analysis.not_assessed), "probe"),
            "targets": tuple(self.topology.kinds),
            "probes": format_count(len(self.evidence), "probe"),
        }
        return shown.facts(f"Snapshot {self.snapshot}", values)

    def unknown_probe(self, probe: str) -> str:
        """Return why a probe has no evidence: it does not exist (with the nearest name) or was not run.

        "" if there is evidence.
        """
        collected = {evidence.probe for evidence in self.evidence}
        if probe in collected:
            return ""
        exists = {each.name for technology in table().technologies for each in technology.probes}
        if probe in exists:
            return f"{probe} was not collected: nothing of that kind is configured in workbench.toml"
        return f"no probe is named {probe!r}{nearest(probe, sorted(collected | exists))}"

    def unknown_target(self, target: str) -> str:
        """Return why there is no evidence of a target, with the nearest name; "" if there is."""
        known = {evidence.target for evidence in self.evidence} | set(self.topology.kinds)
        return "" if target in known else f"no target is named {target!r}{nearest(target, sorted(known))}"

    @property
    def carried_words(self) -> str:
        """How much of the evidence is from an earlier snapshot, and how old it is at most; "" if none is."""
        if not self.carried:
            return ""
        oldest = min(window.end for window in self.carried.values())
        return (
            f"{format_count(len(self.carried), 'probe')} from {oldest:%H:%M:%S} UTC or later, not "
            f"collected again"
        )

    def refresh(self, probe: str = "", target: str = "") -> "Case":
        """Collect again into a new sealed snapshot of the incident; this case shows it from then on.

        `case.refresh()` collects everything, `case.refresh("postgres.locks", "db")` one probe of one target,
        `case.refresh("redis")` a technology, `case.refresh(target="db")` a target. The rest is carried over
        with its own time. Returns the case, so that a cell shows it.
        Errors: UsageError naming the nearest probe or target, or if the incident came from elsewhere.
        """
        from incident_lib.investigation.refresh import refreshed

        fresh = refreshed(self, probe, target)
        for name in self.__struct_fields__:
            msgspec.structs.force_setattr(self, name, getattr(fresh, name))
        return self

    def between(self, start: str, end: str) -> "Case":
        """Return another case, of a time range in the past: `case.between("18:40", "18:50")`.

        Logs, deployments and container events are collected for it, into a sealed snapshot that is never
        the latest. What only the present shows is reported as not assessed. Times are in UTC, on the day of
        this case unless they have a date. Errors: UsageError for a range that is empty or not over.
        """
        from incident_lib.investigation.refresh import looked_back

        return looked_back(self, start, end)

    def note(self, text: str) -> Event:
        """Add a redacted note to the timeline of the incident, and return its event.

        Errors: UsageError for an empty text, or if the case belongs to no incident.
        """
        if not text.strip():
            raise UsageError("the note is empty; write what happened")
        folder = self._folder()
        event = folder.record(Draft(kind=EventKind.NOTE, text=text, source="notebook"))
        msgspec.structs.force_setattr(self, "events", folder.events)
        return event

    def attach(self, thing: Any, why: str) -> Event:
        """Store a figure, a data frame or a file in the incident, redacted, and return its event.

        A matplotlib figure or axes is stored as PNG, a data frame or a table of `show` as CSV, a path as its
        file. `why` is shown on the timeline and below it in the pages. Errors: UsageError for anything else.
        """
        folder = self._folder()
        data, suffix, left_out = content_of(thing, folder.redactor)
        reason = f"{why} ({left_out})" if left_out and why.strip() else why
        event = attachments.attach(folder, data, suffix, reason, source="notebook")
        msgspec.structs.force_setattr(self, "events", folder.events)
        return event

    @property
    def attached(self) -> tuple[attachments.Attached, ...]:
        """What people attached to the incident, oldest first."""
        return attachments.attached(self.folder.path, self.events) if self.folder else ()

    def _folder(self) -> IncidentFolder:
        if self.folder is None:
            raise UsageError(
                "this case does not belong to an incident; declare one, then open it", command=("declare",)
            )
        return self.folder

    @property
    def commands(self) -> Commands:
        """The options of commands that are proposed from this case."""
        return self.settings.commands(self.folder.path if self.folder else None)

    def of(self, probe: str) -> tuple[Evidence, ...]:
        """Return the evidence of a probe, one for each target; for a mistyped name none, with a warning."""
        if (why := self.unknown_probe(probe)).startswith("no probe is named"):
            _LOG.warning("%s", why)
        return tuple(item for item in self.evidence if item.probe == probe)

    def rows(self, row_type: type[R]) -> tuple[tuple[str, R], ...]:
        """Return the records of one type, each with its target."""
        return tuple((item.target, row) for item in self.evidence for row in item.of(row_type))

    def findings(self, *prefixes: str) -> tuple[Finding, ...]:
        """Return the findings whose id (or former id) begins with one of `prefixes`; all if there are none.

        A prefix that no finding can have causes a warning that names the nearest.
        """
        for prefix in prefixes:
            if why := self._unknown_prefix(prefix):
                _LOG.warning("%s", why)
        return tuple(
            finding
            for finding in self.analysis.findings
            if any(name.startswith(prefixes or ("",)) for f in finding.apart for name in stored_ids(f.id))
        )

    def frame(self, probe: str, target: str = "", *, record: str = "") -> "pd.DataFrame":
        """Return what a probe collected as a data frame: `case.frame("postgres.activity")`.

        Shape: columns target and record, then the fields; `target` and `record` pick one of each. Times are
        UTC datetimes, enumerations categories. Units: in the names, so durations are seconds as numbers.
        What could not be collected is logged as a warning and listed in `frame.attrs["missing"]`. Errors:
        UsageError naming the nearest probe, target or record.
        """
        return frames.frame(self, probe, target, record=record)

    def logs(self, service: str) -> "pd.DataFrame":
        """Return the stored log excerpt of a service as a data frame, a row for each record.

        Shape: time, level, logger, message, method, path, status, duration_seconds, exception, service,
        format, has_zone, text. A traceback is in `exception`. Times are in UTC; if lines name no zone, with
        the offset that was measured during collection. Errors: UsageError naming the nearest service.
        """
        return frames.logs(self, service)

    def __getitem__(self, probe: str) -> "pd.DataFrame":
        """Return `case.frame(probe)`: after `case["` the Tab key lists what was collected."""
        return self.frame(probe)

    def _ipython_key_completions_(self) -> list[str]:
        """Return the probes that were collected, for the Tab key."""
        return sorted({evidence.probe for evidence in self.evidence})

    def __dir__(self) -> list[str]:
        """Return the names that people use, for the Tab key: no internal ones."""
        return [name for name in super().__dir__() if not name.startswith("_")]

    def _unknown_prefix(self, prefix: str) -> str:
        """Return that no finding id begins with this, with the nearest prefix; "" if one does."""
        ids = {*catalogue().kinds, *(finding.id for finding in self.analysis.findings)}
        ids |= {evidence.probe for evidence in self.evidence}
        if any(name.startswith(prefix) for each in ids for name in stored_ids(each)):
            return ""
        heads = sorted({each.partition(".")[0] for each in ids} | ids)
        return f"no finding id begins with {prefix!r}{nearest(prefix, heads)}"

    def plot(self, probe: str, target: str = "", *, ax: Any = None) -> Any:
        """Return matplotlib axes with a chart of what a probe collected, onset and changes marked.

        `ax` draws into your axes. Without `target`, it draws the first target that has data. Returns a
        sentence if there is nothing to draw. Errors: UsageError naming the nearest probe or target.
        """
        return frames.plot(self, probe, target, ax=ax)

    @property
    def changes(self) -> tuple[tuple[datetime, str, str], ...]:
        """Every change that the evidence shows, oldest first: when, at which target, and what."""
        moments: list[tuple[datetime, str, str]] = []
        at_target: dict[str, list[datetime]] = {}
        changes = [f for f in self.analysis.findings if catalogue()[f.id].nature is Nature.CHANGE]
        for finding in sorted(changes, key=lambda f: catalogue()[f.id].precedence):
            since, target = finding.since, finding.target
            if since is None:
                continue
            known = at_target.setdefault(target, [])
            place = bisect_left(known, since)
            if not any(abs(at - since) <= _SAME for at in known[max(0, place - 1) : place + 1]):
                known.insert(place, since)
                moments.append((since, target, finding.title))
        return tuple(sorted(moments))

    @property
    def onset(self) -> datetime | None:
        """When the trouble began, from the logs; None if they do not show it."""
        return onset_of(self.analysis)

    def log_lines(self, service: str) -> Iterator[str]:
        """Yield the redacted log excerpt of a service."""
        yield from read_log(self.path, service)

    def log_text(self, service: str) -> str:
        """Return the redacted log excerpt of a service, "" if none was stored.

        Errors: UsageError naming the nearest service.
        """
        if why := self.unknown_target(service):
            raise UsageError(why)
        return "".join(self.log_lines(service))


def open_case(settings: Settings, folder: IncidentFolder, snapshot: str = "latest") -> Case:
    """Return the case of a stored snapshot. Source: only the folder. Errors: UsageError, FolderError."""
    return load_case(settings, folder.snapshot(snapshot), folder)


def newest_case(settings: Settings, folder: IncidentFolder) -> Case | None:
    """Return the case of the newest sealed snapshot; None if there is none that can be read."""
    for path in reversed(folder.snapshots):
        if (path / manifest.SPAN).exists():
            continue
        try:
            return load_case(settings, path, folder)
        except FolderError:  # being written, or damaged: messages must still be sent
            continue
    return None


def load_conclusions(path: Path) -> tuple[About, Analysis]:
    """Return the metadata of the snapshot at `path`, and what was concluded. Errors: FolderError."""
    about, analysis = load_about(path), load_analysis(path)
    if analysis is None:
        raise FolderError(f"{path} was never sealed; take a new snapshot")
    return about, analysis


def load_case(settings: Settings, path: Path, folder: IncidentFolder | None = None) -> Case:
    """Return the case of the snapshot at `path`. Errors: FolderError."""
    about, analysis = load_conclusions(path)
    evidence = load_evidence(path)
    return Case(
        settings=settings,
        snapshot=about.id,
        path=path,
        window=about.window,
        collected_at=about.collected_at,
        evidence=evidence,
        analysis=analysis,
        topology=about.topology,
        hidden=about.hidden,
        carried=about.carried,
        looks_back=(path / manifest.SPAN).exists(),
        folder=folder,
        incident=folder.incident if folder else None,
        events=folder.events if folder else (),
    )
