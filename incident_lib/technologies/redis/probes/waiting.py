"""How busy this machine is: it must not be mistaken for a slow server."""

from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_PRESSURE = Path("/proc/pressure/cpu")
_INTERFACES = Path("/sys/class/net")
_NANOSECONDS, _MICROSECONDS = 1_000_000_000, 1_000_000


def waited_seconds() -> float:
    """Return how long this thread was ready to run and did not, since it began; 0 where it is unknown.

    Source: /proc/thread-self/schedstat, its second number. A difference of two is exact.
    """
    try:
        return int(_SCHEDSTAT.read_bytes().split()[1]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0


def starved_seconds() -> float | None:
    """Return how long any task on this machine waited for a processor, since it started; None if unknown.

    Source: /proc/pressure/cpu, `some total`.
    """
    try:
        return int(_PRESSURE.read_text().partition("total=")[2].split()[0]) / _MICROSECONDS
    except (OSError, ValueError, IndexError):
        return None


def is_here(local: str, peer: str) -> bool:
    """Return whether `peer` is on this machine: our own address, or behind a bridge, as containers are.

    >>> is_here("127.0.0.1", "127.0.0.1"), is_here("", ""), is_here("192.0.2.7", "192.0.2.9")
    (True, True, False)
    """
    if local == peer:
        return True
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == local for address in addresses):
            return (_INTERFACES / name / "bridge").exists()
    return False
