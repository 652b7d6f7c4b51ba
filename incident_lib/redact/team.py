"""Patterns that a team hides besides -> what RE2 compiles, which takes time in proportion to the text."""

import re
from typing import Any

from incident_lib.errors import RedactionError

_EVERY_SCRIPT = {r"\w": r"\pL\pM\pN_", r"\d": r"\p{Nd}"}
_PARTS = re.compile(r"\[:\^?\w+:\]|\[\^?|\\.|[^\\]", re.DOTALL)  # of a regular expression
_LACKS = "no look-around, no back-references"


def compiled(pattern: str) -> Any:
    """Return a team's pattern for RE2, which takes time in proportion to the text whatever the pattern is.

    Errors: RedactionError for what is no regular expression there, and for what would hide everything.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(_for_re2(pattern), options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        raise RedactionError(
            f"{pattern!r} is not a valid regular expression of RE2 ({_LACKS}): {why}"
        ) from error
    if found.search(""):
        raise RedactionError(
            f"{pattern!r} matches the empty string, and would hide everything; use + instead of *"
        )
    return found


def _for_re2(pattern: str) -> str:
    r"""Return `pattern` with the classes of letters, digits and spaces meaning those of every script.

    >>> _for_re2(r"kunde=\w+[\d-]")
    'kunde=[\\pL\\pM\\pN_]+[\\p{Nd}-]'
    """
    parts: list[str] = []
    in_class = first = False
    for part in _PARTS.findall(pattern):
        every = _EVERY_SCRIPT.get(part)
        parts.append(part if every is None else every if in_class else f"[{every}]")
        opens = part in {"[", "[^"} and not in_class
        in_class = opens or (in_class and (part != "]" or first))
        first = opens
    return "".join(parts)
