"""Running a team's command: no shell, a deadline, and the end of its output."""

import ctypes
import os
import re
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
_KEPT_BYTES = 16 * 1024 * 1024  # of its output at a time, of which only the end is shown
_LOOK_SECONDS = 0.1
_BLOCK_BYTES = 512  # of what a file takes on its disk
_PUNCH_HOLE = 0x01 | 0x02  # of fallocate: keep the size, free the blocks
_FIELD = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_SHELLS = frozenset(
    {"ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "rbash", "sh", "tcsh", "zsh"}
)
_INTERPRETERS = frozenset(
    {"awk", "lua", "node", "perl", "php", "python", "ruby", "su", "runuser", "powershell"}
)
# What makes of the next word a script: -c, also in a group as in -ec; -e of Perl, Ruby and Node.
_SCRIPT = re.compile(r"-[a-zA-Z]*[ceE]|--(?:command|eval|execute)|-(?:command|r)", re.IGNORECASE)
_READ_AGAIN = frozenset({"ssh", "eval", "watch", "parallel"})  # they join their words for a shell
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:@=-]*")
_SPECIAL = re.compile(r"[\s;|&$`<>()'\"\\*?\[\]#~!{}]")
_LONGEST_VERSION = 200


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. `code` is None when it did not, within its time."""

    code: int | None
    output: str  # the end of it
    seconds: float

    def __str__(self) -> str:
        """Return it as one sentence."""
        took = format_duration(self.seconds)
        how = (
            f"did not finish within {took}"
            if self.code is None
            else (f"exited with {self.code} after {took}")
        )
        return f"{how}{f', with output: {self.output}' if self.output else ''}"


def fill(command: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command with `{name}` filled in, all at once: what a value holds is never filled in again.

    Each word stays one word.

    >>> fill(("deploy", "--version={previous}"), {"previous": "1.4; rm -rf /"})
    ('deploy', '--version=1.4; rm -rf /')
    >>> fill(("deploy", "{previous}"), {"previous": "{service}", "service": "shop"})
    ('deploy', '{service}')
    """
    return tuple(_FIELD.sub(lambda found: values.get(found[1], found[0]), word) for word in command)


def refusal_of_template(command: tuple[str, ...], names: frozenset[str], key: str) -> str:
    """Return why nothing may be filled into a command, "" where it may.

    A script is text of a language: what stands in it where a value belongs is read as a part of it.

    >>> refusal_of_template(("deploy", "--to={previous}"), frozenset({"previous"}), "rollback")
    ''
    >>> refusal_of_template(("bash", "-lc", "deploy {previous}"), frozenset({"previous"}), "rollback")[:48]
    'rollback has {previous} inside a script of bash;'
    """
    language = ""
    for before, word in zip(("", *command), command, strict=False):
        program = _program(word)
        fields = [name for name in _FIELD.findall(word) if name in names]
        if fields and language and _SCRIPT.fullmatch(before):
            field = "{" + fields[0] + "}"
            return (
                f"{key} has {field} inside a script of {language}; "
                'pass the version as a separate argument: ["sh", "-c", "./deploy.sh \\"$1\\"", '
                f'"sh", "{field}"], or without a shell: ["./deploy.sh", "{field}"]'
            )
        if program in _SHELLS or program in _INTERPRETERS:
            language = program
        unknown = [name for name in _FIELD.findall(word) if name not in names and not re.search(r"\s", word)]
        if unknown:
            known = " and ".join("{" + name + "}" for name in sorted(names))
            return f"{key} has {{{unknown[0]}}}, which is not a known placeholder; use {known}"
    return ""


def refusal_of_version(version: str, command: tuple[str, ...]) -> str:
    """Return why a version may not be given to the command, "" where it may.

    >>> refusal_of_version("2026.11.3-rc1", ("deploy", "{previous}"))
    ''
    >>> refusal_of_version("../1.4", ("deploy", "{previous}"))
    "'../1.4' is a path, not a version"
    """
    if not version.strip():
        return "the version is empty"
    if len(version) > _LONGEST_VERSION:
        return f"a version of {len(version)} characters is too long"
    if re.search(r"[/\\]", version) or version.startswith("~") or set(version) == {"."}:
        return f"{version!r} is a path, not a version"
    wrong = {
        "it holds invisible characters": not version.isprintable(),
        "it begins or ends with a space": version != version.strip(),
        "the command would read it as an option": version.startswith("-"),
    }
    for reason, applies in wrong.items():
        if applies:
            return f"{version!r} is not a valid version: {reason}"
    if not _PLAIN.fullmatch(version) and (word := _read_again(command)):
        return f"{version!r} cannot be used in {word!r}, where it is parsed again"
    return ""


def _read_again(command: tuple[str, ...]) -> str:
    """Return the word with a field in which something else than its program reads the value again."""
    with_fields = [word for word in command if _FIELD.search(word)]
    if any(_program(word) in _READ_AGAIN for word in command):
        return next(iter(with_fields), "")
    return next((word for word in with_fields if _SPECIAL.search(_FIELD.sub("", word))), "")


def _program(word: str) -> str:
    """Return the name of a program without its folder and version.

    >>> _program("/usr/bin/python3.11"), _program("bash")
    ('python', 'bash')
    """
    return re.sub(r"[\d.]+$", "", word.rpartition("/")[2]).lower()


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
        code = _wait(process, file.fileno(), started + seconds)
        end = os.fstat(file.fileno()).st_size
        last = os.pread(file.fileno(), _OUTPUT_BYTES, max(0, end - _OUTPUT_BYTES))
        output = " ".join(last.decode("utf-8", "replace").split())
    return Ended(code=code, output=output, seconds=clock.monotonic() - started)


def _wait(process: "subprocess.Popen[bytes]", output: int, deadline: float) -> int | None:
    """Return how the command ended, None where it did not in time; meanwhile its output fills no disk."""
    while True:
        try:
            return process.wait(max(0.0, min(_LOOK_SECONDS, deadline - clock.monotonic())))
        except subprocess.TimeoutExpired:
            if clock.monotonic() >= deadline:
                process.kill()
                process.wait()
                return None
        about = os.fstat(output)
        if about.st_blocks * _BLOCK_BYTES > _KEPT_BYTES:
            _free(output, about.st_size - _OUTPUT_BYTES)


def _free(output: int, size: int) -> None:
    """Give the first bytes of a file back to the disk; its length stays, since a command writes on."""
    fallocate = getattr(ctypes.CDLL(None), "fallocate", None)
    if fallocate is not None:
        fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong)
        if fallocate(output, _PUNCH_HOLE, 0, size) == 0:
            return
    # Without holes, what the command writes at this very moment may be lost: better than a full disk.
    last = os.pread(output, _OUTPUT_BYTES, size)
    os.ftruncate(output, 0)
    os.lseek(output, 0, os.SEEK_SET)  # the command shares the position, and goes on there
    os.write(output, last)


def check_program(command: tuple[str, ...], root: Path, key: str) -> None:
    """Raise ConfigError unless the command's program is there, so that a plan can be trusted."""
    program = command[0]
    found = shutil.which(program) if "/" not in program else shutil.which(str(root / program))
    if not found:
        raise ConfigError(f"{key}: program {program} does not exist here; correct the command")
