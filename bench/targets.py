"""Many targets: 200 of which 20 hang, the page of 120 services of which 100 fail, and how the cost grows."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from comparing import INCIDENT, Goal, Row, Turn, by_turns, profile, ratio, timed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration import many_services

_MOST_PAGE_KB = 300
_EVENT = "of 120 targets fail at once"
_GROWTH = (10, 50, 200)


def rows(turns: int) -> Iterator[Row]:
    """Yield the rows."""
    yield _hanging(turns)
    yield _page()
    yield _growth(turns)


def _hanging(turns: int) -> Row:
    many = {f"svc-{i:03}": "silent" if i < 20 else "well" for i in range(200)}
    with many_services.running() as services, tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        for folder in ("one", "many"):
            (place / folder).mkdir()
        one = many_services.configure(place / "one", {"svc-000": "silent"}, services)
        all_of_them = many_services.configure(place / "many", many, services)
        ways = by_turns(
            {
                "one target, which hangs": lambda: _triage(one),
                "200 targets, 20 of which hang": lambda: _triage(all_of_them),
            },
            turns,
        )
        found = ratio(ways[1], ways[0])
        why = profile(("--config", str(all_of_them), "triage")) if found > 1.1 else ""
    return Row(
        name="targets",
        what="`incident triage` of 200 targets, 20 of them hanging, against one hanging target",
        ways=ways,
        goals=(Goal("of the wall time of one hanging target", found, 1.1),),
        limit="the timeouts of the hanging target, which the other way waits for as well",
        profile=why,
    )


def _triage(config: Path) -> Turn:
    return timed((*INCIDENT, "--config", str(config), "triage"), where=config.parent)


def _page() -> Row:
    manners = {f"svc-{i:03}": "well" if i < 20 else ("refused", "failing")[i % 2] for i in range(120)}
    with many_services.running() as services, tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        config = many_services.configure(place, manners, services)
        command = (*INCIDENT, "--config", str(config))
        timed((*command, "declare", "--title", "Many fail", "--severity", "SEV1"), where=place)
        ways = by_turns(
            {"incident run --no-notebooks": lambda: timed((*command, "run", "--no-notebooks"), where=place)},
            1,
        )
        page = next(place.glob("incidents/*/runs/*/html/index.html")).read_text(encoding="utf-8")
    first_event = page.find(_EVENT)
    return Row(
        name="page",
        what="The page of an incident with 120 services of which 100 fail",
        ways=ways,
        goals=(
            Goal("KB of index.html", len(page.encode()) / 1000, _MOST_PAGE_KB),
            Goal("first hypotheses that do not name the one event", 0 if first_event >= 0 else 1, 0),
        ),
    )


def _growth(turns: int) -> Row:
    with many_services.running() as services, tempfile.TemporaryDirectory(prefix="bench-") as name:
        configs = {}
        for number in _GROWTH:
            folder = Path(name) / str(number)
            folder.mkdir()
            manners = {f"svc-{i:03}": "well" for i in range(number)}
            configs[number] = many_services.configure(folder, manners, services)
        ways = by_turns(
            {
                f"{number} services": lambda config=config: _triage(config)
                for number, config in configs.items()
            },
            min(turns, 2),
        )
    each = {number: way.median("processor") for number, way in zip(_GROWTH, ways, strict=True)}
    few, some, many = (each[number] for number in _GROWTH)
    # A line through the first two, which hold what does not grow, and half as much again for log n.
    straight = few + (some - few) / (_GROWTH[1] - _GROWTH[0]) * (_GROWTH[2] - _GROWTH[0])
    return Row(
        name="services",
        what="`incident triage` of 10, 50 and 200 services that are well",
        ways=ways,
        goals=(Goal("of the processor time that a straight line gives for 200", many / straight, 1.5),),
    )
