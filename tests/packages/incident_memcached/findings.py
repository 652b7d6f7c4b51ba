"""What the records of a memcached server mean."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.findings.catalogue import STATE, SYMPTOM, Flag, entry, failures
from incident_lib.findings.comparison import reading, share
from incident_lib.findings.thresholds import Threshold
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.series import Reading

from .probes import MemcachedStats

THRESHOLDS = {
    "memcached.connections.warning_ratio": Threshold(
        value=0.8, source="own", reason="new clients are soon refused"
    ),
    "memcached.evictions.warning_per_second": Threshold(
        value=1, source="own", reason="keys that clients still want are thrown away"
    ),
}
FINDINGS = (
    *failures("memcached.connection", Flag.CHECK, Flag.NO_SESSION),
    entry("memcached.connection.ok", STATE, "The server answers", Flag.CHECK, Flag.ANSWERS),
    entry("memcached.stats.connections", SYMPTOM, "Most of its connections are used", fields="ratio"),
    entry("memcached.stats.evictions", SYMPTOM, "Keys are thrown away", Flag.EVICTS),
    entry("memcached.stats.ok", STATE, "Connections and memory have room"),
    entry("memcached.*.unknown", STATE, "Not assessed: the probe returned nothing"),
)


def analyze_connection(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield that it answers."""
    yield finding(evidence, "ok", FindingSeverity.OK, "it answers")


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield why it does not answer, UNKNOWN where that is our own inability."""
    problem = evidence.problem
    if problem is None or problem.kind.is_ours:
        reason = problem.message if problem else "the probe gave no reason"
        yield finding(evidence, "unknown", FindingSeverity.UNKNOWN, f"not assessed: {reason}")
        return
    yield finding(evidence, problem.kind.value, FindingSeverity.CRITICAL, problem.message, problem.advice)


def analyze_stats(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield how close it is to its limits, and what it throws away."""
    for row in evidence.of(MemcachedStats):
        found = list(_judge(evidence, row, context))
        yield from found or [finding(evidence, "ok", FindingSeverity.OK, "connections and memory have room")]


def _judge(evidence: Evidence, row: MemcachedStats, context: Context) -> Iterator[Finding]:
    ratio = row.connection_count / row.connection_limit_count
    if ratio >= context.thresholds["memcached.connections.warning_ratio"]:
        yield finding(
            evidence,
            "connections",
            FindingSeverity.WARNING,
            f"{row.connection_count} of {row.connection_limit_count} connections are used",
            ratio=ratio,
        )
    if row.evictions_per_second >= context.thresholds["memcached.evictions.warning_per_second"]:
        yield finding(
            evidence,
            "evictions",
            FindingSeverity.INFO if row.evicts_on_purpose else FindingSeverity.WARNING,
            f"it throws away {row.evictions_per_second:.0f} keys a second",
            f"{row.used_bytes} of {row.limit_bytes} bytes are used",
        )


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Yield the numbers of a server that a baseline compares and a watch follows."""
    for row in evidence.of(MemcachedStats):
        used = share(row.connection_count, row.connection_limit_count)
        yield reading(evidence, "connections", "connections in use", used, "ratio", limit=1.0)


ANALYZERS = {"memcached.connection": analyze_connection, "memcached.stats": analyze_stats}
ON_FAILURE = {"memcached.connection": analyze_failure}
