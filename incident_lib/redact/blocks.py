"""Blocks of a configuration that name a secret -> the span of the value or default that they give it.

The name stands in the block's head (Terraform, CloudFormation, YAML), or in a member next to the value.
"""

import re
from collections.abc import Iterator

from incident_lib.expressions import expression
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_secret

_MEMBERS = ("value", "default", "Value", "Default", "content", "secret_string")  # of a block about one name
_MEMBER = expression(
    r"[ \t]{0,20}[:=][ \t]{0,20}(?:\"(?P<vd>[^\"\n]{1,4000})\"|'(?P<vs>[^'\n]{1,4000})'|"
    r"(?P<vb>[^\s\"'#|>{\[&*!][^\n#]{0,4000}?))[ \t]{0,20},?[ \t]{0,80}(?:#[^\n]{0,400})?\r?(?=\n|\Z)"
)
_OPENS = expression(r"([\w.-]{2,100})[\"']?[ \t]{0,8}(?::|=?[ \t]{0,8}\{)[ \t]{0,8}\r?\Z")
_NAMES_IT = expression(
    r"(?:- )?(?:name|key|Name|Key)[ \t]{0,20}[:=][ \t]{0,20}[\"']?([\w./-]{2,100})[\"']?,?[ \t]{0,8}\r?\Z"
)
_LONGEST_BLOCK = 12  # lines above a member
_LONGEST_LINE, _LONGEST_INDENT = 200, 60


def secrets_of_blocks(text: str) -> Iterator[Span]:
    """Yield the spans of the values of blocks that are about a secret."""
    if "\n" in text:
        for member in _MEMBERS:
            yield from _in_blocks(text, member)


def open_blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield where the last line stands that says what the lines behind it are about, and what follows it."""
    begin = len(text)
    for _ in range(_LONGEST_BLOCK):
        end = begin - 1
        begin = text.rfind("\n", max(0, end - 4 * _LONGEST_LINE), max(end, 0)) + 1
        line = text[max(begin, end - _LONGEST_LINE) : max(end, 0)]
        if end <= 0 or not line.strip():
            return
        if _sure(_NAMES_IT.fullmatch(line.lstrip(" \t"))) or _sure(_OPENS.search(line)):
            yield begin, text[begin:]
            return


def _sure(named: re.Match[str] | None) -> Strength:
    """Return how sure a name is that of a secret; the last part of a path counts."""
    return strength(named[1].rpartition("/")[2]) if named else Strength.NONE


def _in_blocks(text: str, member: str) -> Iterator[Span]:
    """Yield the values of a member that stands first on its line, in a block that names a secret."""
    place, known = text.find(member), (-1, 0, Strength.NONE)
    while place >= 0:
        begin = text.rfind("\n", max(0, place - _LONGEST_INDENT), place) + 1
        if begin and not text[begin:place].strip() and (found := _MEMBER.match(text, place + len(member))):
            sure = _named_above(text, begin, place - begin, known)
            known = (begin, place - begin, sure)
            quoted, group = found["vb"] is None, found.lastgroup or 0
            if sure and is_secret(found[group], min(sure, Strength.STRONG if quoted else Strength.WEAK)):
                yield Span(*found.span(group), "secret")
        place = text.find(member, place + len(member))


def _named_above(text: str, begin: int, indent: int, known: tuple[int, int, Strength]) -> Strength:
    """Return how sure the lines above are that a line's block is about a secret: its head, or its name.

    `known`: where a member further up begins, its indent, and how sure it was.
    """
    named = None
    for _ in range(_LONGEST_BLOCK):
        end = begin - 1
        begin = text.rfind("\n", max(0, end - 4 * _LONGEST_LINE), max(end, 0)) + 1
        line = text[begin:end]
        bare = line.lstrip(" \t")
        if end <= 0 or not bare.strip() or bare[0] in "}])[":
            break
        if begin == known[0] and indent == known[1] and named is None:
            return known[2]
        if named is None and (named := _NAMES_IT.fullmatch(bare)) and (sure := _sure(named)):
            return sure
        if bare.startswith("- "):
            break
        if len(line) - len(bare) < indent:
            return _sure(_OPENS.search(line[-_LONGEST_LINE:]))
    return Strength.NONE
