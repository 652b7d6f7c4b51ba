"""Work that goes on beside a look."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def again_and_again(
    work: Callable[[], object], *, pause: float = 0.0, expected: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Do `work` in a thread until the block ends; errors that are `expected` are what is looked for."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            with contextlib.suppress(*expected):
                work()
            time.sleep(pause)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)  # what is still at work would meet connections that the test has closed
