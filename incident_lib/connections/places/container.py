"""A container: commands, files and connections inside it, through its engine. Only what reads may run."""

import math
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, TypeVar, cast

import msgspec

from incident_lib import clock
from incident_lib.config import Service
from incident_lib.config.own_probes import refusal_of
from incident_lib.connections import bounded
from incident_lib.connections.docker import TIMEOUT_SECONDS, Engine, Stream, open_engine, translated
from incident_lib.connections.places import inside
from incident_lib.connections.places.base import (
    CONNECT_SECONDS,
    MOST_BYTES,
    READ_SECONDS,
    RUN_SECONDS,
    Content,
    Output,
)
from incident_lib.connections.received import too_large
from incident_lib.connections.sockets import Attempt
from incident_lib.errors import ProblemKind, TargetError

T = TypeVar("T")

# Besides what a team may configure, these may run in a container: clients whose statements and commands are
# checked where they are made, and a version. Interpreters run nothing but texts that are shipped here.
_CLIENTS = frozenset({"psql", "redis-cli", "valkey-cli"})
_VERSION = ("python3", "--version")
_CHUNK_BYTES = 1 << 20
_HEADER_BYTES = 1 << 20
_LINKS = 5  # symbolic links in a row, at most


class DockerEngine(msgspec.Struct, frozen=True):
    """An engine, by its address: where it is empty, the one of DOCKER_HOST, else that of this machine."""

    address: str = ""

    def open(self, seconds: float = TIMEOUT_SECONDS) -> Engine:
        """Return a session; `seconds` bound each of its answers. Errors: TargetError NO_ENGINE."""
        return open_engine(max(1, math.ceil(seconds)), self.address)


class Container(msgspec.Struct, frozen=True):
    """A container by name, and the engine that it runs on."""

    name: str
    engine: DockerEngine = DockerEngine()

    @property
    def vantage(self) -> str:
        """Where this is, for people."""
        return f"inside the container {self.name}"

    def open(self, seconds: float = TIMEOUT_SECONDS) -> "OpenContainer":
        """Return it with a session of its own, for several calls. Errors: TargetError NO_ENGINE."""
        return OpenContainer(self.engine.open(seconds), self.name)

    def inspect(self, seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
        """Return what `docker inspect` says, as `Engine.inspect`. Errors: TargetError."""
        return self._within(seconds, lambda engine: engine.inspect(self.name))

    def processes(self, columns: str, seconds: float = TIMEOUT_SECONDS) -> list[list[str]]:
        """Return its processes, as `Engine.processes`. Errors: TargetError."""
        return self._within(seconds, lambda engine: engine.processes(self.name, columns))

    def run(
        self,
        argv: tuple[str, ...],
        *,
        seconds: float = RUN_SECONDS,
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        """Return what a command prints; see `Place.run`. Cost: one process in the container."""
        check_reads(argv)
        return self._within(
            seconds,
            lambda engine: engine.execute(
                self.name, argv, environment=environment or {}, seconds=seconds, most_bytes=most_bytes
            ),
        )

    def read(
        self, path: str, *, start: int = 0, seconds: float = READ_SECONDS, most_bytes: int = MOST_BYTES
    ) -> Content:
        """Return a part of a file; see `Place.read`. It needs no program in the image, nor that it runs."""
        return self._within(seconds, lambda engine: _read(engine, self.name, path, start, most_bytes))

    def connect(self, host: str, port: int, *, seconds: float = CONNECT_SECONDS) -> tuple[Attempt, ...]:
        """Return what came of connecting to each address of `host`; see `Place.connect`.

        Cost: one process in the container, python3 of its image or its shell with getent, bash or nc.
        """
        return self._within(
            seconds + inside.START_SECONDS,
            lambda engine: OpenContainer(engine, self.name).connect(host, port, seconds=seconds),
        )

    def _within(self, seconds: float, work: Callable[[Engine], T]) -> T:
        """Return what `work` returns with a session of its own, all of it within `seconds`."""
        opened: list[Engine] = []

        def use() -> T:
            """Open a session, which can be broken off from then on, and work with it."""
            with closing(self.engine.open(seconds)) as engine:
                opened.append(engine)
                return work(engine)

        def abort() -> None:
            """Break off the session, if there is one by now."""
            for engine in opened:
                engine.abort()

        return bounded.call(use, seconds, abort=abort)


def container_of(service: Service) -> Container:
    """Return the container that a service runs in. Where it runs on another engine will be said here."""
    return Container(service.container)


class OpenContainer:
    """A container with a session of its engine: for several calls, which another thread can break off."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.vantage = f"inside the container {name}"

    def inspect(self) -> dict[str, Any]:
        """Return what `docker inspect` says, as `Engine.inspect`. Errors: TargetError."""
        return self.engine.inspect(self.name)

    def run(
        self,
        argv: tuple[str, ...],
        *,
        seconds: float = RUN_SECONDS,
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        """Return what a command prints; see `Place.run`. At the deadline the session is broken off."""
        check_reads(argv)
        work = partial(
            self.engine.execute,
            self.name,
            argv,
            environment=environment or {},
            seconds=seconds,
            most_bytes=most_bytes,
        )
        return bounded.call(work, seconds, abort=self.engine.abort)

    def stream(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> Stream:
        """Return a command that is kept open: lines go in, answers come out. Errors: TargetError."""
        check_reads(argv)
        return Stream(self.engine, self.name, argv, environment)

    def view(self, questions: Sequence[inside.Question], *, seconds: float) -> tuple[inside.Way, Output]:
        """Return how hosts look from inside: the way that was open, and what it printed; `inside` parses it.

        Arguments go as a list, never through a shell's text. Cost: one process in the container, and only
        where its memory limit leaves room. Errors: TargetError UNSUPPORTED where the image has neither
        python3 nor a shell, or where memory is nearly used up.
        """
        room_bytes = self._room_bytes()
        ways = [way for way in inside.WAYS if room_bytes is None or room_bytes >= way.needs_bytes]
        if not ways:
            raise inside.no_room(self.name, room_bytes or 0)
        for way in ways:
            try:
                return way, self.run(way.argv(questions), seconds=seconds)
            except TargetError as error:
                if error.kind is not ProblemKind.UNSUPPORTED:
                    raise
        raise inside.no_program(self.name)

    def connect(self, host: str, port: int, *, seconds: float = CONNECT_SECONDS) -> tuple[Attempt, ...]:
        """Return what came of connecting to each address of `host`; see `Place.connect`."""
        question = inside.Question(host=host, port=port, seconds=seconds)
        way, output = self.view((question,), seconds=seconds + inside.START_SECONDS)
        return inside.attempts(way, output, question)

    def abort(self) -> None:
        """Break off what is going on, from another thread."""
        self.engine.abort()

    def close(self) -> None:
        """Close the engine's connections."""
        self.engine.close()

    def _room_bytes(self) -> int | None:
        """Return how much memory is left below the container's limit, None where there is no limit.

        Source: GET /containers/NAME/stats. The file cache counts as free: the kernel drops it first.
        """
        limit = (self.inspect().get("HostConfig") or {}).get("Memory") or 0
        if not limit:
            return None
        with translated(f"the statistics of {self.name}"):
            sample = self.engine.client.api.stats(self.name, stream=False, one_shot=True)
        memory = sample.get("memory_stats") or {}
        if (usage := memory.get("usage")) is None:
            return None
        parts = memory.get("stats") or {}
        used = usage - parts.get("total_inactive_file", parts.get("inactive_file", 0))
        return int(max(0, limit - used))


def check_reads(argv: tuple[str, ...]) -> None:
    """Refuse a command that is not known to read only. Errors: TargetError UNSUPPORTED.

    >>> check_reads(("df", "-Pk", "/"))
    >>> check_reads(("rm", "-rf", "/"))
    Traceback (most recent call last):
    incident_lib.errors.TargetError: rm is not allowed in a container
    """
    if argv[0] in _CLIENTS or argv == _VERSION or any(way.is_argv(argv) for way in inside.WAYS):
        return
    if reason := refusal_of(argv):
        raise TargetError(ProblemKind.UNSUPPORTED, f"{argv[0]} is not allowed in a container", reason)


def _read(engine: Engine, container: str, path: str, start: int, most_bytes: int) -> Content:
    if path.startswith(
        ("/proc/", "/sys/")
    ):  # the engine does not see what the kernel makes for the container
        return _read_with_cat(engine, container, path, start, most_bytes)
    for _ in range(_LINKS):
        pieces, about = engine.archive(container, path)
        if not about.get("linkTarget") or about["linkTarget"] == path:
            break
        path = about["linkTarget"]
    with translated(f"{path} in container {container}"), closing(pieces):
        try:
            return _unpack(pieces, path, start, most_bytes)
        except tarfile.TarError as error:
            message = f"the engine's answer for {path} is not an archive: {error}"
            raise TargetError(ProblemKind.PROTOCOL, message) from error


def _unpack(pieces: "Generator[bytes]", path: str, start: int, most_bytes: int) -> Content:
    """Return a part of the one file in an archive that comes in pieces, without reading on behind it."""
    source = _Pieces(pieces)
    with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|") as archive:
        member = archive.next()
        source.most_bytes = None
        file = archive.extractfile(member) if member and member.isreg() else None
        if member is None or file is None:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{path} is not a regular file")
        begin = start if start >= 0 else max(0, member.size + start)
        left = min(begin, member.size)
        while left and (skipped := file.read(min(left, _CHUNK_BYTES))):
            left -= len(skipped)
        data = file.read(most_bytes)
    return Content(
        data=data,
        size_bytes=member.size,
        modified_at=datetime.fromtimestamp(member.mtime, UTC),
        truncated=len(data) < member.size,
    )


class _Pieces:
    """Bytes that come in pieces, as tarfile reads them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self.most_bytes: int | None = _HEADER_BYTES  # of what stands before the file itself

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        data, self._held = self._held[:size], self._held[size:]
        if self.most_bytes is not None:
            self.most_bytes -= len(data)
            if self.most_bytes < 0:
                raise too_large("the head of an archive", _HEADER_BYTES)
        return data


def _read_with_cat(engine: Engine, container: str, path: str, start: int, most_bytes: int) -> Content:
    output = engine.execute(
        container, ("cat", path), environment={}, seconds=READ_SECONDS, most_bytes=MOST_BYTES
    )
    if output.exit_code > 0:
        message = output.stderr.decode("utf-8", "replace").strip()
        missing = "No such file" in message
        kind = ProblemKind.NOT_FOUND if missing else ProblemKind.PRIVILEGE
        raise TargetError(kind, f"cannot read {path} in container {container}: {message}")
    data = output.stdout[start:][:most_bytes]
    return Content(
        data=data,
        size_bytes=len(output.stdout),
        modified_at=clock.now(),
        truncated=output.truncated or len(data) < len(output.stdout),
    )
