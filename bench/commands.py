"""`incident --help` against `papermill --version`, and `incident health` against its checks one by one."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from comparing import INCIDENT, Goal, Row, Turn, by_turns, ratio, timed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration import many_services

_TURNS = 5
_TIMEOUT = 3
# What the script did that `incident health` replaces: one check after the other, each with its timeout.
_ONE_BY_ONE = """
for url in "$BACKEND/health" "$BACKEND/health/ready" "$BACKEND/api/v1/" "$FRONTEND/"; do
  curl --silent --output /dev/null --max-time "$SECONDS_EACH" "$url"
done
docker exec "$DB" pg_isready -U postgres >/dev/null 2>&1
docker exec "$CACHE" redis-cli ping >/dev/null 2>&1
exit 0
"""


def rows(turns: int) -> Iterator[Row]:
    """Yield a row for each."""
    yield _help()
    if shutil.which("curl"):
        for hanging, most in (("backend", 0.4), ("frontend", 1.1)):
            yield _health(hanging, most, min(turns, 2))
    else:
        yield Row(name="health", what="`incident health`", skipped="curl is not installed")


def _help() -> Row:
    papermill = (sys.executable, "-m", "papermill", "--version")
    ways = by_turns(
        {
            "papermill --version": lambda: timed(papermill),
            "incident --help": lambda: timed((*INCIDENT, "--help")),
            "python -c pass": lambda: timed((sys.executable, "-c", "pass")),
        },
        _TURNS,
    )
    return Row(
        name="help",
        what="`incident --help` against `papermill --version`",
        ways=ways,
        goals=(Goal("of papermill's wall time", ratio(ways[1], ways[0]), 2 / 3),),
        limit="the start of Python, measured beside",
    )


def _health(hanging: str, most: float, turns: int) -> Row:
    with many_services.running() as services, tempfile.TemporaryDirectory(prefix="bench-") as place:
        ports = {
            name: services.port("silent" if name == hanging else "well") for name in ("backend", "frontend")
        }
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        ours = (
            *(*INCIDENT, "health", "--timeout", str(_TIMEOUT), "--output-dir", place),
            *("--backend-url", urls["backend"], "--frontend-url", urls["frontend"]),
            *("--db-container", "bench-none", "--redis-container", "bench-none"),
        )
        variables = {
            "BACKEND": urls["backend"],
            "FRONTEND": urls["frontend"],
            "SECONDS_EACH": str(_TIMEOUT),
            "DB": "bench-none",
            "CACHE": "bench-none",
        }
        os.environ |= variables

        def script() -> Turn:
            """Return what the checks take, one after the other."""
            return timed(("sh", "-c", _ONE_BY_ONE))

        def health() -> Turn:
            """Return what `incident health` takes, which reports that it is unhealthy."""
            return timed(ours, where=Path(place), codes=(1,))

        ways = by_turns({"curl and docker, one by one": script, "incident health": health}, turns)
    return Row(
        name=f"health-{hanging}",
        what=f"`incident health --timeout {_TIMEOUT}`, the {hanging} hanging, against its checks one by one",
        ways=ways,
        goals=(Goal("of the wall time one by one", ratio(ways[1], ways[0]), most),),
        limit=f"the slowest target's answer, which is the timeout of {_TIMEOUT} s",
    )
