"""The process that cleans up when the one that started the stack is gone, however it went.

It waits for the end of its standard input, which only that process holds open, and for its own parent
to change. After an orderly stop there is nothing left to do for it.
"""

import argparse
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from incident_lib.demo.processes import end_all, python_environment, python_module
from incident_lib.signals import ENDING

_POLL_SECONDS = 0.5


class Warden:
    """Our end of the line to the warden of one stack."""

    def __init__(self, run: Path, *, remove: tuple[Path, ...]) -> None:
        self._process = subprocess.Popen(
            python_module("warden", str(os.getpid()), str(run), *map(str, remove)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=python_environment(),
            cwd="/",
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Let it end what is left, remove what is temporary, and go."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=15.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def wait_for_the_end(parent: int) -> None:
    """Return once standard input ends or the process `parent` is not our parent any more."""
    while os.getppid() == parent:
        ready, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        if ready and not os.read(sys.stdin.fileno(), 1024):
            return


def main() -> None:
    """Wait, then end every process of the stack and remove what is temporary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parent", type=int)
    parser.add_argument("run", type=Path)
    parser.add_argument("remove", type=Path, nargs="*")
    options = parser.parse_args()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    wait_for_the_end(options.parent)
    end_all(options.run)
    for path in options.remove:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    main()
