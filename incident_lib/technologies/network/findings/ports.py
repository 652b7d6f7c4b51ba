"""Judges which addresses accept connections."""

from collections.abc import Iterator
from types import MappingProxyType

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, ok, reason_of, unknown
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.rows import PortAnswer
from incident_lib.units import format_duration

_ORDER = (ProblemKind.REFUSED, ProblemKind.RESET, ProblemKind.TIMED_OUT, ProblemKind.UNREACHABLE)
_TITLES = MappingProxyType(
    {
        ProblemKind.REFUSED: ("port {port} refuses connections", "nothing listens there"),
        ProblemKind.RESET: ("port {port} resets connections", "it accepts and closes at once"),
        ProblemKind.TIMED_OUT: (
            "port {port} does not answer",
            "packets are dropped: a firewall, a full backlog, or a machine that is down",
        ),
        ProblemKind.UNREACHABLE: (
            "port {port} cannot be reached",
            "there is no route to that network: check routes, VPN and firewall",
        ),
    }
)


def analyze_ports(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield that no address answers, that some do not, or that all do."""
    rows = evidence.of(PortAnswer)
    dead = [row for row in rows if row.kind]
    if not rows:
        yield unknown(evidence)
    elif not dead:
        yield _ok(evidence, rows)
    elif len(dead) < len(rows):
        yield finding(
            evidence,
            "some",
            FindingSeverity.INFO,
            f"{len(dead)} of {len(rows)} addresses do not answer",
            "; ".join(row.message for row in dead),
            count=len(dead),
            total=len(rows),
            kind=str(dead[0].kind),
        )
    else:
        yield _down(evidence, dead)


def _down(evidence: Evidence, dead: list[PortAnswer]) -> Finding:
    """Return that nothing answers, by the kind that came nearest to an answer."""
    row = min(dead, key=lambda row: _ORDER.index(row.kind) if row.kind in _ORDER else len(_ORDER))
    kind = row.kind or ProblemKind.UNREACHABLE
    title, advice = _TITLES.get(kind, _TITLES[ProblemKind.UNREACHABLE])
    return finding(
        evidence,
        kind.value,
        FindingSeverity.CRITICAL,
        title.format(port=row.port),
        f"{'; '.join(row.message for row in dead)}: {advice}",
        address=row.address,
        port=row.port,
        count=len(dead),
    )


def _ok(evidence: Evidence, rows: tuple[PortAnswer, ...]) -> Finding:
    slowest = max(row.seconds or 0.0 for row in rows)
    where = f"port {rows[0].port}" if len(rows) == 1 else f"port {rows[0].port} at {len(rows)} addresses"
    return ok(
        evidence,
        f"{where} accepts connections in {format_duration(slowest)}",
        ", ".join(row.address for row in rows),
        port=rows[0].port,
        seconds=slowest,
    )


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield the failure of the connection itself, or that nothing is known where the inability is ours."""
    problem = evidence.problem
    if problem is None or problem.kind.is_ours:
        yield unknown(evidence)
        return
    name = problem.kind.value
    yield finding(evidence, name, FindingSeverity.CRITICAL, reason_of(evidence), problem.advice)
