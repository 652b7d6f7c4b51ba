"""How a log ends: its newest lines, the error in them, and what is appended while it is watched."""

import re
from collections.abc import Sequence

from incident_lib.technologies.logs.probes import traces
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.events import event_of
from incident_lib.technologies.logs.probes.line import BAD_LEVELS
from incident_lib.technologies.logs.probes.multiline import Record
from incident_lib.technologies.logs.probes.records import chosen_requests, moment
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.rows import LogGrowth, LogTail

_KEPT = 40  # lines: a server that checks its file at the end writes twenty
READ = 400  # lines: a traceback may be long
_CHARACTERS = 500
_RECORDS = 6  # the newest of them: after its error, a program may report that it stops
_STRONG, _WEAK = ("CRITICAL", "ERROR"), ("", "WARNING")
_WORDS = re.compile(  # of the last line of a program that has no levels
    r"\b(?:fatal|panic(?:ked)?|error|exception|failed|failure|fault|killed|abort(?:ed|ing)|can(?:no|')t"
    r"|could not|unable to|denied|refused|not found|no such|invalid|exiting)\b",
    re.IGNORECASE,
)


def tail(newest: Sequence[str]) -> LogTail:
    """Return the last of the newest lines, and the error that the log ends in.

    >>> tail(["INFO: Starting", "ERROR: port 80 is in use", "INFO: Bye"]).error
    'port 80 is in use'
    """
    scan = _Records()
    for text in newest[-READ:]:
        scan.feed(text)
    scan.finish()
    record = _last_error(scan.records[-_RECORDS:])
    return LogTail(
        lines=tuple(line[:_CHARACTERS] for line in newest[-_KEPT:]),
        error=_words(record)[:_CHARACTERS] if record else "",
        error_at=moment(record.at) if record else None,
    )


class _Records(Scan):
    """Keeps the records themselves, in the order in which they end."""

    def __init__(self) -> None:
        super().__init__(float("-inf"), float("inf"))
        self.records: list[Record] = []

    def _close(self, records: list[Record]) -> None:
        self.records += (record for record in records if record.text.strip())


def _last_error(records: list[Record]) -> Record | None:
    """Return the error that says most of the newest records, None where the program served after it."""
    best: tuple[int, Record] | None = None
    for number, record in enumerate(reversed(records)):
        status, level = record.line.status, record.line.level
        if 0 < status < 500 or event_of(record.line.message) == "ready":
            break
        if status or (record.line.format == "postgres" and level == "ERROR"):  # that is its client's
            continue
        weight = 0
        if record.exception:
            weight = 4
        elif level in BAD_LEVELS:
            weight = 3 - _STRONG.index(level)
        elif number == 0 and level in _WEAK and _WORDS.search(record.text):
            weight = 1
        if weight > (best[0] if best else 0):
            best = weight, record
    return best[1] if best else None


def _words(record: Record) -> str:
    line = record.line
    trace = traces.read(record.exception) if record.exception else None
    if trace is not None and trace.type != "unknown" and (trace.message or trace.type != "error"):
        return f"{trace.type}: {trace.message}".removesuffix(": ")
    words = record.words
    if line.message and line.error and line.error not in line.message:
        words = f"{line.message}: {line.error}"
    if line.format == "postgres" and record.details:  # its detail or hint holds the cause
        return "; ".join([words, *record.details.split("\n")])
    return words


def growth(appended: Digest, seconds: float) -> LogGrowth:
    """Return what was appended in so many seconds.

    >>> growth(Digest(lines=12, errors=5), 2.0).errors_count
    5
    """
    requests = chosen_requests(appended)
    return LogGrowth(
        seconds=seconds,
        lines_count=appended.lines,
        errors_count=appended.errors,
        requests_count=requests.count,
        server_errors_count=sum(endpoint.statuses.get(5, 0) for endpoint in requests.endpoints.values()),
        error_classes={name: tally.count for name, tally in sorted(appended.classes.items())},
        exceptions={" ".join(key): tally.count for key, tally in sorted(appended.exceptions.items())},
    )
