"""What is over although the log alone cannot show it: its cause is measured now, and is well. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag, Nature
from incident_lib.findings.recovery import recovered
from incident_lib.model import Analysis, Finding, FindingSeverity, Holds
from incident_lib.technologies.logs.rows import LogSummary

# Only more requests show that these are over; of all else what is measured now does.
_OF_REQUESTS = frozenset(
    {Flag.ANY_FAILURE, Flag.ERROR_RATE, Flag.SLOW, Flag.WAITS, Flag.ONSET, Flag.SLOW_ONSET}
)

_OF_CLIENTS = frozenset({Flag.UNMEASURED, Flag.CLIENT_REFUSED})  # that a server answers denies none of these

_ENOUGH_REQUESTS = 100  # in the window; fewer say nothing
_LOGIN = timedelta(seconds=10)  # between a refusal in a server's log and in its client's


def confirm_recovery(findings: Iterable[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; those that were not seen again, and whose cause is well now, are over.

    An analyzer marks them with `until`, and with `holds` unknown: too little came since then for it to know.
    """
    found = list(findings)
    states = _States(found, situation)
    found = [_over_by_cause(finding, states, situation) for finding in found]
    states = _States(found, situation)
    found = [_over_with_cause(finding, states, situation) for finding in found]
    return [_over_with_clients(finding, found, situation) for finding in found]


def over_with_evidence(compared: Iterable[Finding], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings that compare with another time; those that compare what is over are over with it.

    A log is compared as a whole: a fault in it is more than in the baseline until the window has moved on.
    """
    ends: dict[str, datetime | None] = {}
    bad: set[str] = set()
    for finding in findings:
        for ref in finding.evidence:
            if finding.severity.is_bad:
                bad.add(ref)
            elif finding.is_past:
                ends[ref] = max(filter(None, (ends.get(ref), finding.until)), default=None)
    for finding in compared:
        refs = set(finding.evidence)
        if finding.severity.is_bad and refs and refs <= ends.keys() - bad:
            until = max(filter(None, (ends[ref] for ref in refs)), default=None)
            yield recovered(finding, until, "the difference is over")
        else:
            yield finding


def gone_since(before: Analysis, seen_at: datetime, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what was wrong in the snapshot before, of the same incident, and is well by the same probes now.

    A probe that saw nothing, or too little for an OK, shows no recovery. What is reported is not repeated.
    """
    present = list(findings)
    reported = {finding.ref for finding in present}
    well = {ref for finding in present if finding.severity is FindingSeverity.OK for ref in finding.evidence}
    bad = {(finding.target, finding.probe) for finding in present if finding.severity.is_bad}
    for finding in before.findings:
        refs = set(finding.evidence)
        is_gone = finding.severity.is_bad and finding.ref not in reported and refs and refs <= well
        if is_gone and (finding.target, finding.probe) not in bad:
            why = f"seen last at {seen_at:%H:%M:%S} UTC, in the snapshot before, and not now"
            yield recovered(msgspec.structs.replace(finding, evidence_hashes={}), seen_at, why)


class _States:
    """Which targets are well by what is measured now."""

    def __init__(self, findings: Iterable[Finding], situation: Situation) -> None:
        catalogue = situation.catalogue
        self.asked: set[str] = (
            set()
        )  # targets whose clients are served, or not: what runs may still not serve
        self.stores: set[str] = set()
        self.hints: dict[str, list[Finding]] = {}
        ok: set[str] = set()
        answering: set[str] = set()
        self.ill: set[str] = set()
        for finding in findings:
            target, flags = finding.target, catalogue[finding.id].flags
            if finding.severity.is_bad and finding.holds is Holds.NOW:
                self.ill.add(target)
            if catalogue[finding.id].nature is Nature.HINT and catalogue[finding.id].about:
                self.hints.setdefault(target, []).append(finding)
            if flags & {Flag.OF_STORE, Flag.HEALTH}:
                self.asked.add(target)
            if Flag.OF_STORE in flags:
                self.stores.add(target)
            if finding.severity is FindingSeverity.OK and Flag.FIRST_SEEN not in flags:
                (answering if Flag.ANSWERS in flags else ok).add(target)
        self._seen_well = (ok | answering) - (self.asked - answering)

    def is_well(self, target: str) -> bool:
        """Return whether a target was measured now and nothing about it is bad."""
        return target in self._seen_well and target not in self.ill


def _is_doubtful(finding: Finding) -> bool:
    return finding.holds is Holds.UNKNOWN and finding.until is not None


def _over_by_cause(finding: Finding, states: _States, situation: Situation) -> Finding:
    """Return a finding as over where what it is about is measured and well, and so is its own target."""
    if not _is_doubtful(finding):
        return finding
    kind, target = situation.catalogue[finding.id], finding.target
    if kind.flags & _OF_CLIENTS:
        return finding
    if kind.nature is Nature.HINT:
        of_itself = not kind.about and target in states.stores  # what a store logs is about itself
        causes = (target,) if of_itself else tuple(_causes(finding, kind.about, situation))
        serves = target not in states.ill and (target not in states.asked or states.is_well(target))
        if causes and all(map(states.is_well, causes)) and serves:
            return recovered(
                finding, finding.until, f"{', '.join(causes)} answers now, and it has not been seen since"
            )
        return finding
    of_lines = Flag.FIRST_SEEN in kind.flags and "event" not in kind.fields  # and not of the server's life
    needs_more = target not in states.stores and (of_lines or kind.flags & _OF_REQUESTS)
    if not needs_more and states.is_well(target):
        return recovered(finding, finding.until, f"{target} is healthy now, and it has not been seen since")
    return finding


def _causes(finding: Finding, about: str, situation: Situation) -> Iterator[str]:
    """Yield the targets that a line is about: those whose address it names, else all of that kind."""
    topology, target = situation.topology, finding.target
    if not about:
        return
    if topology.kinds.get(target) == about:
        yield target
        return
    near = [name for name in topology.depends_on.get(target, ()) if topology.kinds.get(name) == about]
    if peers := str(finding.data.get("peers") or "").split():
        named = frozenset[str]().union(*map(topology.called, peers))
        near = [name for name in near if not named or name in named]
    yield from near


def _over_with_cause(finding: Finding, states: _States, situation: Situation) -> Finding:
    """Return failed requests as over where all that the service logged as a cause is over."""
    hints = states.hints.get(finding.target, ())
    is_of_requests = bool(situation.catalogue[finding.id].flags & _OF_REQUESTS)
    if not (_is_doubtful(finding) and is_of_requests and states.is_well(finding.target)):
        return finding
    gone = [hint for hint in hints if hint.is_past]
    if gone and len(gone) == len(hints):
        return recovered(finding, finding.until, f"what it logged as a cause is over: {gone[0].title}")
    return finding


def _over_with_clients(finding: Finding, found: Sequence[Finding], situation: Situation) -> Finding:
    """Return what a store refused as over where its clients logged each of it, and are served again.

    A store's own log shows no more of it when the client gave up: only the client can tell. So it is over
    too where no client logged any of it, and all their requests were answered well all the time.
    """
    if not (_is_doubtful(finding) and situation.catalogue[finding.id].flags & _OF_CLIENTS):
        return finding
    users = situation.topology.users(finding.target)
    theirs = [other for other in found if other.id == finding.id and other.target in users]
    if not theirs and (served := _served_all(users, found, situation)):
        why = f"{', '.join(served)} logged none of them, and no request failed"
        return recovered(finding, finding.until, why)
    is_over = bool(theirs) and all(other.is_past for other in theirs)
    if not is_over or _count(finding) > sum(map(_count, theirs)) or not _spans(theirs, finding):
        return finding
    names = ", ".join(sorted(other.target for other in theirs))
    return recovered(finding, finding.until, f"{names} logged all of them, and has been served since")


def _served_all(users: Collection[str], found: Iterable[Finding], situation: Situation) -> list[str]:
    """Return the users whose logs hold requests, none of which failed; none where a user is not well."""
    if any(other.target in users and other.severity.is_bad for other in found):
        return []
    logs = [
        (each.target, row)
        for each in situation.evidence
        if each.target in users
        for row in each.of(LogSummary)
        if row.requests_count
    ]
    served = sum(row.requests_count for _, row in logs) >= _ENOUGH_REQUESTS
    well = served and not any(row.server_errors_count for _, row in logs)
    return sorted({target for target, _ in logs}) if well else []


def _count(finding: Finding) -> int:
    count = finding.data.get("count")
    return count if isinstance(count, int) else 0


def _spans(theirs: Iterable[Finding], finding: Finding) -> bool:
    """Return whether what others logged began and ended with a finding, but for the time of a login."""
    spells = [(other.since, other.until) for other in theirs if other.since and other.until]
    if not (spells and finding.since and finding.until):
        return False
    first, last = min(since for since, _ in spells), max(until for _, until in spells)
    return abs(finding.since - first) <= _LOGIN and finding.until - last <= _LOGIN
