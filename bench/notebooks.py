"""How long five notebooks of a stored snapshot take, against papermill and nbconvert one after the other.

Both ways read the same snapshot and make the same five pages; they take turns, so that what else the machine
does meets both alike. Processor time is that of all processes, and depends less on that than the wall time.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.notebooks import sample

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("00_triage", "10_application", "20_database", "30_redis", "40_network")
WALL, AGAIN, PROCESSOR = 1 / 8, 1 / 15, 1 / 4  # goals, of what papermill and nbconvert take
_COLD = "import sys; from incident_lib.cli import main; sys.exit(main())"
# The second of two runs in one process: how long it took.
_AGAIN = """
import json, sys, time
from incident_lib.cli import main
main(sys.argv[1:])
began = time.monotonic()
code = main(sys.argv[1:])
print(json.dumps([code, time.monotonic() - began]), file=sys.stderr)
"""


class Turn(msgspec.Struct, frozen=True):
    """One way, once: seconds of wall time, of processor time."""

    wall: float
    processor: float


def add_to(parser: argparse.ArgumentParser) -> None:
    """Let a parser read what is to be measured."""
    parser.add_argument("--turns", type=int, default=3, help="of each way (default 3)")
    parser.add_argument("--incident", type=Path, help="an incident's folder; default: one that is made up")
    parser.add_argument("--snapshot", default="latest", help="of that incident")
    parser.set_defaults(measure=measure)


def measure(arguments: argparse.Namespace) -> int:
    """Print medians, ranges and ratios, and return 0 when the goals are met."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        incident = arguments.incident or sample.made(Path(place)).folder.path
        common, cold, again = [], [], []
        for turn in range(arguments.turns):
            common.append(_common(incident.resolve(), arguments.snapshot, Path(place) / str(turn)))
            cold.append(_incident(_COLD, incident.resolve(), arguments.snapshot))
            again.append(_second(incident.resolve(), arguments.snapshot))
            took = f"{common[-1].wall:.1f}, {cold[-1].wall:.1f}, {again[-1].wall:.1f} s"
            print(f"turn {turn + 1} of {arguments.turns}: {took}", file=sys.stderr, flush=True)
    print(f"{'way':38} {'wall, s':>22} {'ratio':>7} {'processor, s':>22} {'ratio':>7}")
    _print("papermill, nbconvert, one by one", common, common)
    _print("incident run --snapshot, cold", cold, common)
    _print("the second run in one process", again, common, with_processor=False)
    met = (
        _ratio(cold, common, "wall") <= WALL,
        _ratio(cold, common, "processor") <= PROCESSOR,
        _ratio(again, common, "wall") <= AGAIN,
    )
    words = ", ".join("met" if is_met else "missed" for is_met in met)
    print(f"goals: wall 1/8, processor 1/4, second run 1/15: {words}")
    return 0 if all(met) else 1


def _common(incident: Path, snapshot: str, place: Path) -> Turn:
    """Run the notebooks and render the pages as people do without the workbench."""
    place.mkdir()
    commands = []
    for name in NAMES:
        given = ("-p", "incident", str(incident), "-p", "snapshot", snapshot)
        made = str(place / f"{name}.ipynb")
        source = str(ROOT / "notebooks" / f"{name}.ipynb")
        commands.append((sys.executable, "-m", "papermill", "-k", "python3", source, made, *given))
        commands.append((sys.executable, "-m", "nbconvert", "--to", "html", made))
    return _timed(*commands)


def _incident(code: str, incident: Path, snapshot: str) -> Turn:
    return _timed((sys.executable, "-P", "-c", code, "run", str(incident), "--snapshot", snapshot))


def _second(incident: Path, snapshot: str) -> Turn:
    command = (sys.executable, "-P", "-c", _AGAIN, "run", str(incident), "--snapshot", snapshot)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment())
    code, seconds = json.loads(done.stderr.splitlines()[-1])
    if code:
        raise SystemExit(f"the second run ended with {code}")
    return Turn(seconds, 0.0)


def _timed(*commands: tuple[str, ...]) -> Turn:
    """Return what the commands took, one after the other."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:4])}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Turn(time.monotonic() - began, used)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _print(way: str, turns: list[Turn], base: list[Turn], *, with_processor: bool = True) -> None:
    cells = []
    for name in ("wall", "processor") if with_processor else ("wall",):
        values = [getattr(turn, name) for turn in turns]
        spread = f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"
        cells.append(f"{spread:>22} {'1/' + format(1 / _ratio(turns, base, name), '.1f'):>7}")
    print(f"{way:38} {' '.join(cells)}", flush=True)


def _ratio(turns: list[Turn], base: list[Turn], name: str) -> float:
    """Return the median of the ratios of each turn: what else the machine did met both of one turn."""
    pairs = zip(turns, base, strict=True)
    return statistics.median(getattr(turn, name) / getattr(common, name) for turn, common in pairs)
