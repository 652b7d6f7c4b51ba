"""A log as a program writes it -> what triage concludes from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_lib.findings.base import Context
from incident_lib.hypotheses import parse_patterns
from incident_lib.investigation.analyze import analyze
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Window
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.rows import LogSummary

PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")
NOW = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=15), NOW)


def concluded(*lines: str, topology: Topology | None = None, target: str = "shop") -> Analysis:
    """Return what is concluded from the log of `target`, a process that needs nothing unless a graph says."""
    scan = Scan(WINDOW.start.timestamp(), NOW.timestamp())
    for line in lines:
        scan.feed(line)
    evidence = Evidence(
        probe="logs.lines",
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source=f"read {target}.log",
        rows=tuple(rows(scan.finish())),
    )
    return analyze(
        (evidence,),
        Context(window=WINDOW),
        snapshot="20260115T144500Z",
        topology=topology or Topology(kinds={target: "process"}),
        patterns=PATTERNS,
    )


def summary_of(lines: int, **values: Any) -> LogSummary:
    """Return the summary of a log all lines of which were read, with other values where given."""
    defaults: dict[str, Any] = {
        "lines_count": lines,
        "has_times": True,
        "bucket_seconds": 10,
        "levels": {},
        "formats": {},
        "errors_count": 0,
        "requests_count": 0,
        "server_errors_count": 0,
        "client_errors_count": 0,
        "timed_lines_count": lines,
        "known_lines_count": lines,
        "read_lines_count": lines,
    }
    return LogSummary(**defaults | values)
