"""The signals that end a command, in one list: Ctrl-C, a request to end, a terminal that was closed.

The first keeps what is finished and raises KeyboardInterrupt; the second ends at once.
"""

import errno
import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODE = 130


class Ending:
    """How often this command was requested to end."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, so that what goes on is ended in order; from the third time on, exit."""
        leave_lost_terminal()
        self.requests += 1
        if self.requests > 2:  # not even what the second interrupted comes to its end
            exit_now()
        raise KeyboardInterrupt


@contextmanager
def interrupting() -> Iterator[Ending]:
    """Treat each of the signals as Ctrl-C inside, but those that are ignored: nohup stays nohup."""
    ending, before = Ending(), {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
                before[number] = signal.signal(number, ending)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_now(code: int = EXIT_CODE) -> NoReturn:
    """End this process without waiting for anything."""
    os._exit(code)


def leave_lost_terminal() -> None:
    """Print nothing more where the terminal is gone: an error of it must not stop what is sealed."""
    for stream in (1, 2):
        try:
            termios.tcgetattr(stream)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)
        except OSError:
            continue
