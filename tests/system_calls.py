"""System calls of a command refused or deadly, whatever makes them: writes and syncs in C code too.

strace injects the faults. What an audit hook sees, tests/faults.py sweeps much faster.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests import faults

ROOT = Path(__file__).resolve().parents[1]
CALLS = (
    *("write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "fallocate", "copy_file_range"),
    *("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "flock", "sendfile"),
)
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
_CALL = re.compile(r"^(?P<pid>\d+)\s+(?P<name>\w+)\(")
_SECONDS = 120


def is_there() -> bool:
    """Return whether strace is installed and may trace."""
    if shutil.which("strace") is None:
        return False
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return done.returncode == 0


def sweep(place: Path, name: str, *, every: int = 1) -> faults.Result:
    """Return what became of a command at every n-th call of it. `place` is prepared, and stays as it is."""
    words, text = faults.words_of(place, name), faults.COMMANDS[name][1]
    copy = place.with_name(f"{place.name}-traced")
    points = list(_points(place, copy, words))
    failed: list[str] = []
    tried = 0
    for call, number in points[::every]:
        for fault in FAULTS:
            tried += 1
            code, said = _run(place, copy, words, "-e", f"inject={call}:{fault}:when={number}")
            code = 0 if code == faults.OTHER.get(name) else code
            problems = [
                *faults.problems(place, copy, text, code, said),
                *faults.promises(place, copy, name, code),
            ]
            failed += (f"{call} {number} {fault}: {problem}" for problem in problems)
    shutil.rmtree(copy, ignore_errors=True)
    return faults.Result(command=name, calls=len(points), tried=tried, failed=tuple(failed))


def _points(place: Path, copy: Path, words: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Yield the calls of the first thread that are about files of the place, each with its number."""
    trace = place.with_name(f"{place.name}-trace")
    _run(place, copy, words, "-y", "-o", str(trace))
    counts: Counter[str] = Counter()
    first = ""
    for line in trace.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        first = first or found["pid"]
        if found["pid"] == first:
            counts[found["name"]] += 1
            if str(copy) in line:
                yield found["name"], counts[found["name"]]


def _run(place: Path, copy: Path, words: tuple[str, ...], *options: str) -> tuple[int, str]:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place, copy, symlinks=True)
    silent = () if "-o" in options else ("-o", os.devnull)
    command = ["strace", "-f", "-qq", "-e", f"trace={','.join(CALLS)}", *silent, *options]
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from incident_lib.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [*command, sys.executable, "-B", "-c", program, *words],
        cwd=copy,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr
