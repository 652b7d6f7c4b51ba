"""The story of an incident across all of its snapshots and runs, for its home page and the terminal."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError
from incident_lib.history.resolution import root_cause
from incident_lib.incident import decode
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import EventKind
from incident_lib.model.remediation import PLANS, Plan
from incident_lib.model.run import RunRecord
from incident_lib.reports.home import (
    RUN_STATES,
    Conclusion,
    Known,
    MitigationLine,
    RunLine,
    conclude,
    known_causes,
    mitigation_lines,
)


class _Found(msgspec.Struct, frozen=True):
    """The part of a finding that a conclusion uses."""

    severity: str = ""
    target: str = ""
    title: str = ""
    holds: str = "now"


class _Ranked(msgspec.Struct, frozen=True):
    """The part of a hypothesis that a conclusion uses."""

    id: str = ""
    target: str = ""
    title: str = ""
    score: float = 0.0


class _Concluded(msgspec.Struct, frozen=True):
    """The part of findings.json that holds the conclusion: reading all of it takes ten times as long."""

    findings: tuple[_Found, ...] = ()
    hypotheses: tuple[_Ranked, ...] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about an incident across all of its snapshots: what its home page and `show` report."""

    causes: tuple[Known, ...]
    conclusions: tuple[Conclusion, ...]
    runs: tuple[RunLine, ...]
    mitigations: tuple[MitigationLine, ...]
    postmortem: Path | None = None


def story_of(folder: IncidentFolder) -> Story:
    """Return what is known about an incident. Source: only the folder. Errors: FolderError."""
    events, everything = folder.events, tuple(_conclusions(folder))
    current = {path.name for path in folder.current_snapshots}  # not those of a time range in the past
    conclusions = tuple(each for each in everything if each.snapshot in current)
    postmortem = max(folder.path.glob("postmortem-*.md"), default=None)
    written = root_cause(text_of_people(postmortem)) if postmortem else ""
    plans = {
        event.data["plan"] for event in events if event.kind is EventKind.MITIGATION and "plan" in event.data
    }
    return Story(
        causes=known_causes(events, conclusions, written),
        conclusions=conclusions,
        runs=tuple(_runs(folder, {each.snapshot: each.text for each in everything})),
        mitigations=mitigation_lines(events, dict(_plans(folder, (str(plan) for plan in plans)))),
        postmortem=postmortem,
    )


def newest_conclusion(folder: IncidentFolder) -> Conclusion | None:
    """Return what the newest snapshot concluded, None if there is none that can be read."""
    for path in reversed(folder.current_snapshots):
        if (found := _conclusion(path)) is not None:
            return found
    return None


def _conclusions(folder: IncidentFolder) -> Iterator[Conclusion]:
    for path in folder.sealed_snapshots:
        if (found := _conclusion(path)) is not None:
            yield found


def _conclusion(path: Path) -> Conclusion | None:
    try:
        found = msgspec.json.decode(decode.read_file(path / "findings.json"), type=_Concluded)
    except (FileNotFoundError, FolderError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    bad = [each for each in found.findings if each.severity in {"CRITICAL", "WARNING"}]
    past = [f"{each.target}, {each.title}" for each in found.findings if each.holds == "past"]
    bad.sort(key=lambda each: each.severity)
    return Conclusion(
        snapshot=path.name,
        at=_moment(path.name),
        text=conclude(
            [each.title for each in found.hypotheses],
            [f"{each.target}: {each.title}" for each in bad],
            past,
            well=any(each.severity == "OK" for each in found.findings),
        ),
        hypotheses=tuple((f"{each.target}:{each.id}", each.title, each.score) for each in found.hypotheses),
        bad_count=len(bad),
    )


def _runs(folder: IncidentFolder, conclusions: dict[str, str]) -> Iterator[RunLine]:
    for path in folder.runs:
        page = f"runs/{path.name}/html/index.html"
        page = page if (folder.path / page).is_file() else ""
        try:
            record = decode.load(path / "run.json", RunRecord)
        except (FileNotFoundError, FolderError):
            yield RunLine(id=path.name, at=_moment(path.name), status="without a record", page=page)
            continue
        yield RunLine(
            id=path.name,
            at=record.started_at,
            status=RUN_STATES[record.status],
            snapshot=record.snapshot,
            page=page,
            text=conclusions.get(record.snapshot, "its snapshot is unreadable"),
        )


def _plans(folder: IncidentFolder, names: Iterable[str]) -> Iterator[tuple[str, Plan]]:
    for name in names:
        path = decode.inside(folder.path, f"{PLANS}/{name}.json")
        if path is None:
            continue
        try:
            yield name, decode.load(path, Plan)
        except (FileNotFoundError, FolderError):
            continue


def _moment(name: str) -> datetime | None:
    """Return when a snapshot or a run with that name began, None if it is not such a name."""
    try:
        return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def text_of_people(path: Path) -> str:
    """Return what people wrote in a file, "" if it cannot be read."""
    try:
        return decode.read_file(path).decode("utf-8", "replace")
    except (FileNotFoundError, FolderError):
        return ""
