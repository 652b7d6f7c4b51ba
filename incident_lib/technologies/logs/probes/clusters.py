"""Masked lines -> templates: lines that differ in a place or two of many values come from the same statement.

Masking finds what varies by its form; this, by how many values there are: names of users, hosts,
services. It compares the set of all templates at once, so neither the order of lines nor of merges matters.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from incident_lib.technologies.logs.probes.mask import MARK, joined

_Tokens = tuple[str, ...]
_Hole = tuple[tuple[int, ...], _Tokens]  # the places left open, and what stands around them
MOST = 4_000  # templates that are compared; of more, the first by name: the rest stays as it is
_MOST_PAIRS = 800
_LONGEST = 40  # words
_LONGEST_PAIRS = 20
_ROUNDS = 4
_NAME = re.compile(r"\w[._/@:$\\-]+\w|\w/<\*>|[a-z][A-Z]")  # a host, a class, a path: no word of English
_DOTTED = re.compile(r"\w[./]\w")  # a file, a host
_CONSTANT = re.compile(
    r"^(?!.*\w\(<\*>\))\W*[A-Z]+(?:_[A-Z]+)*\W*$|::\w|\(\)"
)  # a state, a verb, a function: of the program itself; not what has a number, as LOCAL(0)
_STATE = re.compile(r"(?:ed|ing|[Uu]p|[Dd]own|[Oo]n|[Oo]ff|OK|ok)\W*$")  # names what happened
_NOTHING = frozenset({"null", "None", "nil"})
_EMPTY = frozenset({"()", "[]", "{}", '""', "''"})
_ERROR = re.compile(r"(?:Error|Exception|Timeout|Fault)\W*$")
_PROCESS = re.compile(r"\w\[<\*>\]:?$")  # a program with the number of its process
_LETTER = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[A-Za-z]{2}")
_EDGES = re.compile(r"^[\w.$-]*[^\w.<$-]+|^")
# How many different values make a place a variable.
_FAR_NAMES, _NAMES, _WORDS, _FIRST_IN_BRACKETS, _STATES, _FIRST_WORDS = 2, 3, 4, 6, 9, 12


def clusters(templates: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the template that each (level, masked line) belongs to, where it is another.

    Cost: linear in the templates, at most a second for the most that a digest holds.

    >>> known = [("", f"session of {name} is closed") for name in ("ann", "bob", "cid", "dan")]
    >>> clusters(known)["", "session of ann is closed"]
    'session of <*> is closed'
    """
    by_shape: dict[tuple[str, int], list[str]] = {}
    for level, text in sorted(set(templates))[:MOST]:
        by_shape.setdefault((level, text.count(" ")), []).append(text)
    found: dict[tuple[str, str], str] = {}
    for (level, spaces), texts in by_shape.items():
        if len(texts) > 1 and 2 <= spaces < _LONGEST:
            found |= {(level, text): cluster for text, cluster in _settled(texts).items()}
    return found


def _settled(texts: list[str]) -> dict[str, str]:
    """Return the texts that changed, with what they became."""
    now = {text: tuple(text.split(" ")) for text in texts}
    for number in range(_ROUNDS):
        changes = _changes(set(now.values()), 1)
        if not changes and number < _ROUNDS - 1 and len(now) <= _MOST_PAIRS:
            changes = _changes(set(now.values()), 2)
        if not changes:
            break
        now = {text: changes.get(tokens, tokens) for text, tokens in now.items()}
    return {text: joined(" ".join(tokens)) for text, tokens in now.items() if " ".join(tokens) != text}


def _changes(templates: set[_Tokens], open_places: int) -> dict[_Tokens, _Tokens]:
    """Return what each template becomes when the place that varies most is masked."""
    holes: dict[_Hole, list[_Tokens]] = {}
    for tokens in templates:
        for hole in _holes(tokens, open_places):
            holes.setdefault(hole, []).append(tokens)
    best: dict[_Tokens, tuple[int, _Hole]] = {}
    for hole, members in holes.items():
        if len(members) > 1 and all(
            _is_variable(place, {tokens[place] for tokens in members}, len(hole[0])) for place in hole[0]
        ):
            rank = (len(members), hole)
            for tokens in members:
                best[tokens] = max(best.get(tokens, rank), rank)
    return {tokens: _masked(tokens, hole, holes[hole]) for tokens, (_, hole) in best.items()}


def _holes(tokens: _Tokens, open_places: int) -> Iterator[_Hole]:
    words = sum(1 for token in tokens if _WORD.search(token))
    if open_places > 1 and len(tokens) > _LONGEST_PAIRS:
        return
    for places in combinations(range(len(tokens)), open_places):
        rest = tuple("" if place in places else token for place, token in enumerate(tokens))
        if words - sum(1 for place in places if _WORD.search(tokens[place])) >= 1 + open_places:
            yield places, rest


def _is_variable(place: int, values: set[str], open_places: int) -> bool:
    """Return whether so many different values make a place a variable, and not several statements."""
    if any(_ERROR.search(value) for value in values):
        return False
    if empty := _EMPTY & values:
        return _fill(values - empty, "".join(empty))
    words = [value for value in values if value not in _NOTHING and _LETTER.search(value)]
    if not words:
        return len(values) > 1
    constant = any(map(_CONSTANT.search, words)) and not any(map(_DOTTED.search, words))
    if len(words) < len(values) and place and not constant:  # a number or id stood there too
        is_known = open_places == 1 or len(words) > 1 or all(map(_NAME.search, words))
        return is_known and not any(map(_STATE.search, words))
    if constant and (open_places > 1 or not place):
        return False
    return len(words) >= (_STATES if constant else _least(place, words))


def _least(place: int, words: list[str]) -> int:
    """Return how many different words it takes."""
    if sum(1 for word in words if _STATE.search(word)) * 3 > len(words):
        return _STATES
    if all(map(_NAME.search, words)):
        return _FAR_NAMES if place and _are_far(words) else _NAMES
    if place or all(map(_PROCESS.search, words)):
        return _WORDS
    return _FIRST_IN_BRACKETS if all(word[0] == "(" for word in words) else _FIRST_WORDS  # (root) CMD


def _are_far(words: list[str]) -> bool:
    """Return whether the words are names of three parts at least that differ before the last part.

    >>> _are_far(["com.shop.Cart", "org.bank.Till"]), _are_far(["app.screen.ON", "app.screen.OFF"])
    (True, False)
    """
    heads = {word.rpartition(".")[0] for word in words}
    return len(heads) > 1 and all("." in head for head in heads)


def _fill(values: set[str], brackets: str) -> bool:
    """Return whether the values fill brackets that were empty elsewhere, at least once with what varies.

    >>> _fill({"(<*>)", "(a.example.org)"}, "()"), _fill({"(usable)"}, "()")
    (True, False)
    """
    around = len(brackets) == 2 and all(brackets == f"{value[0]}{value[-1]}" for value in values)
    return around and any(MARK in value for value in values)


def _masked(tokens: _Tokens, hole: _Hole, members: list[_Tokens]) -> _Tokens:
    masked = list(tokens)
    for place in hole[0]:
        masked[place] = _common({member[place] for member in members})
    return tuple(masked)


def _common(values: set[str]) -> str:
    """Return the mark with the characters that stand around all values.

    >>> _common({"(root)", "(news)"}), _common({"user:ann,", "user:bob,"}), _common({"a[<*>]:", "b[<*>]:"})
    ('(<*>)', 'user:<*>,', '<*>[<*>]:')
    """
    whole = [value for value in values if value != MARK]
    if len(whole) < len(values):
        return MARK
    start = _EDGES.match(_shared(whole))
    head = start[0] if start else ""
    tail = _shared([value[len(head) :][::-1] for value in whole])
    edge = re.match(r"\W*", tail)
    return f"{head}{MARK}{edge[0][::-1] if edge else ''}"


def _shared(values: list[str]) -> str:
    """Return what all values begin with."""
    least, most = min(values), max(values)
    return next((least[:at] for at, letter in enumerate(least) if most[at : at + 1] != letter), least)
