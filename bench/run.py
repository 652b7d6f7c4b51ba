"""Performance, as ratios to what people use today, measured next to each other in one run.

    make bench                                   every row of the table, in under 20 minutes
    make bench ARGS="notebooks help"             these parts again
    make bench ARGS=--full                       logs of 10,000,000 and 100,000,000 lines, too

A part that is finished is kept in bench/out/performance.json and not measured again, so an interrupted run
goes on where it stopped; --fresh forgets it. The figures of docs/performance.md are made from that file by
--write. Exit code 1 when a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import commands
import folders
import logs
import msgspec
import servers
import targets
from comparing import ROOT, Results, Row, begun, table

import notebooks

OUT = Path(__file__).with_name("out") / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
_MARK = "<!-- bench: generated -->"
_TURNS = 3
PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "commands": commands.rows,
    "targets": targets.rows,
    "notebooks": notebooks.rows,
    "servers": servers.rows,
    "folders": folders.rows,
    "logs": logs.rows,
}


def main() -> int:
    """Return 0 when every row that was measured meets its goals, else 1."""
    arguments = _options()
    results = begun() if arguments.fresh or not arguments.out.exists() else _read(arguments.out)
    parts = {**PARTS, "logs": lambda turns: logs.rows(turns, full=True)} if arguments.full else PARTS
    for part in arguments.parts or parts:
        if part in results.rows and not arguments.parts:
            print(f"{part}: measured before, kept", file=sys.stderr)
            continue
        print(f"{part}:", file=sys.stderr, flush=True)
        began = time.monotonic()
        measured = tuple(parts[part](arguments.turns))
        results = msgspec.structs.replace(results, rows={**results.rows, part: measured})
        _write(arguments.out, results)
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    lines = [*table(results)]
    print("\n".join(lines))
    if arguments.write:
        before, _, _ = PAGE.read_text(encoding="utf-8").partition(_MARK)
        PAGE.write_text("\n".join([f"{before}{_MARK}", "", *lines, ""]), encoding="utf-8")
    return 0 if all(row.is_met for rows in results.rows.values() for row in rows) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if left out")
    parser.add_argument("--turns", type=int, default=_TURNS, help=f"of each way (default {_TURNS})")
    parser.add_argument("--full", action="store_true", help="the large sizes, too")
    parser.add_argument("--fresh", action="store_true", help="forget what is finished")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default bench/out/{OUT.name}")
    arguments = parser.parse_args()
    if unknown := [part for part in arguments.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return arguments


def _read(path: Path) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)


def _write(path: Path, results: Results) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))


if __name__ == "__main__":
    raise SystemExit(main())
