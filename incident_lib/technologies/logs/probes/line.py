"""Bytes of a log -> clean lines, and what a line holds when it is read.

Bytes may hold anything: colours, NUL, half characters, endless lines.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

LEVELS = {
    name: level
    for level, names in {
        "DEBUG": "trace debug debug1 debug2 debug3 debug4 debug5 verbose fine finer finest"
        " trc trce dbg dbug vrb d d1 d2 d3 d4 d5 5 10 20",
        "INFO": "info information informational notice note log inf i 30",
        "WARNING": "warning warn wrn w 40 warnung avertissement advertencia",
        "ERROR": "error err severe fail e 50 fehler schwerwiegend erreur grave",
        "CRITICAL": "critical crit fatal panic alert emerg emergency ftl pnc f 60",
    }.items()
    for name in names.split()
}  # the numbers are those of bunyan and pino, the single letters MongoDB's
SEVERITIES = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")  # of syslog
BAD_LEVELS = frozenset({"ERROR", "CRITICAL"})
PLAIN = "plain"  # of a line that no format reads
GENERIC = frozenset({PLAIN, "text", "syslog"})  # formats that any program may write


Opened = tuple[str, float | None, bool]  # the clean text, the engine's time, whether the text was cut
Opening = Callable[[bytes], Opened | None]  # of a stored line; None for one that does not count
Mark = Callable[[str], str]  # of a clean line: what it is counted under besides, "" for most


class Line(msgspec.Struct, kw_only=True, gc=False):
    """What a line holds; empty or None where it does not."""

    format: str = PLAIN  # or the program that writes it so; "text" where only time or level are read
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
    sqlstate: str = ""  # the code of a PostgreSQL error, where the line names it
    database: str = ""  # of a session of PostgreSQL, where the line names it
    reported_by: str = ""  # of a request that an error line and an access line may both report: the client
    is_detail: bool = False  # belongs to the line before it

    @property
    def is_known(self) -> bool:
        """Whether a format read the line."""
        return self.format != PLAIN


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


# What the status of a proxy says of the server behind it; from 520 on: of Cloudflare.
_NO_ANSWER, _NONE_IN_TIME = "gave no usable answer", "gave no answer in time"
UNANSWERED = {502: _NO_ANSWER, 504: _NONE_IN_TIME, 520: _NO_ANSWER, 521: _NO_ANSWER, 522: _NONE_IN_TIME}
UNANSWERED |= {523: _NONE_IN_TIME, 524: _NONE_IN_TIME, 525: "fails the TLS handshake"}
UNANSWERED[526] = UNANSWERED[525]


def unanswered(status: int, address: str) -> str:
    """Return what the proxy's status says of the server behind it, in words that classes know.

    >>> unanswered(504, "10.0.0.7:8080")
    'upstream: "10.0.0.7:8080" gave no answer in time: 504'
    """
    return f'upstream: "{address}" {UNANSWERED[status]}: {status}'


LONGEST = 64 * 1024  # characters of a line that are read
_ANSI = re.compile(
    r"\x1b(?:\[[0-9;:?<=>]{0,30}[ -/]{0,3}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)?|[@-Z\\^_()].?)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean(line: str) -> tuple[str, bool]:
    r"""Return a line without colours and control characters, and whether it was cut.

    >>> clean("\x1b[31mERROR\x1b[0m: no\x00\r")
    ('ERROR: no', False)
    >>> clean("10 %\r20 %\r100 %\r")
    ('100 %', False)
    """
    if "\r" in line:  # a progress bar is written over: its last state stays
        line = line.rstrip("\r").rpartition("\r")[2]
    cut = len(line) > LONGEST
    if cut:
        line = f"{line[:LONGEST]} [cut: {len(line)} characters]"
    if line.isprintable():  # the usual case, and by far the fastest test
        return line, cut
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    return _CONTROL.sub("", line), cut


def open_plain(line: bytes) -> Opened | None:
    """Return a line of a file.

    >>> open_plain(b"ready"), open_plain(b"")
    (('ready', None, False), None)
    """
    text, cut = clean(line.decode("utf-8", "replace"))
    return (text, None, cut) if text else None


_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def encoding_of(head: bytes) -> str:
    r"""Return the encoding that the first bytes of a file name by their mark, UTF-8 without any.

    >>> encoding_of("ready".encode("utf-16")), encoding_of(b"\xfe\xff\x00r"), encoding_of(b"ready")
    ('utf-16-le', 'utf-16-be', 'utf-8')
    """
    return _MARKS.get(head[:2], "utf-8")


def decode(block: bytes, encoding: str = "utf-8") -> str:
    r"""Return the text of bytes, without a mark in front. What the encoding does not know becomes U+FFFD.

    >>> decode(b"\xef\xbb\xbfready\xff"), decode(b"\xff\xfer\x00", "utf-16-le")
    ('ready\ufffd', 'r')
    """
    text = block.decode(encoding, "replace")
    return text[1:] if text[:1] == "\ufeff" else text


def clean_lines(block: bytes, encoding: str = "utf-8") -> Iterator[tuple[str, bool]]:
    r"""Yield the clean lines of a block and whether each was cut. What is no UTF-8 becomes U+FFFD.

    >>> list(clean_lines(b"ready\r\ndone\xff\n"))
    [('ready', False), ('done\ufffd', False)]
    """
    text = decode(block, encoding)
    if text.endswith("\n"):
        text = text[:-1]
    if text:
        yield from map(clean, text.split("\n"))
