"""Large incident folders, and how long the commands that read them take. `python bench/folders.py --help`.

The snapshots are copies of one that the demo stack gave, moved in time, so their sizes are real; every folder
is one that `incident verify` accepts. A command is measured against `incident --help`, which only starts the
process.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

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


def measure(place: Path, repeats: int) -> Iterator[tuple[str, float, float, int]]:
    """Yield each command with the seconds it took (the least of some), seconds of CPU, and its exit code."""
    for name, commands in {".": ("--help",), **COMMANDS}.items():
        for command in commands:
            runs = [_run(place / name, command.split()) for _ in range(repeats)]
            yield (f"{name}: {command}", *min(runs))


def _run(where: Path, words: list[str]) -> tuple[float, float, int]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())", *words],
        cwd=where,
        env={**os.environ, "COLUMNS": "120"},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, done.returncode


def main() -> None:
    """Make the folders, measure the commands, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", type=Path, help="keep the folders there; measure those that are there")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--snapshots", type=int, default=100)
    parser.add_argument("--incidents", type=int, default=500)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="incident-folders-") as temporary:
        place = arguments.place or Path(temporary) / "folders"
        if not place.exists():
            sizes = {name: getattr(arguments, name) for name in ("events", "snapshots", "incidents", "rows")}
            make_all(place, **sizes)
        for command, seconds, cpu, code in measure(place, arguments.repeats):
            print(f"{command:32} {seconds:6.2f} s {cpu:6.2f} s of CPU  exit {code}", flush=True)


if __name__ == "__main__":
    main()
