"""The machine that the workbench runs on."""

import os
import selectors
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from incident_lib import clock
from incident_lib.connections import bounded
from incident_lib.connections.names import resolve
from incident_lib.connections.places.base import (
    CONNECT_SECONDS,
    MOST_BYTES,
    READ_SECONDS,
    RUN_SECONDS,
    Content,
    Output,
)
from incident_lib.connections.sockets import Attempt, try_all
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

_CHUNK_BYTES = 65_536
_POLL_SECONDS = 0.05


class ThisMachine(msgspec.Struct, frozen=True):
    """The machine that the workbench runs on."""

    @property
    def vantage(self) -> str:
        """Where this is, for people."""
        return "this machine"

    def run(
        self,
        argv: tuple[str, ...],
        *,
        seconds: float = RUN_SECONDS,
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> Output:
        """Return what a command prints, run in `directory` (`/`); see `Place.run`. Its children end too."""
        deadline = clock.monotonic() + seconds
        message = f"{argv[0]} did not end within {format_duration(seconds)}"
        too_slow = TargetError(ProblemKind.TIMED_OUT, message)
        try:
            process = subprocess.Popen(
                argv,
                cwd=directory or "/",  # never the folder that the command was started in
                env={**os.environ, **environment} if environment else None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that what it started can be ended with it
            )
        except OSError as error:
            raise TargetError(
                ProblemKind.UNSUPPORTED, f"{argv[0]} cannot be run here: {error.strerror}"
            ) from error
        with process:
            try:
                return _collect(process, deadline, too_slow=too_slow, most_bytes=most_bytes)
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)

    def read(
        self, path: str, *, start: int = 0, seconds: float = READ_SECONDS, most_bytes: int = MOST_BYTES
    ) -> Content:
        """Return a part of a file; see `Place.read`. A file system that hangs is left behind in a thread."""
        try:
            return bounded.call(lambda: _read(path, start, most_bytes), seconds)
        except FileNotFoundError as error:
            raise TargetError(ProblemKind.NOT_FOUND, f"{path} does not exist") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TargetError(ProblemKind.PRIVILEGE, f"cannot read {path}: {reason}") from error

    def connect(self, host: str, port: int, *, seconds: float = CONNECT_SECONDS) -> tuple[Attempt, ...]:
        """Return what came of connecting to each address of `host`; see `Place.connect`."""
        deadline = clock.monotonic() + seconds
        return try_all(resolve(host, port, seconds), max(0.1, deadline - clock.monotonic()))


def _collect(
    process: "subprocess.Popen[bytes]", deadline: float, *, too_slow: TargetError, most_bytes: int
) -> Output:
    """Return the output of a process that ends; what it leaves running may keep its pipes open for ever."""
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, into in ((process.stdout, output), (process.stderr, errors)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, into)
        while selector.get_map():
            has_ended = process.poll() is not None
            left = deadline - clock.monotonic()
            ready = selector.select(0 if has_ended else min(_POLL_SECONDS, max(0.0, left)))
            if has_ended and not ready:
                break
            for key, _ in ready:
                if chunk := os.read(key.fd, _CHUNK_BYTES):
                    key.data.extend(chunk)
                else:
                    selector.unregister(key.fileobj)
            if max(len(output), len(errors)) > most_bytes:
                cut = (bytes(output[:most_bytes]), bytes(errors[:most_bytes]))
                return Output(exit_code=-1, stdout=cut[0], stderr=cut[1], truncated=True)
            if left <= 0:
                raise too_slow
    try:
        code = process.wait(max(0.0, deadline - clock.monotonic()))
    except subprocess.TimeoutExpired as error:  # it closed its output and goes on
        raise too_slow from error
    return Output(exit_code=code if code >= 0 else 128 - code, stdout=bytes(output), stderr=bytes(errors))


def _read(path: str, start: int, most_bytes: int) -> Content:
    # Not blocking, because to open a pipe that nothing writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise TargetError(ProblemKind.UNSUPPORTED, f"{path} is not a regular file")
        begin = start if start >= 0 else max(0, about.st_size + start)
        os.lseek(descriptor, begin, os.SEEK_SET)
        data = bytearray()
        while len(data) < most_bytes and (chunk := os.read(descriptor, most_bytes - len(data))):
            data += chunk
        more = bool(begin) or begin + len(data) < about.st_size
        # Files of /proc have no size, so only another byte says whether there is more.
        more = more or (len(data) == most_bytes and bool(os.read(descriptor, 1)))
    finally:
        os.close(descriptor)
    return Content(
        data=bytes(data),
        size_bytes=about.st_size,
        modified_at=datetime.fromtimestamp(about.st_mtime, UTC),
        truncated=more,
    )
