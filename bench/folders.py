"""Large incident folders, and how long the commands that read them take.

The snapshots are copies of one that the demo stack gave, moved in time, so their sizes are real; every folder
is one that `incident verify` accepts. A command is measured against `incident --help`, which only starts the
process.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from comparing import INCIDENT, Goal, Row, Turn, by_turns, profile, timed

from incident_lib.incident import manifest
from incident_lib.incident.events import Draft, encode, event_of, file_name
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import EventKind
from incident_lib.redact import Redactor

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
STORED = next((Path(__file__).resolve().parents[1] / "tests/data/snapshot-1").iterdir())
_MOMENT = re.compile(r"2026-11-2\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ORIGIN = datetime(2026, 11, 23, 15, 43, 50, tzinfo=UTC)


def make_incident(
    incidents: Path, name: str, *, events: int, snapshots: int, rows: int = 0, begins: datetime = START
) -> Path:
    """Return a new incident with that many events and snapshots, `rows` more in the newest snapshot."""
    folder = incidents / name
    stamps = [begins + timedelta(minutes=1 + number) for number in range(snapshots)]
    for at in stamps:
        copy_snapshot(folder / "snapshots" / f"{at:%Y%m%dT%H%M%SZ}", at, rows if at == stamps[-1] else 0)
    (folder / "events").mkdir(parents=True)
    previous = ""
    for draft, recorded_at in drafts(name, events, stamps, begins):
        event = event_of(draft, recorded_at=recorded_at, previous=previous)
        (folder / "events" / file_name(event)).write_bytes(encode(event))
        previous = event.id
    IncidentFolder(folder, Redactor()).derive()
    return folder


def drafts(
    name: str, count: int, stamps: list[datetime], begins: datetime
) -> Iterator[tuple[Draft, datetime]]:
    """Yield `count` events as people and snapshots leave them, each with when it was recorded."""
    found = observed(begins)
    services = ["backend", "db"]
    yield _draft("declared", name, begins, severity="SEV2", commander="Kim", services=services), begins
    for number in range(1, count):
        at = begins + timedelta(seconds=30 * number)
        if number <= len(stamps):
            yield _draft("snapshot", f"Snapshot {stamps[number - 1]:%Y%m%dT%H%M%SZ} was taken", at), at
        elif number % 20 < 4 and stamps:
            draft = found[number % len(found)]
            data = {**draft.data, "snapshot": f"{stamps[number % len(stamps)]:%Y%m%dT%H%M%SZ}"}
            yield msgspec.structs.replace(draft, occurred_at=at, data=data), at
        elif number % 20 == 4:
            yield _draft("task", f"Check replica {number}", at, owner="Sam"), at
        elif number % 20 == 5:
            yield _draft("decision", f"No rollback, {number}", at), at
        elif number % 20 == 6:
            text = f"Pool of {number} connections is full"
            yield _draft("status", text, at, status="IDENTIFIED", findings=text), at
        else:
            yield _draft("note", f"Note {number}: support reports failed payments", at), at


def _draft(kind: str, text: str, at: datetime, **data: str | list[str]) -> Draft:
    return Draft(kind=EventKind(kind), text=text, source="Kim", occurred_at=at, data=data)


def observed(begins: datetime) -> list[Draft]:
    """Return observations of the stored snapshot's findings."""
    document = msgspec.json.decode((STORED / "findings.json").read_bytes())
    return [
        Draft(
            kind=EventKind.OBSERVED,
            text=f"{finding['target']}: {finding['title']}",
            source=finding["id"].rpartition(".")[0],
            occurred_at=begins,
            evidence=tuple(finding["evidence"]),
            data={
                "finding": finding["id"],
                "target": finding["target"],
                "severity": finding["severity"],
                "snapshot": "",
            },
        )
        for finding in document["findings"]
        if finding["severity"] in {"CRITICAL", "WARNING"}
    ]


def copy_snapshot(to: Path, at: datetime, rows: int) -> None:
    """Copy the stored snapshot to `to`, its moments moved to `at`, with `rows` more log rows, and seal it."""
    moved = at - _ORIGIN

    def later(match: re.Match[str]) -> str:
        """Return the same moment of the copy."""
        return (datetime.fromisoformat(match[0]) + moved).isoformat().replace("+00:00", "Z")

    for path in sorted(STORED.rglob("*.json")):
        if path.name == manifest.NAME:
            continue
        text = _MOMENT.sub(later, path.read_text()).replace(STORED.name, to.name)
        if rows and path.name == "logs.lines.json" and path.parent.name == "backend":
            text = with_rows(text, rows, at)
        target = to / path.relative_to(STORED)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    manifest.seal(to)


def with_rows(text: str, count: int, at: datetime) -> str:
    """Return the evidence with `count` more rows: half stretches of time, half paths."""
    document: dict[str, Any] = msgspec.json.decode(text)
    bucket = next(row for row in document["rows"] if row["row"] == "LogBucket")
    endpoint = next(row for row in document["rows"] if row["row"] == "LogEndpoint")
    for number in range(count // 2):
        when = f"{at - timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
        document["rows"].append(
            {**bucket, "at": when, "requests_count": 9, "server_errors_count": number % 3}
        )
        document["rows"].append({**endpoint, "path": f"/api/v1/{number}/orders"})
    return msgspec.json.encode(document).decode()


def make_all(place: Path, *, events: int, snapshots: int, incidents: int, rows: int) -> None:
    """Make `large`, `rows` and `many` below `place`, each with a configuration of its own."""
    for name in ("large", "rows", "many"):
        (place / name).mkdir(parents=True)
        (place / name / "workbench.toml").write_text("")
    make_incident(place / "large/incidents", "2026-01-15-large", events=events, snapshots=snapshots)
    make_incident(place / "rows/incidents", "2026-01-15-rows", events=50, snapshots=1, rows=rows)
    for number in range(incidents):
        begins = START + timedelta(hours=number)
        name = f"{begins:%Y-%m-%d}-incident-{number}"
        make_incident(place / "many/incidents", name, events=20, snapshots=2, begins=begins)


COMMANDS = {
    "large": (
        "show",
        "show --timeline",
        "show --json",
        "timeline",
        "timeline --html t.html",
        "note text",
        "update --findings text",
        "verify",
        "postmortem",
        "bundle",
    ),
    "rows": ("show", "timeline", "postmortem"),
    "many": ("list", "search pool full", "search nothing-of-this", "similar", "figures", "note text", "show"),
}


_SECONDS = {"postmortem": 5.0, "rows": 10.0}  # more than the start of the process; of the others 2
_REPEATS = 2
_SIZES = (1, 100, 1000)  # incidents, for how the cost grows


def rows(turns: int) -> Iterator[Row]:
    """Yield a row of all commands over large folders, and one of how the cost grows with incidents."""
    with tempfile.TemporaryDirectory(prefix="bench-folders-") as name:
        place = Path(name) / "folders"
        make_all(place, events=5000, snapshots=100, incidents=500, rows=200_000)
        yield _large(place, min(turns, _REPEATS))
        yield _growth(place, min(turns, _REPEATS))


def _large(place: Path, turns: int) -> Row:
    ways = {"incident --help": lambda: timed((*INCIDENT, "--help"), where=place)}
    for folder, commands in COMMANDS.items():
        for command in commands:
            ways[f"{folder}: {command}"] = _of(place / folder, command)
    start, *others = by_turns(ways, turns)
    goals, slow = [], ""
    for way in others:
        folder, _, command = way.name.partition(": ")
        most = _SECONDS.get(folder if command == "postmortem" and folder == "rows" else command, 2.0)
        more = way.median() - start.median()
        goals.append(Goal(f"seconds more than the start of the process, {way.name}", more, most))
        if more > most and not slow:
            slow = profile(command.split(), where=place / folder)
    return Row(
        name="folders",
        what="Commands on an incident with 5,000 events and 100 snapshots (large), on one with 200,000 rows "
        "in a snapshot (rows), and over 500 incidents (many)",
        ways=(start, *others),
        goals=tuple(goals),
        limit="what is read and decoded: every event and the manifest of every snapshot",
        profile=slow,
    )


def _of(where: Path, command: str) -> Callable[[], Turn]:
    """Return what measures a command; that something is wrong is an answer, too."""
    return lambda: timed((*INCIDENT, *command.split()), where=where, codes=(0, 1))


def _growth(place: Path, turns: int) -> Row:
    for number in _SIZES:
        folder = place / f"grown-{number}"
        (folder / "incidents").mkdir(parents=True)
        (folder / "workbench.toml").write_text("")
        for index in range(number):
            begins = START + timedelta(hours=index)
            name = f"{begins:%Y-%m-%d}-incident-{index}"
            make_incident(folder / "incidents", name, events=20, snapshots=1, begins=begins)
    ways = by_turns(
        {f"list, {number} incidents": _of(place / f"grown-{number}", "list") for number in _SIZES}, turns
    )
    one, some, many = (way.median("processor") for way in ways)
    straight = one + (some - one) / (_SIZES[1] - _SIZES[0]) * (_SIZES[2] - _SIZES[0])
    return Row(
        name="incidents",
        what="`incident list` over 1, 100 and 1,000 incidents",
        ways=ways,
        goals=(Goal("of the processor time that a straight line gives for 1,000", many / straight, 1.5),),
    )
