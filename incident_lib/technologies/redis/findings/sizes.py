"""Bytes as people read them."""


def size(count: float | None) -> str:
    """Return a number of bytes in the unit that matters.

    >>> size(512), size(33554432), size(None)
    ('512 B', '32.0 MiB', 'an unknown number of bytes')
    """
    if count is None:
        return "an unknown number of bytes"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
