"""Bytes, counts, durations and shares as text: the same number reads the same wherever it stands."""

from collections.abc import Callable, Mapping, Sequence

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MANY_TIMES = 5.0  # a ratio from here on is no share: 10.3 times, not 1033 %


def format_bytes(size: float | None) -> str:
    """Return a size in the unit that leaves at most four digits, with one decimal below 100.

    >>> [format_bytes(size) for size in (0, 1023, 1536, 7_757_159, 512 << 20, 3 << 30, None)]
    ['0 B', '1023 B', '1.5 KiB', '7.4 MiB', '512 MiB', '3 GiB', 'an unknown number of bytes']
    """
    if size is None:
        return "an unknown number of bytes"
    if size < 0:
        return "-" + format_bytes(-size)
    scale = 0
    # What would be rounded up to 1024 of a unit is one of the next.
    while scale < len(_BYTES) - 1 and round(size) >= 1024:
        size, scale = size / 1024, scale + 1
    return f"{_short(size)} {_BYTES[scale]}" if scale else f"{size:.0f} B"


def format_number(value: float | None) -> str:
    """Return a number with separators, with two decimals at most, none from 100 on.

    >>> [format_number(value) for value in (3, 12_000, 2.5, 1234.5, 0.333, 0.00042, -7)]
    ['3', '12,000', '2.5', '1,234', '0.33', '0.00042', '-7']
    """
    if value is None:
        return "an unknown number"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 0.005:
        return f"{value:.2g}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def format_count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> format_count(1, "session"), format_count(12_000, "query", "queries")
    ('1 session', '12,000 queries')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """Return the first of many names, and how many there are more.

    >>> some_of(["a", "b"]), some_of(["a", "b", "c", "d", "e"])
    ('a, b', 'a, b, c and 2 more')
    """
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def format_times(count: int) -> str:
    """Return how often.

    >>> format_times(1), format_times(12)
    ('once', '12 times')
    """
    return "once" if count == 1 else f"{count:,} times"


def format_share(ratio: float | None) -> str:
    """Return a share in percent, with one decimal near its ends; what is not all is never 100 %.

    >>> [format_share(ratio) for ratio in (0, 0.0003, 0.0123, 0.126, 0.83, 0.954, 0.9996, 1, 1.5)]
    ['0 %', 'under 0.1 %', '1.2 %', '13 %', '83 %', '95.4 %', 'over 99.9 %', '100 %', '150 %']
    """
    if ratio is None:
        return "an unknown share"
    percent = ratio * 100
    if 0 < percent < 0.05:
        return "under 0.1 %"
    if 99.95 <= percent < 100:
        return "over 99.9 %"
    if 9.95 <= abs(percent) <= 90 or abs(percent) > 100:
        return f"{percent:.0f} %"
    return f"{percent:.1f}".removesuffix(".0") + " %"


def format_ratio(ratio: float) -> str:
    """Return a share, or how many times one thing is another where it is that many times.

    >>> format_ratio(0.83), format_ratio(10.33)
    ('83 %', '10.3 times')
    """
    return format_share(ratio) if abs(ratio) < _MANY_TIMES else f"{_short(ratio)} times"


def format_duration(seconds: float | None) -> str:
    """Return a length of time in the two units that matter.

    >>> [format_duration(s) for s in (0, 0.000001, 0.00034, 0.0025, 0.0123, 5, 7.25, 90, 3_900, 200_000)]
    ['0 ms', 'under 0.01 ms', '0.34 ms', '2.5 ms', '12 ms', '5 s', '7.2 s', '1m 30s', '1h 5m', '2d 7h']
    """
    if seconds is None:
        return "an unknown time"
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:
        milliseconds = seconds * 1000
        digits = 2 if milliseconds < 1 else 1 if milliseconds < 9.95 else 0
        return f"{round(milliseconds, digits):g} ms" if not 0 < milliseconds < 0.005 else "under 0.01 ms"
    if seconds < 59.95:
        return f"{_short(seconds)} s"
    whole = round(seconds)
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // small}{small_unit}"
    return f"{whole // 60}m {whole % 60}s"


def format_guess(seconds: float) -> str:
    """Return a time that was extrapolated, no finer than such a guess is.

    >>> [format_guess(s) for s in (0, 3, 46.6, 88, 500, 5000, 400_000)]
    ['no time', 'under 10 s', 'about 50 s', 'about 1m 30s', 'about 8m', 'about 1h 23m', 'about 4d 15h']
    """
    if seconds < 1:
        return "no time"
    if seconds < 10:
        return "under 10 s"
    step = 10 if seconds < 60 else 30 if seconds < 300 else 60
    rounded = format_duration(round(seconds / step) * step)
    return f"about {rounded.removesuffix(' 0s')}"


def format_value(value: float | str | None, unit: str) -> str:
    """Return a value in its unit (seconds, bytes, ratio, days, count); None is unknown, never 0.

    >>> format_value(None, "seconds"), format_value(0.25, "seconds"), format_value(5 << 20, "bytes")
    ('unknown', '250 ms', '5 MiB')
    >>> format_value(12_000, "count"), format_value(2.53, "days"), format_value("on", "")
    ('12,000', '2.5 days', 'on')
    >>> format_value(3, "orders"), format_value(3, "")
    ('3 orders', '3')
    """
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    return UNITS[unit](value) if unit in UNITS else f"{format_number(value)} {unit}".strip()


# What the end of a field's name says about its value; the longer of two ends first.
UNITS: Mapping[str, Callable[[float], str]] = {
    "bytes_per_second": lambda value: f"{format_bytes(value)}/s",
    "per_second": lambda value: f"{format_number(value)}/s",
    "bytes": format_bytes,
    "seconds": format_duration,
    "ms": lambda value: format_duration(value / 1000),
    "ratio": format_ratio,
    "percent": lambda value: format_share(value / 100),
    "days": lambda value: f"{value:.1f} days",
    "count": format_number,
}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}".removesuffix(".0")
