"""Incidents as people and snapshots leave them, small."""

from datetime import UTC, datetime, timedelta

from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.model import (
    Analysis,
    EventKind,
    Finding,
    FindingSeverity,
    Hypothesis,
    IncidentSeverity,
    Window,
)
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
KINDS = Topology(kinds={"db": "postgres", "cache": "redis", "sessions": "redis", "backend": "http"})


def finding(finding_id, target, severity=FindingSeverity.CRITICAL, title="", since=None):
    title = title or f"what {finding_id} says"
    return Finding(id=finding_id, severity=severity, target=target, title=title, since=since)


def hypothesis(name, target, rank=1, score=0.9):
    return Hypothesis(id=name, target=target, rank=rank, score=score, title=f"{name} at {target}")


def analysis(hypotheses=(), findings=()):
    return Analysis(snapshot="s", hypotheses=tuple(hypotheses), findings=tuple(findings))


FULL = analysis(
    [hypothesis("redis-out-of-memory", "cache"), hypothesis("endpoint-error", "backend", 2, 0.3)],
    [
        finding("redis.memory.full", "cache"),
        finding("logs.lines.errors", "backend"),
        finding("postgres.locks.ok", "db", FindingSeverity.OK, "Nobody waits for a lock"),
    ],
)
LOCKED = analysis(
    [hypothesis("lock-contention", "db")],
    [finding("postgres.locks.blocked", "db"), finding("logs.lines.errors", "backend")],
)


def incident(where, title, *analyses, services=(), severity=IncidentSeverity.SEV2):
    declaration = Declaration(title=title, severity=severity, started_at=START, services=tuple(services))
    folder = folders.declare(where, declaration, Redactor())
    for one in analyses:
        writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
        writer.seal(one, KINDS)
    return folder


def note(folder, text, minutes=1):
    at = START + timedelta(minutes=minutes)
    folder.record(Draft(kind=EventKind.NOTE, text=text, source="cli", occurred_at=at))


def resolve(folder, reason, minutes=30):
    folder.record(
        Draft(
            kind=EventKind.STATUS,
            text=f"Resolved: {reason}",
            source="cli",
            occurred_at=START + timedelta(minutes=minutes),
            data={"status": "RESOLVED"},
        )
    )
