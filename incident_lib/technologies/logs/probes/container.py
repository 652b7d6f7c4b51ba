"""A container's log, through the engine's API: bounded in lines, bytes and time."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from incident_lib import clock
from incident_lib.config import Limits
from incident_lib.connections.docker import TIMEOUT_SECONDS, Engine, translated
from incident_lib.connections.places.container import DockerEngine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.engine_file import documents, log_files, open_document
from incident_lib.technologies.logs.probes.line import clean
from incident_lib.technologies.logs.probes.reader import Blocks, Lines, Reading, newest_of, slot_seconds
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Opened
from incident_lib.units import format_duration

_SURE_TAIL = 100_000  # up to so many lines a cut is made sure of by fetching another line
_CHUNK = 1024 * 1024
_BLOCK = 4 * 1024 * 1024
_USUAL_LINE_BYTES = 256
_HEADER_BYTES = 8
_PIECE = 16_000  # the engine keeps longer lines in pieces, and its tail counts those
_LONGEST = 1024 * 1024  # of a line in pieces; the rest of it is dropped
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]{0,12}(?:Z|[+-]\d\d:\d\d) ")
_SLACK_SECONDS = (
    60  # a window that ended longer ago needs `until`, and then a tail would count the wrong lines
)
_LAST_LINES = 100  # of a container that wrote none in the window
_Frames = Iterator[bytes]


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
        self._seconds = reader.seconds

    def abort(self) -> None:
        """Break off the reading."""
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
        if not fits and tail is not None:
            fewer = max(min(tail, lines) // 4, 1_000)  # the newest count, and they come last
            again = self._read(window, fewer)[0]
            # Where lines come so fast, those that came meanwhile may be all of a short tail.
            reading = again if again.digest.lines else reading
        if not reading.digest.lines:
            batches = raw_lines(self._engine, self._container, tail=_LAST_LINES)
            reading.before = tuple(_stamped(raw) for batch in batches for raw in batch)
        return reading

    def lines(self, window: Window, newest: int | None) -> Lines:
        """Return the newest lines since the window began. Errors: TargetError, as `read`."""
        found = Lines(iter(()))
        found.batches = self._batches(found, window.start.timestamp(), newest)
        return found

    def blocks(self, window: Window) -> Blocks:
        """Return all lines since the window began in blocks: from the engine's file where it can be read.

        Errors: TargetError, as `read`, also later.
        """
        since = window.start.timestamp()
        files = log_files(self._engine.inspect(self._container)) if self._engine.is_here else []
        if files:
            found = Blocks(iter(()), open_document)
            found.blocks = self._until_late(found, documents(files, since))
        else:
            found = Blocks(iter(()), open_stamped)
            batches = raw_lines(self._engine, self._container, since=since)
            found.blocks = self._until_late(found, _large(batches))
        return found

    def _until_late(self, found: Blocks, blocks: Iterator[bytes]) -> Iterator[bytes]:
        deadline = clock.monotonic() + self._seconds
        count = 0
        for block in blocks:
            count += block.count(b"\n")
            yield block
            if clock.monotonic() > deadline:
                found.cut = f"only the oldest {count:,} lines came in {format_duration(self._seconds)}"
                return

    def _batches(self, found: Lines, since: float, tail: int | None) -> Iterator[list[str]]:
        deadline = clock.monotonic() + self._seconds
        count, first = 0, b""
        for batch in raw_lines(self._engine, self._container, since=since, tail=tail):
            first = first or next(iter(batch), b"")
            count += len(batch)
            yield [_stamped(raw) for raw in batch]
            if clock.monotonic() > deadline:
                found.cut = f"only the oldest {count:,} lines came in {format_duration(self._seconds)}"
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
        deadline = clock.monotonic() + self._seconds
        for batch in raw_lines(self._engine, self._container, since=window.start.timestamp(), tail=tail):
            kept += take(batch, scan)
            lines += sum(1 + len(raw) // _PIECE for raw in batch)
            size += sum(map(len, batch))
            if len(kept) > 4 * self._limits.log_lines:
                kept = kept[-self._limits.log_lines :]
            overflowed = size > self._limits.log_bytes
            if overflowed:
                break
            if clock.monotonic() > deadline:
                problem = _late(lines, self._seconds)
                break
        reading = Reading(
            digest=scan.finish(),
            newest=newest_of(kept, self._limits.log_lines),
            source=f"GET /containers/{self._container}/logs?timestamps=1&tail={tail or 'all'}",
            complete=not overflowed and problem is None and (tail is None or lines < tail),
            problem=problem,
        )
        return reading, lines, reading.problem is None and not overflowed


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


def _large(batches: Iterator[list[bytes]]) -> Iterator[bytes]:
    """Yield the lines of many batches as one block: to count many at a time takes less."""
    lines: list[bytes] = []
    size = 0
    for batch in batches:
        lines += batch
        size += sum(map(len, batch))
        if size > _BLOCK:
            yield b"".join(line + b"\n" for line in lines)
            lines, size = [], 0
    if lines:
        yield b"".join(line + b"\n" for line in lines)


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
    """Yield batches of whole lines, oldest first, each with the engine's time in front and without its end.

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
            chunks = _chunks(response)
            yield from _whole_lines(chunks) if terminal else _demultiplexed(chunks)
        finally:
            response.close()


def _request(engine: Engine, container: str, bounds: dict[str, float | None], tail: int | None) -> Any:
    api = engine.client.api
    parameters = {
        "stdout": "1",
        "stderr": "1",
        "timestamps": "1",
        "tail": "all" if tail is None else str(tail),
        **{name: f"{value:.9f}" for name, value in bounds.items() if value is not None},
    }
    address = f"{api.base_url}/v{api.api_version}/containers/{quote(container, safe='')}/logs"
    return api.get(address, params=parameters, stream=True, timeout=TIMEOUT_SECONDS)


def _chunks(response: Any) -> _Frames:
    """Yield what the engine sends, many of its chunks at a time: it sends every line in its own.

    The library's reader returns chunk by chunk, which takes longer than to count the lines.
    """
    answer = response.raw
    stream = getattr(getattr(answer, "_fp", None), "fp", None)
    if stream is None or not answer.chunked:
        yield from answer.stream(_CHUNK, decode_content=False)
        return
    rest = b""
    while data := stream.read1(_CHUNK):
        data = rest + data if rest else data
        parts, position, is_last = [], 0, False
        while (end := data.find(b"\r\n", position)) >= 0:
            size = int(data[position:end], 16)
            after = end + 2 + size
            if after + 2 > len(data):
                break
            if not size:
                is_last = True
                break
            parts.append(data[end + 2 : after])
            position = after + 2
        yield b"".join(parts)
        if is_last:
            return
        rest = data[position:]
    raise OSError("the engine's answer was cut off")


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


def _late(lines: int, seconds: float) -> Problem:
    return Problem(
        kind=ProblemKind.TIMED_OUT,
        message=(
            f"{lines:,} lines came in {format_duration(seconds)}, and not all had come: the "
            "newest are missing"
        ),
        advice="read a shorter stretch of time, with --since",
    )


def _whole_lines(chunks: _Frames) -> Iterator[list[bytes]]:
    """Yield the lines of a log without frames, as that of a container with a terminal."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[:_LONGEST]
        yield lines
    if rest:
        yield [rest]


def _demultiplexed(chunks: _Frames) -> Iterator[list[bytes]]:
    """Yield the lines of a log in frames: a kind, three zeros, a length, and a line or a piece of it."""
    rest = b""
    pieces: dict[int, bytes] = {}  # by stream: a line of which the end has not come yet
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        lines: list[bytes] = []
        position, size = 0, len(data)
        while position + _HEADER_BYTES <= size:
            stream = data[position]
            end = position + _HEADER_BYTES + int.from_bytes(data[position + 4 : position + 8], "big")
            if end > size:
                break
            piece = data[position + _HEADER_BYTES : end]
            position = end
            if stream in pieces:
                match = _TIME.match(piece)
                piece = pieces.pop(stream) + (piece[match.end() :] if match else piece)
            if piece.endswith(b"\n"):
                lines.append(piece[:-1])
            else:
                pieces[stream] = piece[:_LONGEST]
        rest = data[position:]
        yield lines
    yield list(pieces.values())
