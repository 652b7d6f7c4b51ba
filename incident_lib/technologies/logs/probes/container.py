"""A container's log, through the engine's API: bounded in lines, bytes and time."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from incident_lib import clock
from incident_lib.config import Limits
from incident_lib.connections.docker import FRAME_BYTES, TIMEOUT_SECONDS, Engine, translated
from incident_lib.connections.places.container import DockerEngine
from incident_lib.connections.received import too_large
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.engine_file import log_file
from incident_lib.technologies.logs.probes.line import Opened, clean
from incident_lib.technologies.logs.probes.reader import Blocks, Lines, Reading, newest_of, slot_seconds
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.units import format_duration

_SURE_TAIL = 100_000  # up to so many lines a cut is made sure of by fetching another line
_CHUNK = 1024 * 1024
_BLOCK = 1024 * 1024
_PIECE_LINES = 1_000  # that are counted before the clock is read
_LITTLE, _PAUSE_SECONDS = 32 * 1024, 0.0005
_USUAL_LINE_BYTES = 256
_HEADER_BYTES = 8
_PIECE = 16_000  # the engine keeps longer lines in pieces, and its tail counts those
_LONGEST = 1024 * 1024  # of a line in pieces; the rest of it is dropped
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]{0,12}(?:Z|[+-]\d\d:\d\d) ")
_SLACK_SECONDS = (
    60  # a window that ended longer ago needs `until`, and then a tail would count the wrong lines
)
_LAST_LINES = 100  # of a container that wrote none in the window
# What stands between two lines where each is a frame in a chunk of its own, as the engine sends them.
_BETWEEN = re.compile(rb"\n\r\n[0-9a-f]+\r\n[\1\2]\0\0\0....", re.DOTALL)


class ContainerReader(msgspec.Struct, frozen=True):
    """The log that an engine keeps of a container, over the container's restarts."""

    container: str
    limits: Limits = Limits()
    seconds: float = 9.0
    engine: DockerEngine = DockerEngine()

    @property
    def names(self) -> dict[str, str | None]:
        """What the log is called."""
        return {"container": self.container, "log_file": None}

    def open(self) -> "ContainerLog":
        """Return a session. Errors: TargetError NO_ENGINE."""
        return ContainerLog(self, self.engine.open())


class ContainerLog:
    """A session with the engine for one container's log."""

    def __init__(self, reader: ContainerReader, engine: Engine) -> None:
        self.vantage = engine.vantage
        self.notes: tuple[str, ...] = ()
        self._engine, self._container, self._limits = engine, reader.container, reader.limits
        self.seconds = reader.seconds
        self._aborted = False

    def abort(self) -> None:
        """Break off the reading; what came until then counts."""
        self._aborted = True
        self._engine.abort()

    def close(self) -> None:
        """Close the connections."""
        self._engine.close()

    def read(self, window: Window) -> Reading:
        """Return what the container wrote in the window. Source: GET /containers/NAME/json and .../logs.

        Errors: TargetError NOT_FOUND, UNSUPPORTED with the driver's name, TIMED_OUT.
        """
        late = clock.now().timestamp() - window.end.timestamp() > _SLACK_SECONDS
        tail: int | None = None if late else max(self._limits.log_bytes // _USUAL_LINE_BYTES, 1_000)
        reading, lines, fits = self._read(window, tail)
        if not fits and tail is not None and not self._aborted:
            fewer = max(min(tail, lines) // 4, 1_000)  # the newest count, and they come last
            with suppress(TargetError):  # what was read before still counts
                again = self._read(window, fewer)[0]
                # Where lines come so fast, those that came meanwhile may be all of a short tail.
                reading = again if again.digest.lines else reading
        if not reading.digest.lines and reading.problem is None:
            batches = raw_lines(self._engine, self._container, tail=_LAST_LINES)
            reading.before = tuple(_stamped(raw) for batch in batches for raw in batch)
        return reading

    def lines(self, window: Window, newest: int | None) -> Lines:
        """Return the newest lines since the window began. Errors: TargetError, as `read`."""
        found = Lines(iter(()))
        found.batches = self._batches(found, window.start.timestamp(), newest)
        return found

    def file(self) -> Path | None:
        """Return the engine's own file of the log, None where it cannot be read here. Errors: TargetError."""
        return log_file(self._engine.inspect(self._container)) if self._engine.is_here else None

    def blocks(self, window: Window) -> Blocks:
        """Return all lines since the window began in blocks, as `open_stamped` takes them.

        Errors: TargetError, as `read`, also later.
        """
        found = Blocks(iter(()))
        blocks = raw_blocks(self._engine, self._container, since=window.start.timestamp())
        found.blocks = self._until_late(found, _large(blocks))
        return found

    def _until_late(self, found: Blocks, blocks: Iterator[bytes]) -> Iterator[bytes]:
        deadline = clock.monotonic() + self.seconds
        count = 0
        for block in blocks:
            count += block.count(b"\n")
            yield block
            if clock.monotonic() > deadline:
                found.cut = late_text(count, self.seconds)
                return

    def _batches(self, found: Lines, since: float, tail: int | None) -> Iterator[list[str]]:
        deadline = clock.monotonic() + self.seconds
        count, first = 0, b""
        for batch in raw_lines(self._engine, self._container, since=since, tail=tail):
            first = first or next(iter(batch), b"")
            count += len(batch)
            yield [_stamped(raw) for raw in batch]
            if clock.monotonic() > deadline:
                found.cut = late_text(count, self.seconds)
                return
        if tail and self._has_more(since, tail, count, first):
            found.cut = f"only the newest {tail:,} lines were fetched; --tail all fetches every line"

    def _has_more(self, since: float, tail: int, count: int, first: bytes) -> bool:
        """Return whether there are more lines than wanted: then a longer tail begins with another line."""
        if tail > _SURE_TAIL or not first:
            return count >= tail
        for batch in raw_lines(self._engine, self._container, since=since, tail=tail + 1):
            if batch:
                return split_time(batch[0])[0] != split_time(first)[0]
        return False

    def state(self) -> dict[str, Any]:
        """Return the container's status, restarts and start. Source: GET /containers/NAME/json."""
        inspected = self._engine.inspect(self._container)
        state = inspected.get("State", {})
        return {
            "container_status": state.get("Status"),
            "container_restarts": inspected.get("RestartCount"),
            "container_started_at": state.get("StartedAt"),
        }

    def _read(self, window: Window, tail: int | None) -> tuple[Reading, int, bool]:
        scan = Scan(
            window.start.timestamp(),
            window.end.timestamp(),
            slot_seconds(window.length.total_seconds()),
        )
        kept: list[str] = []
        size = lines = 0
        overflowed, problem = False, None
        begun = clock.monotonic()
        batches = raw_lines(self._engine, self._container, since=window.start.timestamp(), tail=tail)
        try:
            for batch in _pieces(batches):
                kept += take(batch, scan)
                lines += sum(1 + len(raw) // _PIECE for raw in batch)
                size += sum(map(len, batch))
                if len(kept) > 4 * self._limits.log_lines:
                    kept = kept[-self._limits.log_lines :]
                overflowed = size > self._limits.log_bytes
                if overflowed:
                    break
                seconds = clock.monotonic() - begun
                if self._aborted or seconds > self.seconds:
                    problem = _late(lines, seconds)
                    break
        except TargetError as error:
            if not lines:
                raise
            problem = _late(lines, clock.monotonic() - begun) if self._aborted else _broken(lines, error)
        reading = Reading(
            digest=scan.finish(),
            newest=newest_of(kept, self._limits.log_lines),
            source=f"GET /containers/{self._container}/logs?timestamps=1&tail={tail or 'all'}",
            complete=not overflowed and problem is None and (tail is None or lines < tail),
            problem=problem,
        )
        return reading, lines, reading.problem is None and not overflowed


def late_text(count: int, seconds: float) -> str:
    """Return in words what is missing where the time was up.

    >>> late_text(12_000, 600.0)
    'only the oldest 12,000 lines came in 10m 0s'
    """
    return f"only the oldest {count:,} lines came in {format_duration(seconds)}"


def take(batch: list[bytes], scan: Scan) -> list[str]:
    """Return the lines of the batch that are in the window, with the engine's time, after counting them."""
    kept = []
    for raw in batch:
        stamp, line = split_time(raw)
        plain, cut = clean(line.decode("utf-8", "replace"))
        found = times.from_iso(stamp) if stamp else None
        if scan.feed(plain, found[0] if found else None, cut=cut):
            kept.append(f"{stamp} {plain}" if stamp else plain)
    return kept


def _large(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield many blocks as one: to count many lines at a time takes less."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > _BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def split_time(raw: bytes) -> tuple[str, bytes]:
    """Return the engine's time in front of a line, "" if there is none, and the line.

    >>> split_time(b"2026-01-15T14:31:05.123456789Z ready")
    ('2026-01-15T14:31:05.123456789Z', b'ready')
    """
    match = _TIME.match(raw)
    return (match[0][:-1].decode(), raw[match.end() :]) if match else ("", raw)


def open_stamped(raw: bytes) -> Opened:
    """Return a line behind the engine's time, and that time.

    >>> open_stamped(b"2026-01-15T14:31:05.250000000Z ready")
    ('ready', 1768487465.25, False)
    """
    stamp, line = split_time(raw)
    text, cut = clean(line.decode("utf-8", "replace"))
    found = times.from_iso(stamp) if stamp else None
    return text, found[0] if found else None, cut


def _stamped(raw: bytes) -> str:
    stamp, line = split_time(raw)
    plain = clean(line.decode("utf-8", "replace"))[0]
    return f"{stamp} {plain}" if stamp else plain


def raw_lines(
    engine: Engine,
    container: str,
    *,
    since: float | None = None,
    until: float | None = None,
    tail: int | None = None,
) -> Iterator[list[bytes]]:
    """Yield batches of whole lines, without their ends, as `raw_blocks`."""
    for block in raw_blocks(engine, container, since=since, until=until, tail=tail):
        yield block.split(b"\n")[:-1]


def raw_blocks(
    engine: Engine,
    container: str,
    *,
    since: float | None = None,
    until: float | None = None,
    tail: int | None = None,
) -> Iterator[bytes]:
    """Yield blocks of whole lines, oldest first, each line with the engine's time in front.

    Source: GET /containers/NAME/logs?timestamps=1. Every wait for the engine ends after five seconds.
    Errors: TargetError NOT_FOUND, UNSUPPORTED where the log driver cannot be read, TIMED_OUT, NO_ENGINE.
    """
    inspected = engine.inspect(container)
    driver = str(inspected.get("HostConfig", {}).get("LogConfig", {}).get("Type", ""))
    if driver == "none":
        raise _unreadable(container, driver)
    terminal = bool(inspected.get("Config", {}).get("Tty"))
    with translated(f"the log of {container}"):
        response = _request(engine, container, {"since": since, "until": until}, tail)
        try:
            _check(response, container, driver)
            yield from _whole_lines(_content(response)) if terminal else _unframed(response)
        finally:
            response.close()


def _request(engine: Engine, container: str, bounds: dict[str, float | None], tail: int | None) -> Any:
    api = engine.client.api
    parameters = {
        "stdout": "1",
        "stderr": "1",
        "timestamps": "1",
        "tail": "all" if tail is None else str(tail),
        # To the microsecond, as times are given: digits behind that are a float's, and may be later.
        **{name: f"{value:.6f}" for name, value in bounds.items() if value is not None},
    }
    address = f"{api.base_url}/v{api.api_version}/containers/{quote(container, safe='')}/logs"
    return api.get(address, params=parameters, stream=True, timeout=TIMEOUT_SECONDS)


def _stream_of(response: Any) -> Any:
    """Return what an answer in chunks is read from, None for another answer.

    The library's reader returns chunk by chunk, which takes longer than to count the lines: the engine sends
    every line in its own.
    """
    answer = response.raw
    return getattr(getattr(answer, "_fp", None), "fp", None) if answer.chunked else None


def _received(stream: Any) -> Iterator[bytes]:
    """Yield what comes, much at a time: after little it waits, or every line would wake this process."""
    while data := stream.read1(_CHUNK):
        yield data
        if len(data) < _LITTLE:
            time.sleep(_PAUSE_SECONDS)


def _content(response: Any) -> Iterator[bytes]:
    """Yield the content of an answer."""
    stream = _stream_of(response)
    if stream is None:
        yield from response.raw.stream(_CHUNK, decode_content=False)
        return
    rest = b""
    for received in _received(stream):
        data = rest + received
        content, used, is_last = _without_chunks(data)
        yield content
        if is_last:
            return
        rest = _bounded(data[used:])
    raise _cut_off()


def _unframed(response: Any) -> Iterator[bytes]:
    """Yield the lines of a log in frames: a kind, three zeros, a length, and a line or a piece of it."""
    stream, frames = _stream_of(response), _Frames()
    if stream is None:
        yield from map(frames.lines, _content(response))
        yield frames.rest()
        return
    rest, is_last = b"", False
    for received in _received(stream):
        data = rest + received
        lines, used = _lines_alike(data) if frames.are_whole else (b"", 0)
        if not used:
            content, used, is_last = _without_chunks(data)
            lines = frames.lines(content)
        if lines:
            yield lines
        if is_last:
            yield frames.rest()
            return
        rest = _bounded(data[used:])
    raise _cut_off()


def _bounded(rest: bytes) -> bytes:
    """Return what is kept until more of it comes. Errors: TargetError TOO_LARGE past what engines send."""
    if len(rest) > FRAME_BYTES:
        raise too_large("a piece of the log", FRAME_BYTES)
    return rest


def _cut_off() -> OSError:
    return OSError("the engine's answer was cut off")


def _without_chunks(data: bytes) -> tuple[bytes, int, bool]:
    r"""Return what whole chunks hold, how many bytes these are, and whether the last was among them.

    >>> _without_chunks(b"5\r\nready\r\n6\r\nst"), _without_chunks(b"0\r\n\r\n")
    ((b'ready', 10, False), (b'', 0, True))
    """
    parts: list[bytes] = []
    position = 0
    while (end := data.find(b"\r\n", position)) >= 0:
        size = int(data[position:end], 16)
        after = end + 2 + size
        if after + 2 > len(data):
            break
        if not size:
            return b"".join(parts), position, True
        parts.append(data[end + 2 : after])
        position = after + 2
    return b"".join(parts), position, False


def _lines_alike(data: bytes) -> tuple[bytes, int]:
    r"""Return the lines, and how many bytes of chunks these are: none where a chunk is no whole line.

    >>> _lines_alike(b"c\r\n\1\0\0\0\0\0\0\4one\n\r\nc\r\n\2\0\0\0\0\0\0\4two\n\r\nc\r\n")
    (b'one\ntwo\n', 34)
    >>> _lines_alike(b"b\r\n\1\0\0\0\0\0\0\3one\r\nc\r\n\2\0\0\0\0\0\0\4two\n\r\n")
    (b'', 0)
    """
    used = data.rfind(b"\n\r\n") + 3
    if used < 3:
        return b"", 0
    lines, count = _BETWEEN.subn(b"\n", b"\n\r\n" + data[: used - 2])
    # Whatever is no such line, or only a piece of it, leaves line ends of chunks behind.
    return (lines[1:], used) if lines.count(b"\n") == count + 1 else (b"", 0)


class _Frames:
    """Frames -> lines. Lines in pieces are put together, by stream."""

    def __init__(self) -> None:
        self._rest = b""
        self._pieces: dict[int, bytes] = {}  # lines of which the end has not come yet

    @property
    def are_whole(self) -> bool:
        """Whether all that came are whole lines."""
        return not self._rest and not self._pieces

    def lines(self, content: bytes) -> bytes:
        """Return the lines that end in this content."""
        data = self._rest + content
        lines: list[bytes] = []
        position, size = 0, len(data)
        while position + _HEADER_BYTES <= size:
            stream = data[position]
            end = position + _HEADER_BYTES + int.from_bytes(data[position + 4 : position + 8], "big")
            if end > size:
                break
            piece = data[position + _HEADER_BYTES : end]
            position = end
            if stream in self._pieces:
                match = _TIME.match(piece)
                piece = self._pieces.pop(stream) + (piece[match.end() :] if match else piece)
            if piece.endswith(b"\n"):
                lines.append(piece)
            else:
                self._pieces[stream] = piece[:_LONGEST]
        self._rest = _bounded(data[position:])
        return b"".join(lines)

    def rest(self) -> bytes:
        """Return the lines without an end."""
        return b"".join(piece + b"\n" for piece in self._pieces.values())


def _check(response: Any, container: str, driver: str) -> None:
    import docker.errors
    import requests.exceptions

    try:
        response.raise_for_status()
    except requests.exceptions.HTTPError as error:
        if "does not support reading" in response.text:
            raise _unreadable(container, driver) from error
        raise docker.errors.create_api_error_from_http_exception(error) from error


def _unreadable(container: str, driver: str) -> TargetError:
    return TargetError(
        ProblemKind.UNSUPPORTED,
        f"the log of {container} cannot be read: its log driver is {driver!r}",
        "read it where that driver sends it, or set the driver to json-file or local",
    )


def _pieces(batches: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """Yield the lines in batches that are counted in a moment, so that a deadline is not passed by far."""
    for batch in batches:
        yield from (batch[first : first + _PIECE_LINES] for first in range(0, len(batch), _PIECE_LINES))


def _broken(lines: int, error: TargetError) -> Problem:
    message = (
        f"{lines:,} lines came, then the engine's answer broke off: {error.message}; the newest are missing"
    )
    return Problem(kind=error.kind, message=message, advice=error.advice)


def _late(lines: int, seconds: float) -> Problem:
    return Problem(
        kind=ProblemKind.TIMED_OUT,
        message=(
            f"{lines:,} lines came in {format_duration(seconds)}, and not all had come: the "
            "newest are missing"
        ),
        advice="read a shorter window, with --since",
    )


def _whole_lines(contents: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of a log without frames, as that of a container with a terminal."""
    rest = b""
    for content in contents:
        data = rest + content
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        rest = data[cut:][:_LONGEST]
    if rest:
        yield rest + b"\n"
