"""The one place that reads the clock and parses times. Everything is UTC."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from incident_lib.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)"
    r"(?:\s+ago)?",
    re.IGNORECASE,
)
_AHEAD = timedelta(minutes=1)  # clocks of colleagues differ by less
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:UTC|Z)?", re.IGNORECASE)


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that only go forward, for durations and deadlines."""
    return time.monotonic()


class Span:
    """A stretch of time that begins now. Its end is not before its beginning, however the clock is set."""

    def __init__(self) -> None:
        self.began_at, self._began = now(), monotonic()

    def end(self) -> datetime:
        """Return the moment that it has lasted to by now."""
        return self.began_at + timedelta(seconds=monotonic() - self._began)


def is_ahead(moment: datetime) -> bool:
    """Return whether a moment that was recorded lies ahead of the clock: one of the two is wrong."""
    return moment - now() > _AHEAD


class Stalls:
    """When this program wanted to run and did not: stopped, asleep, or without a processor.

    A thread that only sleeps notices how late it wakes, by a second or more. What such a time makes late says
    nothing of others.
    """

    _EVERY_SECONDS = 0.05
    # A program that is slow but runs reads an answer only this much later: no deadline is missed by it.
    _LEAST_SECONDS = 1.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers = 0
        self._ended = threading.Event()
        self._gaps: list[tuple[float, float, float]] = []  # from, to, seconds that were lost

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notice them from here to the end of the block. Cost: twenty wake-ups a second."""
        with self._lock:
            self._watchers += 1
            if self._watchers == 1:
                self._gaps, self._ended = [], threading.Event()
                threading.Thread(target=self._watch, args=(self._ended,), daemon=True, name="stalls").start()
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                if not self._watchers:
                    self._ended.set()

    def between(self, start: float, end: float) -> float:
        """Return how many seconds were lost between two moments of `monotonic`."""
        with self._lock:
            return sum(lost for since, until, lost in self._gaps if since < end and until > start)

    def _watch(self, ended: threading.Event) -> None:
        asleep, before = _asleep(), time.monotonic()
        while not ended.wait(self._EVERY_SECONDS):
            now, slept = time.monotonic(), _asleep()
            late = now - before - self._EVERY_SECONDS
            lost = max(0.0, late) + max(0.0, slept - asleep)
            if lost >= self._LEAST_SECONDS:
                with self._lock:
                    self._gaps.append((before, now, lost))
            asleep, before = slept, now


def _asleep() -> float:
    """Return for how many seconds the machine has slept so far, which `monotonic` leaves out on Linux."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if boot is None else time.clock_gettime(boot) - time.clock_gettime(time.CLOCK_MONOTONIC)


stalls = Stalls()


def parse_duration(text: str) -> timedelta:
    """Return the length of time that `15m`, `2h` or `15 minutes ago` names.

    >>> parse_duration("15 minutes ago")
    datetime.timedelta(seconds=900)
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{text!r} is not a duration; use 15m, 2h or '15 minutes ago'")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2][0].lower()])
    except OverflowError as error:
        raise UsageError(f"{text!r} is too long") from error


def parse_time(text: str, *, at: datetime | None = None) -> datetime:
    """Return the moment that `text` names, in UTC; a time without a zone is taken as UTC.

    Reads ISO 8601, `HH:MM` (today), `15m`, `2h`, `15 minutes ago`, counted back from `at` (now).

    >>> parse_time("14:05", at=datetime(2026, 1, 15, 15, tzinfo=UTC))
    datetime.datetime(2026, 1, 15, 14, 5, tzinfo=datetime.timezone.utc)
    """
    at = at or now()
    text = text.strip()
    if text.lower() == "now":
        return at
    if _DURATION.fullmatch(text):
        try:
            return at - parse_duration(text)
        except OverflowError as error:
            raise UsageError(f"{text!r} is too far in the past") from error
    try:
        if clock := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            return at.replace(hour=hour, minute=minute, second=second, microsecond=0)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a time; use 2026-01-15T14:31, 14:31, 15m or '15 minutes ago'"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def parse_past(text: str, *, what: str) -> datetime:
    """Return the moment that `text` names. Errors: UsageError when it is in the future."""
    at = now()
    moment = parse_time(text, at=at)
    if moment > at:
        raise UsageError(f"{what} {text} is in the future; for yesterday, give the date too")
    return moment


def has_zone(text: str) -> bool:
    """Return whether `text` leaves no doubt about its zone, so that a caller can say what was assumed.

    >>> has_zone("2026-01-15T14:31"), has_zone("2026-01-15T14:31Z"), has_zone("15m")
    (False, True, True)
    """
    text = text.strip()
    if text.lower() == "now" or _DURATION.fullmatch(text):
        return True
    if _CLOCK.fullmatch(text):
        return text.upper().endswith(("Z", "UTC"))
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return True


def format_stamp(moment: datetime) -> str:
    """Return `moment` as it stands in file names.

    >>> format_stamp(datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC))
    '20260115T143105Z'
    """
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def format_time(moment: datetime) -> str:
    """Return `moment` as people read it.

    >>> format_time(datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC))
    '2026-01-15 14:31:05 UTC'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
