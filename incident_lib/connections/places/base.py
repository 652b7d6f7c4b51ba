"""What every place can do: run a command, read a file, connect to a port."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from incident_lib.connections.sockets import Attempt

RUN_SECONDS = 5.0
READ_SECONDS = 5.0
CONNECT_SECONDS = 3.0
MOST_BYTES = 4 * 1024 * 1024


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What a command printed. One that prints past the cap is cut there, and not waited for any longer."""

    exit_code: int  # -1 where it is not known, as after a cut
    stdout: bytes
    stderr: bytes
    truncated: bool = False


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file, and what is known of the whole."""

    data: bytes
    size_bytes: int
    modified_at: datetime
    truncated: bool = False  # whether `data` is less than the file


class Place(Protocol):
    """Where a target is seen from. Each call has one deadline and one cap; what is beyond the cap is cut.

    Nothing that a place does changes anything.
    """

    @property
    def vantage(self) -> str:
        """Where this is, for people: "this machine", "inside the container shop-db"."""

    def run(
        self,
        argv: tuple[str, ...],
        *,
        seconds: float = RUN_SECONDS,
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        """Return what a command that only reads prints, run without a shell and without input.

        `most_bytes` is for each of its two streams. Errors: TargetError UNSUPPORTED where there is no such
        program, or it may not run there; TIMED_OUT.
        """

    def read(
        self, path: str, *, start: int = 0, seconds: float = READ_SECONDS, most_bytes: int = MOST_BYTES
    ) -> Content:
        """Return at most `most_bytes` of an ordinary file from `start` on; negative, it counts from the end.

        Errors: TargetError NOT_FOUND, PRIVILEGE, UNSUPPORTED for what is not a regular file, TIMED_OUT.
        """

    def connect(self, host: str, port: int, *, seconds: float = CONNECT_SECONDS) -> tuple[Attempt, ...]:
        """Return what came of connecting to each address of `host`, all at once; everything is closed again.

        Errors: TargetError NAME_NOT_RESOLVED, UNSUPPORTED where nothing there can connect, TIMED_OUT.
        """
