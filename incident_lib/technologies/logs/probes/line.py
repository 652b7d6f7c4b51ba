"""Bytes of a log -> clean lines, and what a line holds when it is read.

Bytes may hold anything: colours, NUL, half characters, endless lines.
"""

import re
from collections.abc import Iterator

import msgspec

LEVELS = {
    name: level
    for level, names in {
        "DEBUG": "trace debug debug1 debug2 debug3 debug4 debug5 verbose fine finer finest"
        " trc trce dbg dbug vrb 5 10 20",
        "INFO": "info information informational notice log inf 30",
        "WARNING": "warning warn wrn 40",
        "ERROR": "error err severe fail 50",
        "CRITICAL": "critical crit fatal panic alert emerg emergency ftl pnc 60",
    }.items()
    for name in names.split()
}  # the numbers are those of bunyan and pino
SEVERITIES = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")  # of syslog
BAD_LEVELS = frozenset({"ERROR", "CRITICAL"})


class Line(msgspec.Struct, kw_only=True, gc=False):
    """What a line holds; empty or None where it does not."""

    format: str = "plain"
    message: str = ""
    at: float | None = None  # seconds since 1970
    zoned: bool = False  # the line names the zone of its time; else it was taken as UTC
    level: str = ""
    logger: str = ""
    method: str = ""
    path: str = ""
    status: int = 0  # of a request served; 0 for any other line
    duration: float | None = None  # seconds
    exception: str = ""  # a traceback in a separate field
    error: str = ""  # the error in a separate field, where the message does not hold it
    is_detail: bool = False  # belongs to the line before it


def level_of(value: object) -> str:
    """Return the level that a word or a number names, "" if none.

    >>> level_of("warn"), level_of(50), level_of("Fatal"), level_of("blue")
    ('WARNING', 'ERROR', 'CRITICAL', '')
    """
    return LEVELS.get(str(value).lower(), "")


def level_of_priority(priority: int) -> str:
    """Return the level that the number in front of a line of syslog names: facility times 8, and severity.

    >>> level_of_priority(134), level_of_priority(131)
    ('INFO', 'ERROR')
    """
    return SEVERITIES[priority % 8]


LONGEST = 64 * 1024  # characters of a line that are read
_ANSI = re.compile(
    r"\x1b(?:\[[0-9;:?<=>]{0,30}[ -/]{0,3}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)?|[@-Z\\^_()].?)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean(line: str) -> tuple[str, bool]:
    r"""Return a line without colours and control characters, and whether it was cut.

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


def clean_lines(block: bytes) -> Iterator[tuple[str, bool]]:
    r"""Yield the clean lines of a block and whether each was cut. What is no UTF-8 becomes U+FFFD.

    >>> list(clean_lines(b"ready\r\ndone\xff\n"))
    [('ready', False), ('done\ufffd', False)]
    """
    text = block.decode("utf-8", "replace")
    if text.endswith("\n"):
        text = text[:-1]
    if text:
        yield from map(clean, text.split("\n"))
