"""What each dependency costs an installation: megabytes, and seconds of processor time to byte-compile it.

    python bench/installed.py

A dependency is charged with what it brings along and none before it in the list has brought: the packages
that every machine needs come first, those for notebooks after them. Unpacking and compiling are most of what
`pip install` does once everything is downloaded.
"""

import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from packaging.requirements import Requirement

from tests.dependencies import NOTEBOOKS, declared


def needed(name: str, extras: frozenset[str], known: dict[str, None]) -> Iterator[str]:
    """Yield a package and what it needs, as far as that is installed and not known yet."""
    key = name.lower().replace("_", "-")
    try:
        requires = distribution(name).requires or []
    except PackageNotFoundError:
        return
    if key not in known:
        known[key] = None
        yield key
    elif not extras:
        return
    for line in requires:
        wanted = Requirement(line)
        if not wanted.marker or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield from needed(wanted.name, frozenset(wanted.extras), known)


def cost(name: str) -> tuple[int, float]:
    """Return the bytes of an installed package and the seconds that compiling it takes."""
    size, began = 0, time.process_time()
    for file in distribution(name).files or []:
        path = Path(str(file.locate()))
        if path.suffix == ".pyc" or not path.is_file():
            continue
        size += path.stat().st_size
        if path.suffix == ".py":
            code = path.read_bytes()
            try:
                compiled = compile(code, str(path), "exec", dont_inherit=True)
            except (SyntaxError, ValueError):
                continue  # written for another version
            size += len(code) if compiled else 0  # byte code is about as large as its source
    return size, time.process_time() - began


def main() -> None:
    """Print the table."""
    known: dict[str, None] = {}
    print("| dependency | brings | MB | seconds |\n|---|---|---|---|")
    names = [name for name, (extra, _) in declared().items() if not extra]
    for title, part in (
        ("all that collects", [name for name in names if name not in NOTEBOOKS]),
        ("notebooks, in addition", [name for name in names if name in NOTEBOOKS]),
    ):
        whole = [0, 0.0]
        for name in part:
            extras = frozenset({"binary"} if name == "psycopg" else ())
            packages = [*needed(name, extras, known)]
            costs = [cost(package) for package in packages]
            size, seconds = sum(each for each, _ in costs), sum(each for _, each in costs)
            whole[0] += size
            whole[1] += seconds
            brings = f"{len(packages) - 1} more" if packages[1:] else "nothing" if packages else "came before"
            print(f"| {name} | {brings} | {size / 1e6:.1f} | {seconds:.1f} |", flush=True)
        print(f"| **{title}** | | **{whole[0] / 1e6:.0f}** | **{whole[1]:.0f}** |")


if __name__ == "__main__":
    main()
