"""What `make bench` measures: rows of figures, each way by turns, their goals, and the page made of them."""

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
_MAIN = "import sys; from incident_lib.cli import main; sys.exit(main())"
INCIDENT = (sys.executable, "-P", "-c", _MAIN)
_PROFILED = """
import cProfile, pstats, sys, time
profile = cProfile.Profile(time.process_time)
profile.enable()
try:
    from incident_lib.cli import main
    main(sys.argv[1:])
finally:
    profile.disable()
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(12)
"""
_PROFILE_LINES = 12


class Turn(msgspec.Struct, frozen=True):
    """One way, once: seconds of wall time and of all its processors; megabytes of its largest process."""

    wall: float
    processor: float = 0.0
    megabytes: float = 0.0


class Way(msgspec.Struct, frozen=True):
    """One way to do what a row is about, in each turn."""

    name: str
    turns: tuple[Turn, ...]

    def median(self, what: str = "wall") -> float:
        """Return the median of one of the figures."""
        return statistics.median(getattr(turn, what) for turn in self.turns)

    def spread(self, what: str) -> str:
        """Return the median with the least and the most; "" for what was not measured."""
        values = [getattr(turn, what) for turn in self.turns]
        if not any(values):
            return ""
        digits = 0 if what == "megabytes" else 2
        low, middle, high = (f"{value:.{digits}f}" for value in (min(values), self.median(what), max(values)))
        return middle if low == high else f"{middle} ({low} to {high})"


class Goal(msgspec.Struct, frozen=True):
    """What must be at most how much."""

    what: str
    measured: float
    most: float

    @property
    def is_met(self) -> bool:
        """Whether it is."""
        return self.measured <= self.most


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table: what was measured, against what, and what had to come out."""

    name: str
    what: str
    ways: tuple[Way, ...] = ()
    goals: tuple[Goal, ...] = ()
    limit: str = ""  # what no program can be faster than
    profile: str = ""  # of a row that misses
    skipped: str = ""  # why nothing was measured

    @property
    def is_met(self) -> bool:
        """Whether every goal is met."""
        return all(goal.is_met for goal in self.goals)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured so far, and where."""

    machine: str
    began_at: datetime
    rows: dict[str, tuple[Row, ...]] = {}  # by the part that measured them


def timed(command: Iterable[str], *, where: Path | None = None, codes: tuple[int, ...] = (0,)) -> Turn:
    """Return what a command took with all that it started. Errors: SystemExit where it fails."""
    words = [*command]
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(words, cwd=where, env=environment(), stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            output.seek(0)
            text = output.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(words[:6])}: exit code {process.returncode}: {text}")
    return Turn(wall, used.ru_utime + used.ru_stime, megabytes_of(used))


def megabytes_of(used: resource.struct_rusage) -> float:
    """Return the memory of the largest process that was started, 0 where that is less than of this one.

    Linux charges a process with the memory of the one that started it.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used.ru_maxrss / 1024 if used.ru_maxrss > own else 0.0


def called(work: Callable[[], object]) -> Turn:
    """Return what a call took in this process."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    return Turn(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def by_turns(ways: Mapping[str, Callable[[], Turn]], turns: int) -> tuple[Way, ...]:
    """Return each way as often as there are turns, one after the other, so that all meet the same machine."""
    found: dict[str, list[Turn]] = {name: [] for name in ways}
    for number in range(turns):
        for name, way in ways.items():
            found[name].append(way())
            seconds = found[name][-1].wall
            print(f"  turn {number + 1} of {turns}: {name}: {seconds:.2f} s", file=sys.stderr, flush=True)
    return tuple(Way(name, tuple(each)) for name, each in found.items())


def ratio(way: Way, base: Way, what: str = "wall") -> float:
    """Return the median of the ratios of each turn: what else the machine did met both of one turn."""
    pairs = zip(way.turns, base.turns, strict=True)
    return statistics.median(getattr(turn, what) / getattr(other, what) for turn, other in pairs)


def profile(words: Iterable[str], *, where: Path | None = None) -> str:
    """Return where the main thread of `incident WORDS` spends its processor time, the most first."""
    command = (sys.executable, "-P", "-c", _PROFILED, *words)
    done = subprocess.run(command, cwd=where, env=environment(), capture_output=True, text=True, check=False)
    lines = done.stderr.partition("ncalls")[2].splitlines()[1 : _PROFILE_LINES + 1]
    places = (f"{ROOT}/", f"{Path(os.__file__).parents[1]}/", f"{sys.prefix}/lib/")
    for place in places:  # what is printed is about the program, not about this machine's folders
        lines = [line.replace(place, "") for line in lines]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def environment() -> dict[str, str]:
    """Return the environment of what is measured: the package of this checkout, with its byte code kept."""
    found = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def machine() -> str:
    """Return in one line where this is measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load {load:.1f} when it began"
    )


def begun() -> Results:
    """Return the results of a run that begins now."""
    return Results(machine=machine(), began_at=datetime.now(UTC))


def table(results: Results) -> Iterator[str]:
    """Yield the lines of the page, as Markdown."""
    yield f"Measured on {results.began_at:%Y-%m-%d} on {results.machine}."
    yield "Seconds and megabytes are the median, with the least and the most."
    for part, rows in results.rows.items():
        for row in rows:
            yield from ("", f"### {row.what}", "")
            if row.skipped:
                yield f"Not measured ({part}): {row.skipped}."
                continue
            yield "| way | wall, s | processor, s | largest process, MB |"
            yield "|---|---|---|---|"
            for way in row.ways:
                cells = (way.spread(what) for what in ("wall", "processor", "megabytes"))
                name = way.name.replace("|", "\\|")
                yield f"| {name} | {' | '.join(cells)} |"
            yield ""
            for goal in row.goals:
                word = "met" if goal.is_met else "**missed**"
                yield f"- {goal.what}: {_short(goal.measured)}, at most {_short(goal.most)}: {word}"
            if row.limit:
                yield f"- the limit: {row.limit}"
            if row.profile:
                yield from ("", "Where the processor time goes:", "", "```", row.profile, "```")


def _short(number: float) -> str:
    """Return a number with three digits.

    >>> _short(0.125), _short(287.4), _short(12345.6)
    ('0.125', '287', '12,346')
    """
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
