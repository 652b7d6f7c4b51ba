"""A stretch of a log by its address, as a value that can be sent to another process or machine."""

import msgspec

from incident_lib.technologies.logs.probes.times import UNDECIDED, DateOrder

STDIN = "-"
PLAIN, JSON_FILE = "", "json-file"
EXPORT, DOCUMENT = "export", "document"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a file, of an object in a store, or of standard input.

    Of a compressed one the stretch is all of it. Units: `start`, `end` and `size_bytes` count the bytes that
    are stored, compressed or not.
    """

    address: str  # a path, "s3://bucket/key", or "-"
    start: int = 0
    end: int | None = None  # None: up to where it ends
    size_bytes: int | None = None  # of all of it, when it was found; None where that is not known
    compression: str = ""  # "gz", "zst", "bz2", "xz"
    encoding: str = "utf-8"  # "utf-16-le" and "utf-16-be", where a mark at the beginning says so
    inode: int = 0  # of a file of this machine, 0 where it is not known
    modified_at: float | None = None
    shift: float = 0.0  # what is added to times without a zone
    order: DateOrder = UNDECIDED  # of numeric dates
    newest_clock: float | None = None  # of times without a date: the last one, in the log's zone
    form: str = PLAIN  # or JSON_FILE of an engine's driver, EXPORT of the journal, DOCUMENT: all of it is one
    since: float | None = None  # of an engine's documents: those from before are left out
    begin: int = 0  # bytes of text in front that are not of the log: of a compressed source, those inside it
    older: "tuple[Source, ...]" = ()  # what is read as if it stood before this file, the oldest first
    newer: "tuple[Source, ...]" = ()  # and behind it

    @property
    def is_remote(self) -> bool:
        """Whether it is in an object store, or behind another protocol."""
        return "://" in self.address

    @property
    def can_split(self) -> bool:
        """Whether a line end can be found without reading what stands before it."""
        return (
            self.address != STDIN
            and not self.compression
            and self.newest_clock is None
            and self.form not in {EXPORT, DOCUMENT}
            and self.encoding == "utf-8"
            and self.end is not None
        )

    @property
    def stretch_bytes(self) -> int | None:
        """How many bytes the stretch has, None where that is not known."""
        end = self.size_bytes if self.end is None else self.end
        return None if end is None else end - self.start


class Progress(msgspec.Struct, kw_only=True):
    """How far the reading of a source is, and what was noticed on the way."""

    read_bytes: int = 0  # as stored
    text_bytes: int = 0  # of text, after decompression
    not_text_lines: int = 0
    notes: list[str] = []
    complete: bool = True

    def note(self, text: str, *, complete: bool) -> None:
        """Remember what was noticed, and whether everything was read all the same."""
        self.notes.append(text)
        self.complete = self.complete and complete
