"""A command in a container that is kept open: lines go in, what it answers comes out."""

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from incident_lib import clock
from incident_lib.connections.docker import Engine, translated
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

_STDOUT, _FRAME_HEADER_BYTES, _CHUNK_BYTES = 1, 8, 65_536
_MOST_ERRORS_BYTES = 65_536


class Stream:
    """A process in a container with its input and output. Its end is the end of the connection."""

    def __init__(
        self, engine: Engine, container: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        """Start it. Source: POST /containers/NAME/exec and /exec/ID/start. Errors: TargetError."""
        self._engine = engine
        self._wire: socket.socket | None = None
        self._received, self.stderr = bytearray(), bytearray()
        self.was_cut_off = False  # by us
        with translated(f"container {container}"):
            api = engine.client.api
            made = api.exec_create(container, list(argv), environment=dict(environment), stdin=True)
            self._execution = made["Id"]
            self._response = api.exec_start(self._execution, socket=True)
        # The library hands out a reader; what can be written to and shut down is the socket in it.
        self._wire = getattr(self._response, "_sock", self._response)

    def exit_code(self) -> int | None:
        """Return how the command ended, None while it runs. Source: GET /exec/ID/json."""
        with translated("the command"):
            code = self._engine.client.api.exec_inspect(self._execution)["ExitCode"]
        return None if code is None else int(code)

    def send(self, text: str) -> None:
        """Write to its input. Errors: TargetError RESET when it has ended."""
        try:
            self._open_wire().sendall(text.encode())
        except OSError as error:
            raise _ended() from error

    def read_until(self, mark: bytes, *, seconds: float, most_bytes: int) -> tuple[bytes, bytes, bool]:
        """Return its output before the line that begins with `mark`, that line, and whether it was cut.

        Errors: TargetError TIMED_OUT at the deadline, RESET when the command ended before.
        """
        deadline = clock.monotonic() + seconds
        output, cut = bytearray(), False
        while True:
            at = output.find(mark)
            end = output.find(b"\n", at) if at >= 0 else -1
            if end >= 0:
                return bytes(output[:at]), bytes(output[at:end]), cut or at > most_bytes
            if len(output) > most_bytes:  # its end is still waited for, so that the next answer begins there
                del output[: -len(mark)]
                cut = True
            output += self._next_output(deadline, seconds)

    def _next_output(self, deadline: float, seconds: float) -> bytes:
        kind, size = struct.unpack(">BxxxL", self._take(_FRAME_HEADER_BYTES, deadline, seconds))
        content = self._take(size, deadline, seconds)
        if kind == _STDOUT:
            return content
        self.stderr = (self.stderr + content)[-_MOST_ERRORS_BYTES:]
        return b""

    def _take(self, size: int, deadline: float, seconds: float) -> bytes:
        while len(self._received) < size:
            self._received += self._receive(deadline, seconds)
        content = bytes(self._received[:size])
        del self._received[:size]
        return content

    def _receive(self, deadline: float, seconds: float) -> bytes:
        wire = self._open_wire()
        try:
            wire.settimeout(max(deadline - clock.monotonic(), 0.001))
            content = wire.recv(_CHUNK_BYTES)
        except TimeoutError as error:
            self.abort()
            raise TargetError(
                ProblemKind.TIMED_OUT, f"no answer within {format_duration(seconds)}"
            ) from error
        except OSError as error:
            raise _ended() from error
        if not content:
            raise _ended()
        return content

    def _open_wire(self) -> socket.socket:
        if self._wire is None:
            raise _ended()
        return self._wire

    def abort(self) -> None:
        """Cut the connection, from any thread: the command's input ends, and with it the command."""
        self.was_cut_off = True
        if self._wire is not None:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back. Never raises, never waits."""
        self.abort()
        held: tuple[Any, ...] = (self._wire, self._response)
        self._wire = None
        for one in held:
            with suppress(OSError):
                one.close()


def _ended() -> TargetError:
    return TargetError(ProblemKind.RESET, "the command in the container has ended")
