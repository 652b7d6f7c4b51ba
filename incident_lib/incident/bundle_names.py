"""Which files of an incident's folder belong to a bundle, and which names are safe everywhere."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

_SCRATCH = {"lab", "__pycache__", ".ipynb_checkpoints"}
_TEMPORARY = (".part", ".tmp", ".pyc", ".swp", "~")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|\ud800-\udfff]")
_LONGEST = 240
_OURS = "bundle.json"  # made anew with every bundle


def unsafe(name: str) -> str:
    """Return why a relative path is not safe on every system, "" when it is.

    >>> unsafe("events/a.json"), unsafe("../a"), unsafe("/etc/passwd"), unsafe("C:x")
    ('', 'it leads out of the folder', 'it leads out of the folder', 'it has characters that mean something')
    """
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "it leads out of the folder"
    if _UNSAFE.search(name):
        return "it has characters that mean something"
    if any(len(part.encode()) > _LONGEST for part in parts) or len(parts) > 20:
        return "it is too long"
    return ""


def listing(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the relative paths that belong to the record, sorted, and the others with the reason."""
    files, excluded = [], {}
    for path, reason in _walk(folder):
        relative = path.relative_to(folder).as_posix()
        if reason:
            excluded[relative.encode("utf-8", "backslashreplace").decode()] = reason
        else:
            files.append(relative)
    return sorted(files), dict(sorted(excluded.items()))


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file with why it stays here, "" when it goes along; links are never followed."""
    for top, directories, names in os.walk(folder):
        here = Path(top)
        for name in sorted(directories):
            if reason := _why_not(here / name, is_top=here == folder):
                directories.remove(name)
                yield here / name, reason
        for name in sorted(names):
            reason = _why_not(here / name, is_top=here == folder)
            yield here / name, reason or unsafe((here / name).relative_to(folder).as_posix())


def _why_not(path: Path, *, is_top: bool) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "a link"
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return "no plain file"
    if path.name in _SCRATCH and (is_top or path.name != "lab"):
        return "scratch"
    if path.name.endswith(_TEMPORARY) or path.name.startswith("."):
        return "temporary or hidden"
    if is_top and path.name == _OURS:
        return "of an earlier bundle"
    return ""
