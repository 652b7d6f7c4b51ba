"""The beginning of a text of foreign origin: its secrets are hidden first, and only then it is cut.

A secret that is cut in two is not known any more: half a token has no form, half a DSN no `@`. So whatever
quotes an answer, an error or a line of a log cuts it here.
"""

from collections.abc import Sequence

from incident_lib.errors import RedactionError
from incident_lib.redact import Redactor

_MARK_LENGTH = 24  # of the longest mark of a hidden secret
_newest = Redactor()


def quote_with(redactor: Redactor) -> Redactor:
    """Return `redactor`, whose secrets are hidden in excerpts from here on: that of the configuration."""
    global _newest  # noqa: PLW0603 - one process works with one configuration
    _newest = redactor
    return redactor


def excerpt(text: str, most: int) -> str:
    """Return at most `most` characters of `text` without its secrets; a mark is never cut.

    Errors: RedactionError.

    >>> text = "cannot reach postgresql://app:hunter2@db/shop"
    >>> ["hunt" in excerpt(text, most) for most in (35, 40, 100)]
    [False, False, False]
    """
    return shortened(_hidden(text), most)


def hidden_lines(lines: Sequence[str]) -> list[str]:
    """Return lines that follow each other without their secrets, which may stand on several of them.

    Errors: RedactionError.
    """
    return _hidden("\n".join(lines)).split("\n") if lines else []


def _hidden(text: str) -> str:
    try:
        return _newest.text(text)
    except RedactionError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever fails, nothing of the text may be shown
        raise RedactionError(f"redaction failed ({type(error).__name__}), so nothing was written") from None


def shortened(hidden: str, most: int) -> str:
    """Return the beginning of a text whose secrets are hidden already."""
    if len(hidden) <= most:
        return hidden
    start = hidden.rfind("[", max(most - _MARK_LENGTH, 0), most)
    is_cut = start >= 0 and "]" not in hidden[start:most] and "]" in hidden[most : start + _MARK_LENGTH]
    return hidden[: start if is_cut else most]
