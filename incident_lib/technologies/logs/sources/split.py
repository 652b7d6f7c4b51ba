"""A source -> stretches of it that can be counted side by side, cut at line ends."""

import msgspec

from incident_lib.technologies.logs.sources.opening import read_at
from incident_lib.technologies.logs.sources.source import Source

_PEEK_BYTES = 256 * 1024


def split(source: Source, part_bytes: int) -> list[Source]:
    """Return the stretches, each of about `part_bytes`; the source itself where it cannot be split.

    Together they hold every line once. Cost: a small read for each. Errors: TargetError.
    """
    if not source.can_split or source.end is None:
        return [source]
    parts, start = [], source.start
    while source.end - start > part_bytes * 1.5:
        cut = _line_start(source, start + part_bytes)
        if cut is None:
            break
        parts.append(msgspec.structs.replace(source, start=start, end=cut))
        start = cut
    return [*parts, msgspec.structs.replace(source, start=start)]


def _line_start(source: Source, place: int) -> int | None:
    """Return where the first line behind `place` begins, None where no line does."""
    end = source.end or 0
    while place < end:
        found = read_at(source, place, min(_PEEK_BYTES, end - place))
        if not found:
            return None
        at = found.find(b"\n")
        if at >= 0:
            return place + at + 1 if place + at + 1 < end else None
        place += len(found)
    return None
