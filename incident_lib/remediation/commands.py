"""Running a team's command: no shell, a deadline, and the end of its output."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections.change import RefusedError
from incident_lib.errors import ConfigError
from incident_lib.units import format_duration

_OUTPUT_BYTES = 2000


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. `code` is None when it did not, within its time."""

    code: int | None
    output: str  # the end of it
    seconds: float

    def __str__(self) -> str:
        """Return it as one sentence."""
        took = format_duration(self.seconds)
        how = f"did not end within {took}" if self.code is None else f"ended with {self.code} after {took}"
        return f"{how}{f', with output: {self.output}' if self.output else ''}"


def fill(command: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command with `{name}` filled in: each word stays one word, whatever the value holds.

    >>> fill(("deploy", "--version={previous}"), {"previous": "1.4; rm -rf /"})
    ('deploy', '--version=1.4; rm -rf /')
    """
    words = command
    for name, value in values.items():
        words = tuple(word.replace("{" + name + "}", value) for word in words)
    return words


def shown(command: tuple[str, ...]) -> str:
    """Return the command as it would be typed.

    >>> shown(("deploy", "a b"))
    "deploy 'a b'"
    """
    return shlex.join(command)


def run_command(command: tuple[str, ...], root: Path, seconds: float) -> Ended:
    """Return how the command ended, run in `root` without input. Errors: RefusedError when it cannot start.

    Its output goes to a file: what it starts may keep that open for ever, and is not waited for.
    """
    started = clock.monotonic()
    with tempfile.TemporaryFile() as file:
        try:
            process = subprocess.Popen(
                command,
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C stops us from waiting, and not a deployment half-way
            )
        except OSError as error:
            raise RefusedError(
                f"{command[0]} cannot be started: {error.strerror}; nothing was changed"
            ) from error
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            process.kill()
            process.wait()
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _OUTPUT_BYTES))
        output = " ".join(file.read().decode("utf-8", "replace").split())
    return Ended(code=code, output=output, seconds=clock.monotonic() - started)


def check_program(command: tuple[str, ...], root: Path, key: str) -> None:
    """Raise ConfigError unless the command's program is there, so that a plan can be trusted."""
    program = command[0]
    found = shutil.which(program) if "/" not in program else shutil.which(str(root / program))
    if not found:
        raise ConfigError(f"{key}: there is no program {program} here; correct the command")
