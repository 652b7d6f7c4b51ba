"""An incident with a snapshot, made by hand: hostile names in every place that a stranger can fill."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from incident_lib.config import Document, Settings
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, IncidentFolder, declare
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.case import Case, open_case
from incident_lib.model import (
    Analysis,
    EventKind,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Hypothesis,
    IncidentSeverity,
    Measurement,
    NotAssessed,
    Problem,
    ProblemKind,
    Truncation,
    Window,
)
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor

AT = datetime(2026, 1, 15, 14, 45, 3, tzinfo=UTC)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> 💥 'a' & \"b\""
)
CRITICAL, WARNING = FindingSeverity.CRITICAL, FindingSeverity.WARNING


def made(folder: Path, title: str = f"Checkout answers 503 {HOSTILE}") -> Case:
    """Return the case of an incident made under `folder`."""
    settings = Settings(document=Document(), root=folder)
    declaration = Declaration(
        title=title,
        severity=IncidentSeverity.SEV2,
        started_at=AT - timedelta(minutes=14),
        commander="Kim",
        impact="Most users cannot pay",
        services=("backend", "db"),
    )
    incident = declare(folder / "incidents", declaration, Redactor())
    incident.record(
        Draft(
            kind=EventKind.NOTE,
            text="Support reports failed payments",
            source="Kim",
            occurred_at=AT - timedelta(minutes=6),
        )
    )
    return open_case(settings, incident, _snapshot(incident).name)


def _snapshot(incident: IncidentFolder) -> Path:
    window = Window(AT - timedelta(minutes=15), AT)
    writer = SnapshotWriter(incident.path / "snapshots", window, Redactor())
    for one in evidence():
        writer.add(one)
    writer.seal(
        Analysis(snapshot=writer.id, findings=findings(), hypotheses=hypotheses(), not_assessed=blind()),
        Topology(depends_on={"backend": ("db",)}),
    )
    return writer.path


def evidence() -> tuple[Evidence, ...]:
    """Return evidence that was collected, cut, failed and skipped."""
    rows = tuple(Measurement(name=f"{HOSTILE} {n}", value=n / 3, unit="s") for n in range(3))
    return (
        _one("db", "postgres.activity", rows=rows, truncated=Truncation(kept=3, total=412)),
        _one("db", "postgres.locks", EvidenceStatus.FAILED, ProblemKind.TIMED_OUT, "no answer within 5 s"),
        _one("cache", "redis.memory", EvidenceStatus.SKIPPED, ProblemKind.SKIPPED, "redis.connection failed"),
    )


def _one(target, probe, status=EvidenceStatus.COLLECTED, kind=None, message="", **more) -> Evidence:
    problem = Problem(kind=kind, message=message, advice="look at its own log") if kind else None
    return Evidence(
        probe=probe,
        target=target,
        status=status,
        collected_at=AT,
        duration_seconds=0.012,
        source=f"SELECT '{HOSTILE}'\n-- this machine",
        problem=problem,
        **more,
    )


def findings() -> tuple[Finding, ...]:
    """Return findings of every severity."""
    ago = AT - timedelta(minutes=11)
    return (
        Finding(id="postgres.locks.blocked", severity=CRITICAL, target="db", since=ago,
                title="7 sessions wait for one transaction that is idle",
                detail=f"pid 4121 ({HOSTILE}) holds ExclusiveLock on public.orders for 11m 4s; limit 10 s",
                evidence=("db/postgres.activity",)),
        Finding(id="http.endpoint.failing", severity=CRITICAL, target="backend", since=ago,
                title="GET /health/ready answers 503", detail="database: timed out after 2 s"),
        Finding(id="logs.lines.onset", severity=CRITICAL, target="backend", since=ago,
                title="Failed requests rose from 0.1 % to 34 %", detail="1,204 of 3,541 requests"),
        Finding(id="container.state.changed", severity=WARNING, target="backend",
                since=ago - timedelta(seconds=90), title="A new version was deployed: 1.42.0",
                detail="before: 1.41.3"),
        Finding(id="postgres.saturation.high", severity=WARNING, target="db",
                title="81 % of the connections are in use", detail="79 of 97; limit 80 %"),
        Finding(id="redis.memory.unknown", severity=FindingSeverity.UNKNOWN, target="cache",
                title="not assessed: redis.connection failed"),
        Finding(id="postgres.server.version", severity=FindingSeverity.INFO, target="db",
                title="PostgreSQL 15.14"),
        *(Finding(id=f"postgres.check{n}.fine", severity=FindingSeverity.OK, target="db",
                  title=f"No deadlock in the last 15 minutes ({n})") for n in range(4)),
        Finding(id="network.names.fine", severity=FindingSeverity.OK, target="payments",
                title="payments.example.com resolves in 3 ms to 2 addresses"),
    )  # fmt: skip


def hypotheses() -> tuple[Hypothesis, ...]:
    """Return two ranked hypotheses."""
    return (
        Hypothesis(id="idle-in-transaction", target="db", rank=1, score=0.86,
                   title="A session that is idle in a transaction keeps everybody waiting",
                   support=("db:postgres.locks.blocked", "backend:http.endpoint.failing"),
                   reason="its transaction began 20 s before the onset",
                   next_check="Who is pid 4121? See “Who blocks whom” in the database notebook",
                   first_action="End that backend: incident mitigate postgres.terminate db"),
        Hypothesis(id="bad-deploy", target="backend", rank=2, score=0.41,
                   title="Version 1.42.0 brought the trouble",
                   support=("backend:container.state.changed",), against=("db:postgres.saturation.high",),
                   next_check="Compare the errors before and after 14:32",
                   first_action="Roll back to 1.41.3"),
    )  # fmt: skip


def blind() -> tuple[NotAssessed, ...]:
    """Return what could not be seen."""
    return (
        NotAssessed(target="db", probe="postgres.locks", reason="no answer within 5 s"),
        NotAssessed(
            target="cache", probe="redis.memory", reason="redis.connection failed: connection refused"
        ),
        NotAssessed(
            target="cache", probe="redis.clients", reason="redis.connection failed: connection refused"
        ),
    )
