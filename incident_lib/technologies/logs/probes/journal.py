"""The log that systemd keeps of a unit: what `journalctl` prints, the newest first, in bounded pages."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.config import Limits, Service, Settings
from incident_lib.connections.places.base import Output, Place
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.technologies.logs.probes.digest import Digest, merge
from incident_lib.technologies.logs.probes.line import clean
from incident_lib.technologies.logs.probes.reader import (
    ALL,
    Lines,
    Reading,
    newest_of,
    slot_seconds,
)
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.units import format_duration

_PAGE_ENTRIES = 20_000
_PAGE_BYTES = 32 * 1024 * 1024
_STRETCH_LINES, _PRIMING_LINES = 20_000, 1_000  # lines that are counted at a time, after some before them
_BEFORE = 20  # newest entries of a unit that wrote nothing in the window
_WARNING = 4  # of syslog's severities: from this one on the writer reports something wrong
_FIELDS = "MESSAGE,PRIORITY,_TRANSPORT,SYSLOG_IDENTIFIER,_PID"
_ENVIRONMENT = {"SYSTEMD_LOG_LEVEL": "info", "SYSTEMD_LOG_TARGET": "console", "SYSTEMD_COLORS": "0"}
_DENIED = re.compile(r"insufficient permissions|Permission denied", re.IGNORECASE)
_OTHERS = "not seeing messages from other users"  # the hint to a user who sees only what is theirs
_MISSING = re.compile(r"Failed to open .*: No such file|No journal files were found")
_CORRUPT = re.compile(r"[^\n]*(?:is truncated|corrupted|Bad message|Input/output error)[^\n]*")
_RIGHTS = "run as root or as a user of the group systemd-journal: usermod -aG systemd-journal USER"


class _Entry(msgspec.Struct, gc=False):
    """An entry as `-o json` prints it. A field that occurs several times in an entry is a list."""

    cursor: str = msgspec.field(name="__CURSOR")
    at: str = msgspec.field(name="__REALTIME_TIMESTAMP")  # microseconds since 1970
    message: Any = msgspec.field(name="MESSAGE", default=None)
    priority: Any = msgspec.field(name="PRIORITY", default=None)
    transport: Any = msgspec.field(name="_TRANSPORT", default=None)
    identifier: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)
    process: Any = msgspec.field(name="_PID", default=None)

    @property
    def seconds(self) -> float:
        """The time at which the journal took it, in seconds since 1970."""
        return int(self.at) / 1e6


_DECODER = msgspec.json.Decoder(_Entry)


class JournalLine(msgspec.Struct, frozen=True, gc=False):
    """A line of an entry's message, with the time at which the journal took it."""

    at: float
    text: str  # clean; with syslog's severity in front where only the journal knows that it is an error
    cut: bool = False

    @property
    def stamped(self) -> str:
        """The line as people read it, with nine digits behind the second."""
        moment = datetime.fromtimestamp(self.at, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z {self.text}"


class JournalReader(msgspec.Struct, frozen=True):
    """What the journal holds of a unit: of its processes, and of systemd about it."""

    unit: str
    directory: str = ""  # of journal files; that of this machine where it is empty
    limits: Limits = Limits()
    seconds: float = 9.0
    place: Place = ThisMachine()

    @property
    def names(self) -> dict[str, str | None]:
        """What the log is called."""
        return {"container": None, "log_file": None, "journal": self.unit}

    def open(self) -> "JournalLog":
        """Return a session. It starts nothing yet."""
        return JournalLog(self)


def journal_reader(settings: Settings, service: Service, **options: Any) -> JournalReader:
    """Return the reader of the unit that a service names."""
    directory = str(settings.file(service.journal_directory)) if service.journal_directory else ""
    return JournalReader(service.journal, directory, **options)


class JournalLog:
    """A session with the journal. `read` holds its lines in memory, at most `log_bytes` as printed."""

    def __init__(self, reader: JournalReader) -> None:
        self.vantage = reader.place.vantage
        self.notes: tuple[str, ...] = ()
        self._reader, self._limits = reader, reader.limits
        self._deadline = 0.0
        self._aborted = False
        self._problem: Problem | None = None  # why not everything was seen, though something was

    def abort(self) -> None:
        """Stop at the next page; a page that does not come ends at the deadline of its child."""
        self._aborted = True

    def close(self) -> None:
        """Do nothing: no child outlives the call that started it."""

    def read(self, window: Window) -> Reading:
        """Return what the unit wrote in the window, the newest pages first until a bound is reached.

        Source: `journalctl --output=json --unit=UNIT`. Errors: TargetError UNSUPPORTED without journalctl,
        PRIVILEGE, NOT_FOUND where the journal knows no such unit, PROTOCOL for damaged files, TIMED_OUT.
        """
        self._deadline = clock.monotonic() + self._reader.seconds
        width = slot_seconds(window.length.total_seconds())
        reading = Reading(digest=Digest(slot_seconds=width), newest=[], source=" ".join(self._argv()))
        lines = [line for page in reversed(list(self._pages(window, reading))) for line in page]
        self._count(lines, window, reading)
        if not reading.digest.lines:
            self._find_before(reading)
        reading.problem = reading.problem or self._problem
        return reading

    def lines(self, window: Window, newest: int | None) -> Lines:
        """Return the newest lines of the window in one batch. Errors: TargetError, as `read`."""
        limits = Limits(log_lines=newest or ALL, log_bytes=self._limits.log_bytes)
        reading = JournalLog(msgspec.structs.replace(self._reader, limits=limits)).read(window)
        kept, total = len(reading.newest), reading.digest.lines
        cut = reading.problem.message if reading.problem else ""
        if kept < total or not reading.complete:
            of = f" of {total:,}" if kept < total else ""
            cut = cut or f"only the newest {kept:,}{of} lines were fetched; see --tail"
        return Lines(iter([reading.newest]), cut)

    def state(self) -> dict[str, Any]:
        """Return nothing: the journal does not know the state of the unit."""
        return {}

    def _count(self, lines: list[JournalLine], window: Window, reading: Reading) -> None:
        """Count the lines in stretches, the newest first, for as long again as they may take to be read."""
        begun, width = clock.monotonic(), reading.digest.slot_seconds
        end, kept = len(lines), list[str]()
        behind: list[str] = []
        while end:
            seconds = clock.monotonic() - begun
            if end < len(lines) and (self._aborted or seconds > self._reader.seconds):
                reading.complete, reading.problem = False, _uncounted(len(lines) - end, len(lines), seconds)
                break
            first = max(end - _STRETCH_LINES, 0)
            scan = Scan(window.start.timestamp(), window.end.timestamp(), width)
            scan.prime((line.text, line.at) for line in lines[max(first - _PRIMING_LINES, 0) : first])
            stretch = lines[first:end]
            found = [line.stamped for line in stretch if scan.feed(line.text, line.at, cut=line.cut)]
            reading.digest = merge(scan.finish(behind), reading.digest)
            kept = newest_of(found + kept, self._limits.log_lines)
            behind, end = [line.text for line in stretch[:_PRIMING_LINES]], first
        reading.newest = kept

    def _pages(self, window: Window, reading: Reading) -> Iterator[list[JournalLine]]:
        """Yield the lines of the window in pages, the newest page first; `reading` takes what was cut."""
        start = window.start.timestamp()
        bounds: tuple[str, ...] = (f"--since=@{start:.6f}", f"--until=@{window.end.timestamp():.6f}")
        size = 0
        while True:
            try:
                output = self._run(*bounds, "--reverse", f"--lines={_PAGE_ENTRIES}")
            except TargetError as error:
                if error.kind is not ProblemKind.TIMED_OUT or not size:
                    raise
                reading.complete, reading.problem = False, self._late()
                return
            entries = entries_of(output.stdout)
            page = [entry for entry in entries if entry.seconds >= start]
            size += len(output.stdout)
            yield lines_of(reversed(page))
            if len(page) < len(entries) or (len(entries) < _PAGE_ENTRIES and not output.truncated):
                return
            if size > self._limits.log_bytes or self._aborted or not entries:
                reading.complete = False
                return
            bounds = (f"--after-cursor={entries[-1].cursor}",)

    def _find_before(self, reading: Reading) -> None:
        """Find when the unit wrote last. Errors: TargetError where the journal does not know it at all."""
        if reading.problem or self._problem:
            return
        entries = entries_of(self._run("--reverse", f"--lines={_BEFORE}").stdout)
        if not entries:
            raise TargetError(
                ProblemKind.NOT_FOUND,
                f"the journal has no entry of the unit {self._reader.unit}",
                "correct `journal` of this service: systemctl list-units shows the names; entries may also "
                "be too old to be kept, or of a machine whose journal is not kept at all",
            )
        reading.before = tuple(line.stamped for line in lines_of(reversed(entries)))
        reading.modified_at = datetime.fromtimestamp(entries[0].seconds, UTC)

    def _run(self, *options: str) -> Output:
        argv = (*self._argv(), f"--output-fields={_FIELDS}", *options)
        left = max(self._deadline - clock.monotonic(), 0.1)
        try:
            output = self._reader.place.run(
                argv, seconds=left, most_bytes=_PAGE_BYTES, environment=_ENVIRONMENT
            )
        except TargetError as error:
            if error.kind is ProblemKind.TIMED_OUT:
                seconds = format_duration(self._reader.seconds)
                message = f"journalctl printed nothing whole in {seconds}"
                raise TargetError(error.kind, message, "read a shorter window, with --since") from error
            if error.kind is ProblemKind.UNSUPPORTED:
                advice = "install systemd's journalctl here, or set `log` or `container` of this service"
                raise TargetError(error.kind, error.message, advice) from error
            raise
        self._check(output)
        return output

    def _check(self, output: Output) -> None:
        """Keep what journalctl says it could not see. Errors: TargetError where that is everything."""
        notice = output.stderr.decode("utf-8", "replace").strip()
        is_empty = not output.stdout.strip().startswith(b"{")
        failed = output.exit_code > 0
        corrupt = _CORRUPT.search(notice)
        if _DENIED.search(notice) or _OTHERS in notice:
            message = f"no right to read all of the journal for the unit {self._reader.unit}"
            problem = Problem(kind=ProblemKind.PRIVILEGE, message=message, advice=_RIGHTS)
        elif corrupt:
            problem = Problem(
                kind=ProblemKind.PROTOCOL,
                message=f"a part of the journal cannot be read: {corrupt[0].strip()}",
                advice="journalctl --verify names damaged files; what other files hold was read",
            )
        elif _MISSING.search(notice):
            problem = Problem(
                kind=ProblemKind.NOT_FOUND,
                message=f"there is no journal: {notice.splitlines()[-1]}",
                advice="correct `journal_directory`, or let journald keep its journal",
            )
        elif failed:
            notice = notice.splitlines()[-1] if notice else f"exit code {output.exit_code}"
            problem = Problem(kind=ProblemKind.UNSUPPORTED, message=f"journalctl failed: {notice}")
        else:
            return
        if failed or is_empty:
            raise TargetError(problem.kind, problem.message, problem.advice)
        self._problem = problem

    def _argv(self) -> tuple[str, ...]:
        directory = self._reader.directory
        where = (f"--directory={directory}",) if directory else ()
        return ("journalctl", "--output=json", "--all", "--no-pager", *where, f"--unit={self._reader.unit}")

    def _late(self) -> Problem:
        seconds = format_duration(self._reader.seconds)
        return Problem(
            kind=ProblemKind.TIMED_OUT,
            message=f"not all of the journal came in {seconds}: the oldest lines are missing",
            advice="read a shorter window, with --since",
        )


def _uncounted(counted: int, total: int, seconds: float) -> Problem:
    newest = f"only the newest {counted:,} of {total:,} lines"
    return Problem(
        kind=ProblemKind.TIMED_OUT,
        message=f"{newest} could be counted in {format_duration(seconds)}: the oldest are missing",
        advice="read a shorter window, with --since",
    )


def entries_of(printed: bytes) -> list[_Entry]:
    """Return the whole entries of the output; the last may be cut, and hints stand between them."""
    found = []
    for line in printed.split(b"\n"):
        if line.startswith(b"{"):
            try:
                found.append(_DECODER.decode(line))
            except msgspec.MsgspecError:
                continue
    return found


def lines_of(entries: Iterable[_Entry]) -> list[JournalLine]:
    """Return the lines of the entries' messages.

    What a program prints has the priority of its stream, whatever it says. What is sent with a priority, to
    syslog or the journal itself, may hold its severity nowhere else; systemd writes this way, too.
    """
    found = []
    for entry in entries:
        head = ""
        if text_of(entry.transport) in {"syslog", "journal", "kernel"}:
            priority = text_of(entry.priority)
            head = f"<{priority}>" if priority.isdigit() and int(priority) <= _WARNING else ""
            if text_of(entry.process) == "1":
                head += f"{text_of(entry.identifier)}[1]: "
        at = entry.seconds
        for number, line in enumerate(text_of(entry.message).split("\n")):
            plain, cut = clean(line)
            if plain:
                found.append(JournalLine(at, plain if number else head + plain, cut))
    return found


def text_of(value: Any) -> str:
    """Return a field as text: it comes as a string, as bytes where it is no clean text, or as a list.

    >>> text_of("ready"), text_of([114, 101, 97, 100, 121]), text_of(["first", "second"]), text_of(None)
    ('ready', 'ready', 'first', '')
    """
    if isinstance(value, list):
        if value and all(isinstance(number, int) and 0 <= number < 256 for number in value):
            return bytes(value).decode("utf-8", "replace")
        return text_of(value[0]) if value else ""
    return value if isinstance(value, str) else ""
