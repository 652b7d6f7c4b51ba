"""What can be found in an incident: its title, timeline, conclusions and texts, each with where it stands."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from incident_lib.errors import FolderError
from incident_lib.model import FindingSeverity
from incident_lib.model.renamed import current_id

_MARKS = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TITLE, _FIRST, _POSTMORTEM, _EVENT, _FINDING, _OTHER, _DRAFT = 10.0, 6.0, 5.0, 4.0, 3.0, 2.0, 2.0


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Some text and how much it says about an incident. The first of an incident is its title."""

    where: str
    text: str
    weight: float
    at: datetime
    severity: str = ""


class _Event(msgspec.Struct, frozen=True):
    kind: str
    text: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    source: str = ""
    data: dict[str, str | list[str]] = {}


class _Finding(msgspec.Struct, frozen=True):
    id: str
    severity: FindingSeverity
    target: str
    title: str
    detail: str = ""


class _Hypothesis(msgspec.Struct, frozen=True):
    id: str
    target: str
    rank: int
    title: str
    reason: str = ""


class _Conclusions(msgspec.Struct, frozen=True):
    findings: tuple[_Finding, ...] = ()
    hypotheses: tuple[_Hypothesis, ...] = ()


def passages(path: Path) -> Iterator[Passage]:
    """Yield everything worth finding, the title first; files that cannot be read are passed over.

    Errors: FolderError when no event declares the incident.
    """
    events = sorted(_events(path), key=lambda event: event.occurred_at)
    declared = next((event for event in events if event.kind == "declared"), None)
    if declared is None:
        raise FolderError("no event declares this incident; is the folder complete?")
    severity = next((e.data["severity"] for e in reversed(events) if "severity" in e.data), "")
    at = declared.occurred_at
    yield Passage(where="title", text=declared.text, weight=_TITLE, at=at, severity=str(severity))
    for event in events:
        if event is not declared and "file" not in event.data:
            said = " ".join(str(value) for key, value in event.data.items() if key in {"findings", "actions"})
            text = f"{event.text} {said}".strip()
            where = f"timeline {event.occurred_at:%Y-%m-%d %H:%M:%S}"
            yield Passage(where=where, text=text, weight=_EVENT, at=at)
    yield from _conclusions(path, at)
    yield from _texts(path, at)


def check(path: Path) -> None:
    """Return if the oldest event can be read, cheaply: what cannot is told, and not taken for no match.

    Errors: FolderError.
    """
    oldest = min((path / "events").glob("*.json"), default=None)
    try:
        if oldest is not None:
            msgspec.json.decode(oldest.read_bytes(), type=_Event)
            return
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError):
        pass
    raise FolderError("its first event cannot be read")


def _events(path: Path) -> Iterator[_Event]:
    for file in sorted((path / "events").glob("*.json")):
        try:
            yield msgspec.json.decode(file.read_bytes(), type=_Event)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError):
            continue


def _conclusions(path: Path, at: datetime) -> Iterator[Passage]:
    for file in sorted(path.glob("snapshots/*/findings.json")):
        try:
            document = msgspec.json.decode(file.read_bytes(), type=_Conclusions)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError):
            continue
        name = file.parent.name
        for one in document.hypotheses:
            text = f"{one.title} {one.id} {one.target} {one.reason}"
            weight = _FIRST if one.rank == 1 else _OTHER
            yield Passage(where=f"hypothesis {one.rank} in {name}", text=text, weight=weight, at=at)
        for found in document.findings:
            if found.severity is not FindingSeverity.OK:  # "nobody waits for a lock" is no find
                text = f"{found.target}: {found.title} ({current_id(found.id)}) {found.detail}"
                weight = _FINDING if found.severity.is_bad else _OTHER
                yield Passage(where=f"finding in {name}", text=text, weight=weight, at=at)


def _texts(path: Path, at: datetime) -> Iterator[Passage]:
    files = [(file, _POSTMORTEM) for file in sorted(path.glob("*.md"))]
    files += [(file, _DRAFT) for file in sorted(path.glob("communication/*.md"))]
    for file, weight in files:
        try:
            text = _MARKS.sub("", file.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
        heading = ""
        for paragraph in re.split(r"\n\s*\n", text):
            heading = _heading(paragraph) or heading
            if paragraph.strip():
                where = " ".join(filter(None, (str(file.relative_to(path)), heading)))
                yield Passage(where=where, text=paragraph.strip(), weight=weight, at=at)


def _heading(paragraph: str) -> str:
    match = re.match(r"\s*#{2,3} +(.{1,60})", paragraph)
    return f"({match[1].strip()})" if match else ""
