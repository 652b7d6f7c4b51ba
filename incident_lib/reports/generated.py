"""Generated blocks in people's files: what we wrote is renewed, what people wrote is theirs.

A block stands between two comments, the first with the hash of what was last generated:

    <!-- incident:begin impact 3f2a90c1d4e5 -->
    ...
    <!-- incident:end impact -->

- An untouched block is replaced. Ends of lines and trailing spaces do not count.
- A block that a person edited is kept. Once there is newer text, it is put behind, as `incident:offer`;
  the hash then says that it was offered, so an offer that a person deletes does not come back until
  there is something newer still. An offer that a person edited is that person's.
- A block that a person deleted stays deleted; the last line lists the blocks that were ever written.
- A beginning without its end (or the other way round) is a person's text, since it is unknown how far it
  goes; newer text is put before it. Everything outside of blocks is kept byte for byte.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

import msgspec

_MARK = re.compile(
    r"<!-- incident:(?:(?P<role>begin|offer) (?P<name>[\w.-]+) (?P<hash>[0-9a-f]{12})"
    r"|end (?P<end>[\w.-]+)) -->"
)
_LIST = re.compile(r"^<!-- incident:blocks(?P<names>(?: [\w.-]+)*) -->[ \t]*(?=\r?$)", re.MULTILINE)
_ANY = re.compile(r"<!--(?=\s*incident:)")
_OFFER = (
    "> **Newer text.** The text above was edited by hand and is kept. Copy what is useful from here, then "
    "delete this block.\n\n"
)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a file: a block, or a person's text, whose `role` is ""."""

    text: str  # all of it, marks included
    role: str = ""  # "begin", "offer", or "open" for a beginning without an end
    name: str = ""
    hash: str = ""
    body: str = ""

    @property
    def is_touched(self) -> bool:
        """Whether a person changed what stands between the marks."""
        return digest(self.body) != self.hash


def block(name: str, body: str, *, role: str = "begin") -> str:
    r"""Return `body` as a block. Marks inside of it are made harmless.

    >>> print(block("impact", "3 requests failed"), end="")
    <!-- incident:begin impact 04a7dca38c1a -->
    3 requests failed
    <!-- incident:end impact -->
    """
    body = _ANY.sub("&lt;!--", body.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    return f"<!-- incident:{role} {name} {digest(body)} -->\n{body}\n<!-- incident:end {name} -->\n"


def document(text: str) -> str:
    r"""Return a freshly generated file with the list of its blocks: a deleted block differs from a new one.

    >>> document(block("a", "x")).splitlines()[-1]
    '<!-- incident:blocks a -->'
    """
    return f"{text.rstrip()}\n\n{_listing([part.name for part in parse(text) if part.role == 'begin'])}\n"


def digest(body: str) -> str:
    r"""Return the hash of a body, the same for any kind of line end and trailing space.

    >>> digest("a  \r\nb\n\n") == digest("a\nb")
    True
    """
    plain = "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").split("\n")).strip("\n")
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def merge(existing: str, fresh: str) -> str:
    r"""Return `existing` with its untouched blocks renewed from `fresh`, which `document` made.

    >>> old = document("# Mine\n" + block("a", "one"))
    >>> new = document("# Title\n" + block("a", "two"))
    >>> merge(old, new) == old.replace(block("a", "one"), block("a", "two"))
    True
    >>> edited = old.replace("one", "one, and I was there")
    >>> [part.body for part in parse(merge(edited, new)) if part.role == "begin"]
    ['one, and I was there\n']
    """
    if not existing.strip():
        return fresh
    ending = "\r\n" if existing.count("\r\n") * 2 > existing.count("\n") else "\n"
    parts = list(parse(existing))
    if not any(part.role for part in parts):
        return existing + ("" if existing.endswith("\n") else ending) + _with(ending, f"\n{fresh}")
    news = {part.name: part.body for part in parse(fresh) if part.role == "begin"}
    merged = "".join(_renewed(parts, news, ending))
    return _listed(_completed(merged, parts, news, ending), news, ending)


def parse(text: str) -> Iterator[Part]:
    r"""Yield the parts of `text`, in order; together they are `text`, byte for byte.

    >>> [part.role for part in parse("a\n" + block("x", "b") + "c")]
    ['', 'begin', '']
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    marks = [_MARK.fullmatch(line.strip()) for line in lines]
    at, plain = 0, ""
    while at < len(lines):
        mark = marks[at]
        if mark is None or not mark["role"]:
            plain, at = plain + lines[at], at + 1
            continue
        if plain:
            yield Part(text=plain)
            plain = ""
        end = _end_of(marks, at, mark["name"])
        stop = at + 1 if end is None else end + 1
        yield Part(
            text="".join(lines[at:stop]),
            role="open" if end is None else mark["role"],
            name=mark["name"],
            hash=mark["hash"],
            body="" if end is None else "".join(lines[at + 1 : end]),
        )
        at = stop
    if plain:
        yield Part(text=plain)


def _end_of(marks: list[re.Match[str] | None], begin: int, name: str) -> int | None:
    """Return the line where the block ends that begins at `begin`: the next mark, if that is its end."""
    for number, mark in enumerate(marks[begin + 1 :], begin + 1):
        if mark is not None:
            return number if mark["end"] == name else None
    return None


def _renewed(parts: list[Part], news: dict[str, str], ending: str) -> Iterator[str]:
    """Yield the parts as they will stand."""
    served = {part.name for part in parts if _has_news(part, news.get(part.name, ""))}
    for part in parts:
        body = news.get(part.name)
        if not part.role or body is None:
            yield part.text
        elif part.role == "offer":
            yield from _old_offer(part, parts, body)
        elif part.role == "begin" and (not part.is_touched or digest(part.body) == digest(body)):
            new = _with(ending, block(part.name, body))
            yield (new if part.text.endswith("\n") else new.rstrip("\r\n"))  # as the part ended
        elif part.name in served:
            yield part.text
        else:
            served.add(part.name)
            yield from _kept(part, body, ending)


def _has_news(part: Part, body: str) -> bool:
    """Return whether nothing is to be offered next to `part`: it was already, or replaces it."""
    if part.role == "begin" and (not part.is_touched or digest(part.body) == digest(body)):
        return True
    return part.role in {"begin", "open"} and part.hash == digest(body)


def _old_offer(part: Part, parts: list[Part], body: str) -> Iterator[str]:
    """Yield an earlier offer: a person's if edited, gone if it was taken over or something newer comes."""
    kept = [other for other in parts if other.name == part.name and other.role in {"begin", "open"}]
    is_news = any(other.hash == digest(body) and (other.role == "open" or other.is_touched) for other in kept)
    if part.is_touched or (is_news and not any(digest(other.body) == digest(body) for other in kept)):
        yield part.text


def _kept(part: Part, body: str, ending: str) -> Iterator[str]:
    """Yield a block that belongs to a person now, and next to it the newer text."""
    offer = _with(ending, block(part.name, f"{_OFFER}{body}", role="offer"))
    noted = part.text.replace(f" {part.hash} -->", f" {digest(body)} -->", 1)
    if part.role == "open":
        yield offer + noted
    else:
        yield noted if noted.endswith("\n") else noted + ending
        yield offer


def _completed(merged: str, parts: list[Part], news: dict[str, str], ending: str) -> str:
    """Return `merged` with the blocks that the file never had, each behind its predecessor."""
    there = {part.name for part in parts if part.role}
    known = there | set(_names(merged))
    before = ""
    for name, body in news.items():
        if name not in known:
            merged = _inserted(merged, before, _with(ending, block(name, body)), ending)
        before = name if name in there or name not in known else before
    return merged


def _inserted(text: str, before: str, new: str, ending: str) -> str:
    parts = list(parse(text))
    places = [number for number, part in enumerate(parts) if part.name == before and part.role != "open"]
    place = places[-1] + 1 if places and before else len(parts)
    head, tail = "".join(part.text for part in parts[:place]), "".join(part.text for part in parts[place:])
    gap = "" if not head or head.endswith("\n") else ending
    return f"{head}{gap}{ending}{new}{tail}"


def _names(text: str) -> list[str]:
    """Return the blocks that were ever written into `text`."""
    return [name for found in _LIST.finditer(text) for name in found["names"].split()]


def _listed(text: str, news: dict[str, str], ending: str) -> str:
    """Return `text` with its list of blocks brought up to date; at the end if it had none."""
    names = dict.fromkeys([*_names(text), *(part.name for part in parse(text) if part.role), *news])
    listing = _listing(list(names))
    if set(names) <= set(_names(text)):
        return text
    if _LIST.search(text):
        return _LIST.sub(lambda _: listing, text, count=1)
    return text + ("" if text.endswith("\n") else ending) + f"{ending}{listing}{ending}"


def _listing(names: list[str]) -> str:
    return f"<!-- incident:blocks {' '.join(names)} -->"


def _with(ending: str, text: str) -> str:
    return text.replace("\n", ending) if ending != "\n" else text
