"""How long five notebooks of a stored snapshot take, against papermill and nbconvert one after the other.

All ways read the same snapshot and make the same five pages; they take turns, so that what else the machine
does meets all alike. Processor time is that of all processes, and depends less on that than the wall time.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from comparing import INCIDENT, ROOT, Goal, Row, Turn, by_turns, environment, profile, ratio, timed

sys.path.insert(0, str(ROOT))

from tests.notebooks import sample

NAMES = ("00_triage", "10_application", "20_database", "30_redis", "40_network")
# The second of two runs in one process: how long it took.
_AGAIN = """
import json, sys, time
from incident_lib.cli import main
main(sys.argv[1:])
began = time.monotonic()
code = main(sys.argv[1:])
print(json.dumps([code, time.monotonic() - began]), file=sys.stderr)
"""


def rows(turns: int) -> Iterator[Row]:
    """Yield the row of a cold run and of the second in one process."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        incident = sample.made(place).folder.path.resolve()
        run = ("run", str(incident), "--snapshot", "latest")
        common, cold, again = by_turns(
            {
                "papermill, nbconvert, one by one": lambda: _common(incident, place),
                "incident run --snapshot, cold": lambda: timed((*INCIDENT, *run)),
                "the second run in one process": lambda: _second(run),
            },
            turns,
        )
        what = "`incident run --snapshot`, five notebooks and their pages, against papermill and nbconvert"
        goals = (
            Goal("of the wall time, cold", ratio(cold, common), 1 / 8),
            Goal("of the processor time, cold", ratio(cold, common, "processor"), 1 / 4),
            Goal("of the wall time, the second run in one process", ratio(again, common), 1 / 15),
        )
        met = all(goal.is_met for goal in goals)
        yield Row(
            name="notebooks",
            what=what,
            ways=(common, cold, again),
            goals=goals,
            limit="one import of the modules, which the command and the parent of kernels do side by side",
            profile="" if met else profile(run),
        )


def _common(incident: Path, place: Path) -> Turn:
    """Run the notebooks and render the pages as people do without the workbench."""
    made = []
    for name in NAMES:
        given = ("-p", "incident", str(incident), "-p", "snapshot", "latest")
        page = str(place / f"{name}.ipynb")
        source = str(ROOT / "notebooks" / f"{name}.ipynb")
        made.append(timed((sys.executable, "-m", "papermill", "-k", "python3", source, page, *given)))
        made.append(timed((sys.executable, "-m", "nbconvert", "--to", "html", page)))
    return Turn(
        sum(turn.wall for turn in made),
        sum(turn.processor for turn in made),
        max(turn.megabytes for turn in made),
    )


def _second(run: tuple[str, ...]) -> Turn:
    command = (sys.executable, "-P", "-c", _AGAIN, *run)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    code, seconds = json.loads(done.stderr.splitlines()[-1])
    if code:
        raise SystemExit(f"the second run ended with {code}")
    return Turn(seconds)
