"""Judges what a service's dependencies look like from inside its container."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, ok, unknown
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.findings.inside_tls import judge_tls
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer

_ORDER = (ProblemKind.REFUSED, ProblemKind.RESET, ProblemKind.TIMED_OUT, ProblemKind.UNREACHABLE)
_TITLES = {
    ProblemKind.REFUSED: (
        "refuses connections",
        "nothing listens there: is it the right port inside the container?",
    ),
    ProblemKind.RESET: ("accepts and closes at once", "look for a proxy, a connection limit or its log"),
    ProblemKind.TIMED_OUT: (
        "does not answer",
        "packets are dropped: check for a firewall or a policy between the two, and check their networks",
    ),
    ProblemKind.UNREACHABLE: (
        "cannot be reached",
        "there is no route to that network: do the two share one?",
    ),
}
InsideRow = NameAnswer | PortAnswer | TlsAnswer
_LEAST_NAMES = 2  # that fail together before the resolver is blamed, and not each name


def analyze_inside(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield what is wrong from inside, each at the dependency that it is about, or that all is well.

    The data says from where (`vantage`, `where`), so that it can be set against what is seen from here.
    """
    names = evidence.of(NameAnswer)
    rows: tuple[InsideRow, ...] = (*names, *evidence.of(PortAnswer), *evidence.of(TlsAnswer))
    if not rows:
        yield unknown(evidence)
        return
    found = [*_resolver(evidence, names), *_names(evidence, names), *_ports(evidence), *judge_tls(evidence)]
    yield from found
    if not any(each.severity.is_bad for each in found) and evidence.problem is None:
        yield _ok(evidence, rows)


def _lost(names: Sequence[NameAnswer]) -> list[NameAnswer]:
    return [row for row in names if not row.addresses]


def _resolver_is_dead(names: Sequence[NameAnswer]) -> bool:
    """Return whether every outside name is lost: the engine's own resolver answers for containers itself."""
    outer = {row.name: row for row in names if "." in row.name.rstrip(".")}
    return len(outer) >= _LEAST_NAMES and all(not row.addresses for row in outer.values())


def _resolver(evidence: Evidence, names: Sequence[NameAnswer]) -> Iterator[Finding]:
    if not _resolver_is_dead(names):
        return
    lost = _lost(names)
    yield finding(
        evidence,
        "resolver",
        FindingSeverity.CRITICAL,
        f"no outside name resolves inside {names[0].asked}",
        f"{', '.join(row.name for row in lost)}. Check its resolv.conf and the resolvers named there",
        vantage=names[0].asked,
        where=f"inside {names[0].asked}",
        count=len(lost),
    )


def _names(evidence: Evidence, names: Sequence[NameAnswer]) -> Iterator[Finding]:
    dead = _resolver_is_dead(names)
    for row in (row for row in names if row.addresses and row.error):
        what = f"the name {row.name} resolves to a link-local or metadata address"
        judged = finding(
            evidence,
            "reserved",
            FindingSeverity.CRITICAL,
            f"{what} inside {row.asked}",
            f"{row.error}. Find out who changed that name",
            host=row.name,
            vantage=row.asked,
            where=f"inside {row.asked}",
            what=what,
        )
        yield _at(judged, row.dependency)
    for row in _lost(names):
        why = (row.error if row.code is None else "") or "no such name"
        what = f"the name {row.name} does not resolve"
        judged = finding(
            evidence,
            "not_resolving",
            FindingSeverity.INFO if dead and "." in row.name else FindingSeverity.CRITICAL,
            f"{what} inside {row.asked}",
            f"{why}. Check the container's resolvers, hosts file and network",
            host=row.name,
            count=len(_lost(names)),
            vantage=row.asked,
            where=f"inside {row.asked}",
            what=what,
        )
        yield _at(judged, row.dependency)


def _ports(evidence: Evidence) -> Iterator[Finding]:
    rows = sorted(evidence.of(PortAnswer), key=lambda row: (row.dependency, row.name, row.port))
    for _, group in groupby(rows, key=lambda row: (row.dependency, row.name, row.port)):
        tried = list(group)
        if not all(row.kind for row in tried):
            continue
        row = min(tried, key=lambda row: _ORDER.index(row.kind) if row.kind in _ORDER else len(_ORDER))
        kind = row.kind if row.kind and row.kind in _TITLES else ProblemKind.UNREACHABLE
        words, advice = _TITLES[kind]
        what = f"port {row.port} of {row.name} {words}"
        judged = finding(
            evidence,
            kind.value,
            FindingSeverity.CRITICAL,
            f"{what}, seen from inside {row.asked}",
            f"{'; '.join(row.message for row in tried)}: {advice}",
            host=row.name,
            address=row.address,
            port=row.port,
            vantage=row.asked,
            where=f"inside {row.asked}",
            what=what,
        )
        yield _at(judged, row.dependency)


def _at(judged: Finding, dependency: str) -> Finding:
    """Return a finding at what it is about; evidence of earlier versions does not say what that is."""
    return msgspec.structs.replace(judged, target=dependency) if dependency else judged


def _ok(evidence: Evidence, rows: Sequence[InsideRow]) -> Finding:
    needed = tuple(dict.fromkeys(row.dependency or row.name for row in rows))
    count = len(needed)
    what = f"{needed[0]} is" if count == 1 else f"all {count} dependencies are"
    seen = "; ".join(
        f"{row.name} is {row.addresses[0]}" for row in rows if isinstance(row, NameAnswer) and row.addresses
    )
    title = f"inside {rows[0].asked} {what} as expected"
    return ok(evidence, title, seen, vantage=rows[0].asked, count=count)
