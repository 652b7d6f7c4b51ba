"""The one place that runs a probe: deadline, timing, and failure turned into Evidence."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from incident_lib import clock
from incident_lib.connections.session import Session
from incident_lib.errors import ProblemKind, RedactionError, TargetError
from incident_lib.model import Attachment, Evidence, EvidenceStatus, Problem, Row, Truncation, Window
from incident_lib.model.rows import decode_rows
from incident_lib.redact.excerpt import excerpt
from incident_lib.units import format_duration

_LONGEST_WORDS = 300
_STRANGE_ADVICE = "check what listens on that address, and its version"
# What no code of ours raises by itself, and a number, a date or a text of a server makes it raise.
_OF_ANSWERS = (OverflowError, RecursionError, UnicodeError, MemoryError)
_LATE_SECONDS, _SETTLE_SECONDS = 0.05, 0.1
# A session that is no longer there is met like this, whoever ended it.
_ENDED = frozenset({ProblemKind.RESET, ProblemKind.PROTOCOL, ProblemKind.UNSUPPORTED})
_ENDS = frozenset({ProblemKind.RESET, ProblemKind.DEADLINE, ProblemKind.BUSY, ProblemKind.TIMED_OUT})
BREAKER = 2  # times that one target is silent, after which it is left alone


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe's fetch function returns. A `problem` says what is missing and makes it PARTIAL."""

    rows: tuple[Row, ...] = ()
    source: str = ""  # what was really sent; the probe's own `source` if empty
    attachments: tuple[Attachment, ...] = ()
    problem: Problem | None = None
    truncated: Truncation | None = None


class SqlSession(Session, Protocol):
    """A session that answers statements: what a team's own SELECT needs of the technology of its target."""

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of one read-only statement, bounded in time. Errors: TargetError."""


Fetch = Callable[[Any, Window], Fetched]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded, read-only question to one target. docs/probes.md shows `source`, `needs` and `cost`."""

    name: str  # "postgres.locks"
    fetch: Fetch  # (session, window) -> Fetched, or raises TargetError
    question: str  # the question it answers, for people
    source: str  # the statement, command or request
    needs: str = "nothing"  # privilege
    cost: str = "none"  # on the target
    tier: int = 0
    deadline_seconds: float = 5.0
    keeps: bool = False  # broken off, it returns what it has: so it is, before the collection's deadline
    looks_back: bool = False  # it can be asked for a span that ended before now
    # Keywords with which `fetch` is called again and again in a watch; None where it takes no part. Each call
    # is one statement, one request or a few files of /proc: nothing that scans a catalog or a log's past.
    in_watch: Mapping[str, Any] | None = None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The probes of one target that share one session and run one after the other."""

    target: str
    open: Callable[[], Session]  # bounded by itself; TargetError fails the first probe and skips the rest
    probes: tuple[Probe, ...]
    name: str = ""  # technology, for progress: "postgres"


def run(
    probe: Probe, session: Session, target: str, window: Window, *, ends_at: float = float("inf")
) -> Evidence:
    """Return what `probe` saw, whatever happens: the only place that catches a bug in a probe.

    Cost: a watchdog breaks the session off at the probe's deadline, because a silent peer is ended by no
    timeout of its own. One that keeps what it read is broken off at `ends_at` of the monotonic clock, too.
    """
    started_at, started = clock.now(), clock.monotonic()
    left = max(ends_at - started, 0.0) if probe.keeps else float("inf")
    # No bounded call: the probe stays in its lane's thread, which must be free again before the next one.
    expired, watchdog = threading.Event(), _Watchdog(min(probe.deadline_seconds, left))
    watchdog.start(expired, session)
    try:
        fetched = probe.fetch(session, window)
        check_rows(fetched.rows)
    except TargetError as error:
        problem = Problem.from_error(error)
    except RedactionError:  # the collection fails closed, not this probe alone
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one probe must not take the others with it
        problem = problem_of(error)
    else:
        seconds = clock.monotonic() - started
        return _collected(probe, fetched, session, target, started_at=started_at, seconds=seconds)
    finally:
        watchdog.cancel()
    seconds = clock.monotonic() - started
    if expired.is_set():
        problem = timed_out(probe.deadline_seconds) if left > probe.deadline_seconds else collection_ended()
    return failed(probe, target, problem, started_at=started_at, seconds=seconds, vantage=session.vantage)


def run_lane(
    lane: Lane,
    window: Window,
    begin: Callable[[Probe], None] = lambda _probe: None,
    *,
    ends_at: float = float("inf"),
) -> Iterator[Evidence]:
    """Yield the evidence of a lane's probes; `begin` hears of each before it starts; `ends_at` as in `run`.

    A target that refuses the session gives one FAILED evidence and SKIPPED ones behind it; after
    two timeouts the rest is skipped too, because asking on would make the outage worse. A target that
    ended a statement of ours by itself did answer, in the time that it was given. Whatever else is raised
    where the session is opened or closed costs this lane alone.
    """
    first = lane.probes[0]
    begin(first)
    started_at, started = clock.now(), clock.monotonic()
    try:
        session = lane.open()
    except RedactionError:  # the collection fails closed, not this probe alone
        raise
    except Exception as error:  # noqa: BLE001 - what a server answers must not take its probes away unseen
        seconds = clock.monotonic() - started
        problem = problem_of(error)
        yield failed(first, lane.target, problem, started_at=started_at, seconds=seconds)
        yield from skipped(lane, lane.probes[1:], f"{first.name} failed: {problem.message}")
        return
    try:
        yield from _run_all(lane, session, window, begin, ends_at)
    finally:
        with contextlib.suppress(Exception):
            session.close()


def _run_all(
    lane: Lane, session: Session, window: Window, begin: Callable[[Probe], None], ends_at: float
) -> Iterator[Evidence]:
    timeouts, ended = 0, ""
    for position, probe in enumerate(lane.probes):
        begin(probe)
        evidence = run(probe, session, lane.target, window, ends_at=ends_at)
        problem = evidence.problem
        is_failed = evidence.status is EvidenceStatus.FAILED
        if ended and is_failed and problem and problem.kind in _ENDED:
            evidence = _behind(evidence, ended)
        yield evidence
        if is_failed and problem and problem.kind in _ENDS:
            ended = ended or _end(probe, problem)
        timeouts += problem is not None and problem.kind is ProblemKind.TIMED_OUT and not problem.answered
        if timeouts >= BREAKER:
            reason = f"{lane.target} did not answer {BREAKER} times, so it is not probed further"
            yield from skipped(lane, lane.probes[position + 1 :], reason)
            return


def _end(probe: Probe, problem: Problem) -> str:
    """Return who ended a session, should it be gone behind this; "" where the server went on with it."""
    if problem.kind is ProblemKind.TIMED_OUT:
        return "" if problem.answered else f"the workbench's own deadline ended the session in {probe.name}"
    if problem.kind is ProblemKind.DEADLINE:
        return f"the workbench's own limit ended the session in {probe.name}"
    return f"the session ended in {probe.name}: {problem.message}"


def _behind(evidence: Evidence, ended: str) -> Evidence:
    """Return the evidence of a probe whose session had ended before it: it says nothing of its own."""
    problem = Problem(kind=ProblemKind.SKIPPED, message=ended)
    return msgspec.structs.replace(evidence, status=EvidenceStatus.SKIPPED, problem=problem)


def skipped(lane: Lane, probes: tuple[Probe, ...], reason: str) -> Iterator[Evidence]:
    """Yield a SKIPPED evidence for each of `probes`."""
    for probe in probes:
        yield Evidence(
            probe=probe.name,
            target=lane.target,
            status=EvidenceStatus.SKIPPED,
            collected_at=clock.now(),
            duration_seconds=0.0,
            source=probe.source,
            problem=Problem(kind=ProblemKind.SKIPPED, message=reason),
        )


def failed(
    probe: Probe,
    target: str,
    problem: Problem,
    *,
    started_at: datetime,
    seconds: float,
    vantage: str = "",
) -> Evidence:
    """Return the evidence of a probe that saw nothing."""
    return Evidence(
        probe=probe.name,
        target=target,
        status=EvidenceStatus.FAILED,
        collected_at=started_at,
        duration_seconds=seconds,
        source=_source(probe.source, vantage),
        problem=problem,
    )


def timed_out(seconds: float) -> Problem:
    """Return the problem of a probe whose deadline passed."""
    return Problem(
        kind=ProblemKind.TIMED_OUT,
        message=f"no answer within {format_duration(seconds)}",
        advice="it accepts connections but does not answer: check its load and logs",
    )


def collection_ended() -> Problem:
    """Return the problem of a probe that was still at work when the whole collection had to end."""
    return Problem(
        kind=ProblemKind.DEADLINE,
        message="the deadline of the whole collection passed first",
        advice="probe only this target, or raise [limits] collect_seconds",
    )


def _collected(
    probe: Probe,
    fetched: Fetched,
    session: Session,
    target: str,
    *,
    started_at: datetime,
    seconds: float,
) -> Evidence:
    return Evidence(
        probe=probe.name,
        target=target,
        status=EvidenceStatus.PARTIAL if fetched.problem else EvidenceStatus.COLLECTED,
        collected_at=started_at,
        duration_seconds=seconds,
        source=_source(fetched.source or probe.source, session.vantage),
        rows=fetched.rows,
        attachments=fetched.attachments,
        problem=fetched.problem,
        truncated=fetched.truncated,
    )


def _source(statement: str, vantage: str) -> str:
    return f"{statement}\n-- {vantage}" if vantage else statement


class _Watchdog:
    """Breaks a session off at a probe's deadline; time in which this program did not run does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._done = threading.Event()

    def start(self, expired: threading.Event, session: Session) -> None:
        """Wait in a thread of its own; `expired` is set before the session is broken off."""
        threading.Thread(target=self._wait, args=(expired, session), daemon=True, name="watchdog").start()

    def cancel(self) -> None:
        """Break nothing off any more."""
        self._done.set()

    def _wait(self, expired: threading.Event, session: Session) -> None:
        started, left = clock.monotonic(), self._seconds
        while left > 0:
            if self._done.wait(left):
                return
            if clock.monotonic() - started > self._seconds + _LATE_SECONDS and self._done.wait(
                _SETTLE_SECONDS
            ):
                return  # this program had stood still; what was answered meanwhile is read first
            lost = min(self._seconds, clock.stalls.between(started, clock.monotonic()))
            left = started + self._seconds + lost - clock.monotonic()
        expired.set()
        session.abort()


def check_rows(rows: tuple[Row, ...]) -> None:
    """Raise TargetError UNSUPPORTED where records could not be read again: impossible numbers or text.

    Cost: some milliseconds for each megabyte.
    """
    try:
        decode_rows(msgspec.Raw(msgspec.json.encode(rows)))
    except (OverflowError, ValueError, msgspec.MsgspecError) as error:
        message = f"it answered with an impossible value: {error}"
        raise TargetError(
            ProblemKind.UNSUPPORTED, excerpt(message, _LONGEST_WORDS), _STRANGE_ADVICE
        ) from error


def problem_of(error: Exception) -> Problem:
    """Return the problem behind whatever a probe, or the opening of its session, raised.

    >>> problem_of(OverflowError("date value out of range")).kind
    <ProblemKind.UNSUPPORTED: 'unsupported'>
    """
    if isinstance(error, TargetError):
        return Problem.from_error(error)
    frames = error.__traceback__
    while frames and frames.tb_next:
        frames = frames.tb_next
    where = f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}" if frames else "?"
    text = f"{type(error).__name__}: {excerpt(str(error), _LONGEST_WORDS)} ({where})"
    if isinstance(error, _OF_ANSWERS):
        message = f"it answered with an impossible value: {text}"
        return Problem(kind=ProblemKind.UNSUPPORTED, message=message, advice=_STRANGE_ADVICE)
    return Problem(
        kind=ProblemKind.BUG,
        message=f"the probe itself failed: {text}",
        advice="this is a bug in the workbench; please report it with this line",
    )
