"""How long this thread of ours waited for a processor: a busy machine here is no slow server there."""

from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_NANOSECONDS = 1_000_000_000


def waited_seconds() -> float:
    """Return how long this thread was ready to run and did not, since it began; 0 where nothing tells.

    Source: /proc/thread-self/schedstat, its second number. A difference of two is exact.
    """
    try:
        return int(_SCHEDSTAT.read_bytes().split()[1]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0
