"""Lines -> records: the lines that belong together, as a message, its continuation and its traceback do.

What a line is decides where it belongs, never its first character alone.
"""

import msgspec

from incident_lib.expressions import expression
from incident_lib.technologies.logs.probes import traces
from incident_lib.technologies.logs.probes.line import BAD_LEVELS, GENERIC, Line

_TRACED = BAD_LEVELS | {"WARNING"}  # a traceback without a header that follows such a line is about it
_CONTINUED = 30  # lines without a header that continue an error
PAUSE = 1.0  # seconds after which a line that its envelope times continues no message
_STATEMENTS = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH ")
_CLAUSES = tuple(
    f"{words} "
    for words in (
        *("FROM", "WHERE", "AND", "OR", "SET", "VALUES", "JOIN", "LEFT OUTER JOIN", "GROUP BY", "HAVING"),
        *("ORDER BY", "RETURNING", "UNION", "SELECT"),
    )
)
_LONGEST = 8_192  # characters of such lines that are kept
_TAGS = expression(r"(?:\[[^\[\]\s]{1,80}\] )+")  # of Rails, in front of each line of a message


class Record(msgspec.Struct, kw_only=True, gc=False):
    """A line with a header, or without any in a log that has none, and the lines that belong to it."""

    line: Line
    text: str
    at: float | None
    is_inside: bool  # in the window
    is_timed: bool  # by its time, its envelope's or the engine's: not by that of the line before
    is_counted: bool = True  # it begins in the part of the log that is counted
    service: str = ""  # that its envelope names
    details: str = ""
    continued: int = 0
    trace: traces.Joiner | None = None

    @property
    def exception(self) -> str:
        """The traceback, "" without any."""
        if self.trace:
            return "\n".join(self.trace.lines)
        alone = traces.raised_alone(self.details) if self.details and not self.line.is_detail else ""
        return self.line.exception or alone

    @property
    def words(self) -> str:
        """The message, the line below it where that is empty but for its tags, or else the whole line."""
        message = self.line.message or self.line.error or self.text
        if self.details and message[:1] == "[" and (tags := _TAGS.match(message)):
            below = next((line for line in self.details.split("\n") if line.strip()), message)
            return message if message[tags.end() :].strip() else below
        return message

    def without_tags(self, text: str) -> str:
        """Return a line below the message without the tags that stand in front of that, too."""
        message = self.line.message
        if text[:1] != "[" or message[:1] != "[" or (tags := _TAGS.match(message)) is None:
            return text
        return text.removeprefix(tags[0])

    def add(self, text: str) -> None:
        """Keep a line that belongs to it."""
        if len(self.details) < _LONGEST:
            self.details = f"{self.details}\n{text[:_LONGEST]}" if self.details else text[:_LONGEST]


class Stream:
    """What a single writer has written: its newest record, and the one whose traceback goes on.

    Of two threads the one may write a line into the traceback of the other.
    """

    def __init__(self) -> None:
        self.at: float | None = None  # of the line before, for those without a time
        self.partial = ""  # the beginning of a line whose end has not come
        self._record: Record | None = None
        self._tracing: Record | None = None

    @property
    def is_open(self) -> bool:
        """Whether a record that is counted may go on."""
        return any(record is not None and record.is_counted for record in (self._record, self._tracing))

    @property
    def is_headed(self) -> bool:
        """Whether the line before holds the time and logger of this one, as java.util.logging writes them."""
        return self._record is not None and self._record.line.format == "jul"

    @property
    def is_tracing(self) -> bool:
        """Whether the next line may belong to an open traceback, a line in pieces, or a header."""
        return self._tracing is not None or bool(self.partial) or self.is_headed

    @property
    def is_unfinished(self) -> bool:
        """Whether the next line may belong to what is open even where it has a header."""
        trace = self._tracing.trace if self._tracing else None
        is_over = trace is None or (trace.ended and trace.has_head)
        return not is_over or bool(self.partial) or self.is_headed

    def owner_of_frame(self, text: str) -> Record | None:
        """Return the record whose open traceback takes the line as it is, None where that takes parsing.

        After the last line of a traceback, what is indented may be the next line of the log.
        """
        record = self._tracing
        if record is None or record.trace is None or (record.trace.ended and text[:1] in " \t"):
            return None
        return record if record.trace.takes(text) else None

    def owner(
        self, line: Line, text: str, at: float | None = None, *, is_entry: bool = False
    ) -> Record | None:
        """Return the record that a parsed line belongs to, None where it begins one.

        `at` is the time that its envelope names. An entry has a severity of its own, as an event has.
        """
        tracing, record = self._tracing, self._record
        if tracing is not None and tracing.trace is not None and line.is_detail and tracing.trace.takes(text):
            return tracing
        bare = line.is_detail or not (
            line.format != "plain" or line.level or line.status or line.at is not None
        )
        if record is None or not bare:
            return None
        text = record.without_tags(text)
        if traces.opens(text):
            if record.trace or record.line.exception or record.line.level not in _TRACED:
                return None
            record.trace, self._tracing = traces.joiner_of(text), record
        elif traces.is_frame(text) and record.trace is None:
            head = f"{record.text}\n{record.details}" if record.details else record.text
            record.trace, self._tracing = traces.FrameJoiner(head, text), record
        elif line.is_detail:
            record.add(line.message if line.format == "postgres" else text)
        elif (is_entry and text[:1] not in " \t") or _is_later(record, at):
            return None
        elif self._goes_on(record) or (text.startswith(_CLAUSES) and self._is_statement(record)):
            record.continued += 1
            record.add(text)
        else:
            return None
        return record

    def begin(self, record: Record) -> list[Record]:
        """Take a record as the newest; return those that have ended with it."""
        before, tracing = self._record, self._tracing
        line = record.line
        joiner = None if line.exception else traces.joiner_of(record.text if line.level else line.message)
        if joiner is not None and line.level and not joiner.has_head:
            joiner = None
        interrupted = tracing if tracing and tracing.trace and not tracing.trace.ended else None
        if joiner is not None or line.format in GENERIC:
            interrupted = None
        ended = [] if tracing is None or tracing is interrupted else [tracing]
        if before is not None and before is not tracing:
            ended.append(before)
        self._record, self._tracing = record, interrupted
        if joiner is not None:
            record.trace, self._tracing = joiner, record
        return ended

    def end(self) -> list[Record]:
        """Return the records that were open, and forget them."""
        ended = [self._tracing] if self._tracing else []
        if self._record is not None and self._record is not self._tracing:
            ended.append(self._record)
        self._record = self._tracing = None
        return ended

    @staticmethod
    def _goes_on(record: Record) -> bool:
        """Return whether a plain line continues the record: after an error with a header, it does."""
        has_header = record.is_timed or bool(record.line.level)
        return has_header and record.line.level in BAD_LEVELS and record.continued < _CONTINUED

    @staticmethod
    def _is_statement(record: Record) -> bool:
        """Return whether a line with a header begins a statement: SQLAlchemy writes several lines of it."""
        words = record.line.message.removeprefix("sqlalchemy.engine.Engine ")
        return words.startswith(_STATEMENTS) and record.continued < _CONTINUED


def _is_later(record: Record, at: float | None) -> bool:
    return record.trace is None and at is not None and record.at is not None and at - record.at > PAUSE
