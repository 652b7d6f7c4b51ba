"""Bytes of a log -> clean lines, whatever they hold: colours, NUL, half characters, endless lines."""

import re
from collections.abc import Iterator

LONGEST = 64 * 1024  # characters of one line that are read
_ANSI = re.compile(
    r"\x1b(?:\[[0-9;:?<=>]{0,30}[ -/]{0,3}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)?|[@-Z\\^_()].?)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean(line: str) -> tuple[str, bool]:
    r"""Return one line without colours and control characters, and whether it was cut.

    >>> clean("\x1b[31mERROR\x1b[0m: no\x00\r")
    ('ERROR: no', False)
    """
    cut = len(line) > LONGEST
    if cut:
        line = f"{line[:LONGEST]} [cut: {len(line)} characters]"
    if line.isprintable():  # the usual case, and by far the fastest test
        return line, cut
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    return _CONTROL.sub("", line), cut


def lines(block: bytes) -> Iterator[tuple[str, bool]]:
    r"""Yield the clean lines of a block and whether each was cut. What is no UTF-8 becomes U+FFFD.

    >>> list(lines(b"one\r\ntwo\xff\n"))
    [('one', False), ('two\ufffd', False)]
    """
    text = block.decode("utf-8", "replace")
    if text.endswith("\n"):
        text = text[:-1]
    if text:
        yield from map(clean, text.split("\n"))
