"""Search over everything that was recorded of past incidents. No index: folders are read as they are."""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from incident_lib.errors import FolderError, UsageError
from incident_lib.history.past import Damage, folders
from incident_lib.incident import decode
from incident_lib.model import FindingSeverity
from incident_lib.model.renamed import current_id

T = TypeVar("T")

_LONGEST = 500
_MOST_KEPT_BYTES = 32 << 20
_AROUND = 70  # characters on each side of a match
_PLACES = 3
_BREAKS = re.compile(r"[\"\\\x00-\x1f]+")  # what JSON writes differently
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


class Files:
    """The files of one incident that are worth searching, each read once while they fit into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, bytes] = {}
        self._left = _MOST_KEPT_BYTES

    def events(self) -> list[str]:
        """Return the files of events, by their names in order."""
        return _names(self.path / "events", ".json")

    def conclusions(self) -> list[str]:
        """Return the conclusions of snapshots that have some, oldest first."""
        snapshots = self.path / "snapshots"
        found = (f"{snapshots / name / 'findings.json'}" for name in _names(snapshots))
        return [file for file in found if os.path.lexists(file)]

    def texts(self) -> list[tuple[str, float]]:
        """Return what people read, each with its weight."""
        drafts = _names(self.path / "communication", ".md")
        found = [(name, _POSTMORTEM) for name in _names(self.path, ".md")]
        return found + [(f"communication/{name}", _DRAFT) for name in drafts]

    def every(self) -> Iterator[str]:
        """Yield all of them, the most telling first."""
        yield from (f"{self.path}/events/{name}" for name in self.events())
        yield from self.conclusions()
        yield from (f"{self.path}/{name}" for name, _ in self.texts())

    def read(self, file: str) -> bytes:
        """Return the content of a file. Errors: FileNotFoundError, FolderError."""
        data = self._known.get(file)
        if data is None:
            data = decode.read_file(file)
            if len(data) <= self._left:
                self._left -= len(data)
                self._known[file] = data
        return data


def _names(folder: Path, ending: str = "") -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(ending))
    except OSError:
        return []


def passages(files: Files) -> Iterator[Passage]:
    """Yield everything worth finding, the title first; files that cannot be read are passed over.

    Errors: FolderError when no event declares the incident.
    """
    events = sorted(_events(files), key=lambda event: event.occurred_at)
    declared = next((event for event in events if event.kind == "declared"), None)
    if declared is None:
        raise FolderError("no event declares this incident; is the folder complete?")
    severity = next((e.data["severity"] for e in reversed(events) if "severity" in e.data), "")
    at = declared.occurred_at
    yield Passage(where="title", text=declared.text, weight=_TITLE, at=at, severity=str(severity))
    for event in events:
        if event is not declared and "file" not in event.data:
            more = " ".join(str(value) for key, value in event.data.items() if key in {"findings", "actions"})
            text = f"{event.text} {more}".strip()
            where = f"timeline {event.occurred_at:%Y-%m-%d %H:%M:%S}"
            yield Passage(where=where, text=text, weight=_EVENT, at=at)
    yield from _conclusions(files, at)
    yield from _texts(files, at)


def check(files: Files) -> None:
    """Return if the oldest event can be read, cheaply: damage is no missing match.

    Errors: FolderError.
    """
    for name in files.events()[:1]:
        if _loaded(files, f"{files.path}/events/{name}", _Event):
            return
    raise FolderError("its first event cannot be read")


def _loaded(files: Files, file: str, kind: type[T]) -> T | None:
    """Return the record in a file, None where it cannot be read."""
    try:
        return decode.decode(files.read(file), kind, file)
    except (FileNotFoundError, FolderError):
        return None


def _events(files: Files) -> Iterator[_Event]:
    loaded = (_loaded(files, f"{files.path}/events/{name}", _Event) for name in files.events())
    yield from (event for event in loaded if event is not None)


def _conclusions(files: Files, at: datetime) -> Iterator[Passage]:
    for file in files.conclusions():
        document = _loaded(files, file, _Conclusions)
        if document is None:
            continue
        name = Path(file).parent.name
        for hypothesis in document.hypotheses:
            text = f"{hypothesis.title} {hypothesis.id} {hypothesis.target} {hypothesis.reason}"
            weight = _FIRST if hypothesis.rank == 1 else _OTHER
            yield Passage(where=f"hypothesis {hypothesis.rank} in {name}", text=text, weight=weight, at=at)
        for found in document.findings:
            if found.severity is not FindingSeverity.OK:  # "no session waits for a lock" is no find
                text = f"{found.target}: {found.title} ({current_id(found.id)}) {found.detail}"
                weight = _FINDING if found.severity.is_bad else _OTHER
                yield Passage(where=f"finding in {name}", text=text, weight=weight, at=at)


def _texts(files: Files, at: datetime) -> Iterator[Passage]:
    for name, weight in files.texts():
        try:
            text = _MARKS.sub("", files.read(f"{files.path}/{name}").decode("utf-8", "replace"))
        except (FileNotFoundError, FolderError):
            continue
        heading = ""
        for paragraph in re.split(r"\n\s*\n", text):
            heading = _heading(paragraph) or heading
            if paragraph.strip():
                where = " ".join(filter(None, (name, heading)))
                yield Passage(where=where, text=paragraph.strip(), weight=weight, at=at)


def _heading(paragraph: str) -> str:
    match = re.match(r"\s*#{2,3} +(.{1,60})", paragraph)
    return f"({match[1].strip()})" if match else ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the words stand, and the text around the first of them."""

    where: str
    excerpt: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in which all words stand. The score orders."""

    incident: str
    title: str
    severity: str
    started_at: datetime
    score: float
    places: tuple[Place, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found: the best `limit` of `total`, among `looked_at` incidents."""

    hits: tuple[Hit, ...]
    total: int
    looked_at: int
    damaged: tuple[Damage, ...] = ()


def words_of(text: str) -> tuple[str, ...]:
    """Return the words to search for. Errors: UsageError when there are none.

    >>> words_of("  Pool TIMEOUT pool ")
    ('pool', 'timeout')
    """
    words = tuple(dict.fromkeys(text.casefold().split()))
    if not words:
        raise UsageError("give one or more words to search for")
    if len(text) > _LONGEST:
        raise UsageError(f"that is {len(text)} characters; search for a few words, {_LONGEST} at most")
    return words


def search(incidents: Path, text: str, *, limit: int = 20) -> Found:
    """Return the incidents in which every word of `text` stands, in any case, the best first.

    Errors: UsageError without words, FolderError when the folder for incidents cannot be read.
    """
    words = words_of(text)
    paths, copies = folders(incidents)
    damaged, hits = list(copies), []
    for path in paths:
        files = Files(path)
        try:
            if may_hold(files, words):
                hit = judge(passages(files), words)
                hits += [msgspec.structs.replace(hit, incident=path.name)] if hit else []
            else:
                check(files)
        except FolderError as error:
            damaged.append(Damage(path.name, str(error)))
    hits.sort(key=lambda hit: (hit.score, hit.started_at), reverse=True)
    return Found(
        hits=tuple(hits[:limit]), total=len(hits), looked_at=len(paths), damaged=tuple(sorted(damaged))
    )


def may_hold(files: Files, words: Iterable[str]) -> bool:
    """Return whether all words stand somewhere in the files, before anything is parsed."""
    missing = {piece for word in words for piece in _BREAKS.split(word) if piece}
    for file in files.every():
        try:
            text = files.read(file).decode("utf-8", "replace").casefold()
        except (FileNotFoundError, FolderError):
            continue
        missing = {piece for piece in missing if piece not in text}
        if not missing:
            return True
    return not missing


def judge(found: Iterable[Passage], words: tuple[str, ...]) -> Hit | None:
    """Return the hit of one incident, None where a word stands nowhere. Pure but for what `found` reads."""
    best = dict.fromkeys(words, 0.0)
    matched: list[tuple[float, int, Passage]] = []
    head: Passage | None = None
    for number, passage in enumerate(found):
        head = head or passage
        folded = passage.text.casefold()
        there = [word for word in words if word in folded]
        for word in there:
            best[word] = max(best[word], passage.weight)
        if there:
            score = passage.weight * len(there) / len(words)
            score += passage.weight if len(there) == len(words) > 1 and " ".join(words) in folded else 0
            matched.append((score, -number, passage))
    if head is None or not all(best.values()):
        return None
    matched.sort(key=lambda entry: entry[:2], reverse=True)
    places = tuple(_places((passage for _, _, passage in matched), words))
    return Hit(
        incident="",
        title=head.text,
        severity=head.severity,
        started_at=head.at,
        score=round(sum(best.values()) / len(words) + matched[0][0], 2),
        places=places,
    )


def excerpt(text: str, words: Iterable[str]) -> str:
    r"""Return the text around the first of `words`, on one line.

    >>> excerpt("The pool of the backend\nhas no free connection", ["POOL".casefold()])
    'The pool of the backend has no free connection'
    """
    line = " ".join(text.split())
    folded = line.casefold()
    at = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start, end = max(0, at - _AROUND), at + 2 * _AROUND
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def _places(ordered: Iterable[Passage], words: tuple[str, ...]) -> Iterator[Place]:
    """Yield the best places; what several snapshots say in the same words is one."""
    shown: set[str] = set()
    for passage in ordered:
        text = excerpt(passage.text, words)
        if text not in shown:
            shown.add(text)
            yield Place(where=passage.where, excerpt=text)
        if len(shown) == _PLACES:
            return
