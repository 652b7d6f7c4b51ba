"""Search over everything that was said in past incidents. No index: folders are read as they are."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError, UsageError
from incident_lib.history.passages import Passage, check, passages
from incident_lib.history.past import Damage, folders

_LONGEST = 500
_AROUND = 70  # characters on each side of a match
_PLACES = 3
_BREAKS = re.compile(r"[\"\\\x00-\x1f]+")  # what JSON writes differently


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
    """Return the words to look for. Errors: UsageError when there are none.

    >>> words_of("  Pool TIMEOUT pool ")
    ('pool', 'timeout')
    """
    words = tuple(dict.fromkeys(text.casefold().split()))
    if not words:
        raise UsageError("say what to search for, in one or more words")
    if len(text) > _LONGEST:
        raise UsageError(f"that is {len(text)} characters; search for a few words, {_LONGEST} at most")
    return words


def search(incidents: Path, text: str, *, limit: int = 20) -> Found:
    """Return the incidents in which every word of `text` stands, in any case, the best first.

    Errors: UsageError without words, FolderError when the folder of the incidents cannot be read.
    """
    words = words_of(text)
    paths, told = folders(incidents)
    damaged, hits = list(told), []
    for path in paths:
        try:
            if may_hold(path, words):
                hit = judge(passages(path), words)
                hits += [msgspec.structs.replace(hit, incident=path.name)] if hit else []
            else:
                check(path)
        except FolderError as error:
            damaged.append(Damage(path.name, str(error)))
    hits.sort(key=lambda hit: (hit.score, hit.started_at), reverse=True)
    return Found(
        hits=tuple(hits[:limit]), total=len(hits), looked_at=len(paths), damaged=tuple(sorted(damaged))
    )


def may_hold(path: Path, words: Iterable[str]) -> bool:
    """Return whether all words stand somewhere in the files, before anything is parsed."""
    missing = {piece for word in words for piece in _BREAKS.split(word) if piece}
    for file in _files(path):
        try:
            text = file.read_bytes().decode("utf-8", "replace").casefold()
        except OSError:
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
    matched.sort(key=lambda one: one[:2], reverse=True)
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
    told: set[str] = set()
    for passage in ordered:
        text = excerpt(passage.text, words)
        if text not in told:
            told.add(text)
            yield Place(where=passage.where, excerpt=text)
        if len(told) == _PLACES:
            return


def _files(path: Path) -> Iterator[Path]:
    yield from (path / "events").glob("*.json")
    yield from path.glob("snapshots/*/findings.json")
    yield from path.glob("*.md")
    yield from path.glob("communication/*.md")
