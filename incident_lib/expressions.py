"""Regular expressions that are made ready when they are first used.

The module `re` takes a millisecond for a long one and 28 for the longest of ours, and of those that a command
imports most see no text.
"""

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split")
_known: list["_Expression"] = []


def expression(pattern: AnyStr, flags: int = 0) -> "re.Pattern[AnyStr]":
    r"""Return what `re.compile` returns, made ready at its first use. Errors: re.error, then.

    >>> word = expression(r"\bpool\b", re.IGNORECASE)
    >>> word.search("The Pool is full")
    <re.Match object; span=(4, 8), match='Pool'>
    """
    made = _Expression(pattern, flags)
    _known.append(made)
    return cast("re.Pattern[AnyStr]", made)


def make_ready() -> None:
    """Make all ready that are known so far, for those who share them with others. Errors: re.error."""
    for each in _known:
        _ = each.search


class _Expression:
    """A pattern with its flags; the methods of the real one stand in its dictionary from the first use on."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the real pattern: called for what is not in the dictionary yet."""
        if name.startswith("__"):
            raise AttributeError(name)
        real = re.compile(self.pattern, self._flags)
        self.__dict__.update((method, getattr(real, method)) for method in _METHODS)
        return getattr(real, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return expression, (self.pattern, self._flags)
