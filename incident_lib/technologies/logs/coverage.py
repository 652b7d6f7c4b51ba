"""How much of a log was read: the share of its lines of a known format and with a time. Pure."""

from incident_lib.technologies.logs.rows import LogSummary
from incident_lib.units import format_share


def read_ratio(summary: LogSummary) -> float | None:
    """Return the share of lines that were read, None where it was not measured or there is no line.

    Stack traces are read also where they have no time, when other lines of the log have.
    """
    if summary.read_lines_count is None or not summary.lines_count:
        return None
    traced = summary.traced_lines_count if summary.timed_lines_count else 0
    return min((summary.read_lines_count + traced) / summary.lines_count, 1.0)


def describe_read(summary: LogSummary) -> str:
    """Return in a few words how much was read: "read 97 % of 12,345 lines"."""
    if not summary.lines_count:
        return "no line"
    ratio = read_ratio(summary)
    if ratio is None:
        return f"{summary.lines_count:,} lines; how many of them could be read is unknown"
    return f"read {format_share(ratio)} of {summary.lines_count:,} lines"


def describe_unread(summary: LogSummary) -> str:
    """Return what could not be read of the lines, "" where nothing is missing."""
    lines = summary.lines_count - (summary.traced_lines_count if summary.timed_lines_count else 0)
    timed, known = summary.timed_lines_count, summary.known_lines_count
    counts = (
        (0 if timed is None else lines - timed, "without a time"),
        (0 if known is None else lines - known, "of an unknown format"),
        (summary.not_text_lines_count, "not text"),
        (summary.cut_lines_count, "cut because they are too long"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count > 0)
