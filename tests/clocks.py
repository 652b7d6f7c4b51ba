"""Commands under a clock that jumps: before they are typed, and while they run. libfaketime sets it.

Everything was prepared, and is looked at afterwards, by the right clock. Time that has passed is never set:
a machine whose clock is corrected has waited no longer.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests import faults

ROOT = Path(__file__).resolve().parents[1]
JUMPS = {
    "an hour back": "-3600",
    "an hour ahead": "+3600",
    "a day ahead": "+86400",
    "in 1970": "@1970-01-01 00:00:10",
    "in 2038": "@2038-01-19 03:14:06",
}
_LIBRARY = ("lib/*/faketime/libfaketimeMT.so.1", "lib*/faketime/libfaketimeMT.so.1")
_SECONDS = 120
_NEGATIVE = re.compile(r"(?<![\w:-])-\d[\d.]* ?(?:ms|s|m|h|d|min|seconds?|minutes?|hours?|days?)\b")
_REFUSED = ("clock", "No incident was named", "expired at")  # an approval is for now, and for what one means
_READ = (("show",), ("show", "--timeline"), ("timeline",), ("figures",), ("on-call",))


def library() -> Path | None:
    """Return the library that sets the clock of a process, None where it is not installed."""
    found = (
        path for top in (Path("/usr"), Path("/usr/local")) for each in _LIBRARY for path in top.glob(each)
    )
    return next(found, None)


def type_at(place: Path, clock: Path, words: tuple[str, ...]) -> tuple[int, str, str]:
    """Return the exit code and what a command prints by the clock that a file sets, also while it runs."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from incident_lib.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *words],
        cwd=place,
        env={
            **os.environ,
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def sweep(place: Path, name: str, *, every: int = 1) -> faults.Result:
    """Return what became of a command at every n-th jump. `place` is prepared, and stays as it is."""
    words, text = faults.words_of(place, name), faults.COMMANDS[name][1]
    copy, clock = place.with_name(f"{place.name}-jumped"), place.with_name(f"{place.name}-clock")
    failed: list[str] = []
    _renew(place, copy)
    clock.write_text("+0\n")
    began = time.monotonic()
    type_at(copy, clock, words)
    lasted = time.monotonic() - began
    points = [(jump, part) for jump in JUMPS for part in (0.0, 0.4, 0.7)][::every]
    for jump, part in points:
        _renew(place, copy)
        clock.write_text("+0\n" if part else f"{JUMPS[jump]}\n")
        setting = threading.Timer(lasted * part, clock.write_text, (f"{JUMPS[jump]}\n",))
        setting.start()
        code, _, said = type_at(copy, clock, words)
        setting.join()
        code = 0 if code == faults.OTHER.get(name) else code
        found = [*faults.problems(place, copy, text, code, said), *_negative(copy)]
        if code and not (code == 2 and any(words in said for words in _REFUSED)):
            found.append(f"exit {code}: {said[-300:]}")
        failed += (f"{jump}, after {part:.0%} of it: {problem}" for problem in found)
    shutil.rmtree(copy, ignore_errors=True)
    return faults.Result(command=name, calls=len(points), tried=len(points), failed=tuple(failed))


def _renew(place: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place, copy, symlinks=True)


def _negative(place: Path) -> Iterator[str]:
    """Yield what commands show afterwards, by the right clock, of time that went backwards."""
    right = place.with_name(f"{place.name}-right")
    right.write_text("+0\n")
    for words in _READ:
        code, shown, said = type_at(place, right, words)
        if code:
            yield f"{' '.join(words)} afterwards: exit {code}: {said[-300:]}"
        yield from (f"{' '.join(words)}: {line}" for line in shown.splitlines() if _NEGATIVE.search(line))
