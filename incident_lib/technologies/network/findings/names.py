"""Judges how a name resolves. The system's own resolution decides; the resolvers explain."""

from collections.abc import Iterator, Sequence

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, ok, reason_of, unknown
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.rows import NameAnswer
from incident_lib.units import format_duration


def analyze_names(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is wrong with the name, or what it resolves to."""
    rows = evidence.of(NameAnswer)
    system = next((row for row in rows if row.decides), None)
    if system is None:
        yield unknown(evidence)
        return
    others = [row for row in rows if not row.decides]
    found = [
        *_slow(evidence, context, system, others),
        *_silent(evidence, others),
        *_differ(evidence, system, others),
    ]
    yield from found
    if not any(each.severity.is_bad for each in found):
        yield _ok(evidence, system)


def analyze_names_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield that the name does not resolve, or that nothing is known."""
    problem = evidence.problem
    name = evidence.source.partition("getaddrinfo ")[2].partition("\n")[0]
    if problem is not None and problem.kind is ProblemKind.NOT_CALLED:
        critical = FindingSeverity.CRITICAL  # whoever uses the name calls that, too
        yield finding(evidence, "reserved", critical, reason_of(evidence), problem.advice, host=name)
        return
    if problem is None or problem.kind not in {ProblemKind.NAME_NOT_RESOLVED, ProblemKind.TIMED_OUT}:
        yield unknown(evidence)
        return
    yield finding(
        evidence,
        "not_resolving",
        FindingSeverity.CRITICAL,
        f"the name {name} does not resolve here",
        f"{reason_of(evidence)}. {problem.advice}",
        host=name,
        resolver_count=problem.numbers.get("resolver_count"),
        silent_count=problem.numbers.get("silent_count"),
    )


def _slow(
    evidence: Evidence, context: Context, system: NameAnswer, others: Sequence[NameAnswer]
) -> Iterator[Finding]:
    severity = context.thresholds.severity("network.names", system.seconds, "seconds")
    if severity is None:
        return
    yield finding(
        evidence,
        "slow",
        severity if others else FindingSeverity.INFO,  # no resolver was asked: this machine was slow
        f"the name {system.name} takes {format_duration(system.seconds or 0.0)} to resolve",
        "every new connection waits that long: check the resolvers, their order and the search domains",
        host=system.name,
        seconds=system.seconds,
    )


def _silent(evidence: Evidence, others: Sequence[NameAnswer]) -> Iterator[Finding]:
    silent = [row.asked for row in others if row.code is None]
    if not silent:
        return
    yield finding(
        evidence,
        "resolver",
        FindingSeverity.INFO,
        f"{len(silent)} of {len(others)} resolvers do not answer: {', '.join(silent)}",
        "; ".join(f"{row.asked}: {row.error}" for row in others if row.code is None),
        host=others[0].name,
        count=len(silent),
    )


def _differ(evidence: Evidence, system: NameAnswer, others: Sequence[NameAnswer]) -> Iterator[Finding]:
    """Yield that a resolver answers with nothing of what the system uses. Round robin shares addresses."""
    used = set(system.addresses)
    different = [row for row in others if row.code is not None and not used & set(row.addresses)]
    if not different:
        return
    answers = "; ".join(f"{row.asked}: {', '.join(row.addresses) or row.code}" for row in different)
    yield finding(
        evidence,
        "differ",
        FindingSeverity.INFO,
        f"resolvers disagree about {system.name}",
        f"the system uses {', '.join(system.addresses)}; {answers}",
        host=system.name,
        count=len(different),
    )


def _ok(evidence: Evidence, system: NameAnswer) -> Finding:
    took = format_duration(system.seconds or 0.0)
    where = ", ".join(system.addresses)
    title = (
        f"{system.name} is {where}" if system.name != where else f"no name to resolve: {where} is an address"
    )
    return ok(evidence, title, f"resolved in {took}", host=system.name, seconds=system.seconds)
