"""What a kernel writes outside its cells: kept for the record, off the terminal, never on a disk."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from incident_lib.units import format_bytes

KEPT_BYTES = 16_000  # the newest; a kernel may write for ever
_END_SECONDS = 0.5  # for what is still in the pipe; whoever left the kernel's group may hold it open


class KernelOutput:
    """The newest output of one kernel, read from a pipe so that it can never block or fill a disk."""

    def __init__(self, end: int) -> None:
        self._read = end
        self._kept = b""
        self._lost = False
        self._thread = threading.Thread(target=self._drain, name="kernel-output", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """What was written so far; where it is too much, the beginning is cut and marked so."""
        cut = f"[only the last {format_bytes(KEPT_BYTES)} are kept]\n" if self._lost else ""
        kept = (
            self._kept.partition(b"\n")[2] if self._lost else self._kept
        )  # half a line may be half a secret
        return cut + kept.decode("utf-8", "replace").strip()

    def end(self) -> None:
        """Wait a moment for the last output."""
        self._thread.join(_END_SECONDS)

    def _drain(self) -> None:
        with os.fdopen(self._read, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65_536):
                whole = self._kept + chunk
                self._lost = self._lost or len(whole) > KEPT_BYTES
                self._kept = whole[-KEPT_BYTES:]


@contextmanager
def captured() -> Iterator[tuple[KernelOutput, int]]:
    """Yield the output as it is read, and the file descriptor that a kernel is to write to."""
    read, write = os.pipe()
    output = KernelOutput(read)
    try:
        yield output, write
    finally:
        os.close(write)
        output.end()
