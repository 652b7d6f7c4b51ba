"""Runs command lines in this process and reports every file and folder that others could read meanwhile.

`python -m tests.audited ROOT UMASK MASK < command lines`: the first line of input is a JSON list of command
lines. Whatever is opened to be written under ROOT, or made there, is looked at as soon as it is there, and
again before it is renamed or removed: also what is temporary. Prints a JSON document.
"""

import contextlib
import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from tests.command import run

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """What was written under a folder, and what of it others could read."""

    def __init__(self, root: str, mask: int, apart: str) -> None:
        self.root, self.mask, self.apart = root, mask, apart
        self.written: set[str] = set()
        self.open: dict[str, str] = {}
        self._pending: set[str] = set()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at what is new, then at what comes; audit events of ours are none."""
        for path in tuple(self._pending):
            if self._look(path):
                self._pending.discard(path)
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if writes or event == "os.mkdir":
            self._expect(arguments[0])
        elif event in {"os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}:
            self._look(os.fsdecode(arguments[0]))
            if event == "os.rename":
                self._expect(arguments[1])

    def _expect(self, path: object) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - the name as it is, links too
            if absolute.startswith(f"{self.root}/") and not absolute.startswith(self.apart):
                self._pending.add(absolute)

    def _look(self, path: str) -> bool:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return False
        if path.startswith(f"{self.root}/") and not path.startswith(self.apart):
            self.written.add(path)
            kinds_aside = stat.S_ISLNK(mode) or stat.S_ISSOCK(mode)  # a socket is as closed as its folder
            if mode & self.mask and not kinds_aside:
                self.open[path] = oct(mode)
        return True


def main() -> None:
    """Run the command lines and print what was seen."""
    root, umask, mask = sys.argv[1], int(sys.argv[2], 8), int(sys.argv[3], 8)
    lines: list[list[str]] = json.loads(sys.stdin.readline())
    watch = Watch(root, mask, f"{root}/home")
    sys.addaudithook(watch)
    os.umask(umask)
    results = []
    for words in lines:
        output, errors = io.StringIO(), io.StringIO()
        output.buffer = io.BytesIO()  # type: ignore[attr-defined]
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = str(run(*words))
            except Exception as error:  # noqa: BLE001 - reported
                code = f"{type(error).__name__}: {error}"
        results.append([words[0], code])
    written = sorted(str(Path(path).relative_to(root)) for path in watch.written)
    print(json.dumps({"results": results, "written": written, "open": watch.open}))


if __name__ == "__main__":
    main()
