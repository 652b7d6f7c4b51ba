"""Ranking: each pattern is held against each target; symptoms give way to causes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.catalogue import Catalogue, Flag
from incident_lib.hypotheses.clues import Clues, last_of
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.model import EVERYTHING, Finding, FindingSeverity, Hypothesis
from incident_lib.model.topology import Topology
from incident_lib.units import format_duration, some_of

_PER_SUPPORT = 0.04
_MOST_SUPPORT = 0.16
_PER_COUNTER = 0.15
_DENIED = 0.25  # what was measured weighs more than what a log line says
_FOLLOWS = 0.10
_BEFORE = timedelta(minutes=10)  # what ended earlier has nothing to do with it
_LONG_AFTER = timedelta(minutes=1)  # clients have come back by then to what was restarted
_HINTED = 0.20  # only a log's word stands for the cause
# What remains of a hypothesis that another one explains: less than the weakest cause that stands alone, so
# that of two independent faults the symptoms of one do not hide the other.
_SYMPTOM = 0.36
_LEAST = 0.20  # below this nothing carries it
_LEAST_SYMPTOM = 0.13
_UNNAMED = "unnamed:"


class _Candidate(msgspec.Struct, frozen=True):
    pattern: Pattern
    target: str
    kind: str
    required: tuple[Finding, ...]
    support: tuple[Finding, ...]
    against: tuple[Finding, ...]
    denials: tuple[Finding, ...]
    change: Finding | None
    score: float
    reason: str
    is_hinted: bool
    moments: tuple[datetime, ...] = ()  # when it came and went, of a cause with effects at that time alone
    least: float = _LEAST
    blamed: str = ""  # what the texts call the target, where that is none that is configured
    cause: "_Candidate | None" = None  # of which it is a symptom
    alike: tuple[str, ...] = ()  # further targets with the same symptom of the same cause

    @property
    def explains(self) -> tuple[str, ...]:
        """The ids of its symptoms, by what it rests on."""
        more = (self.pattern.explains_by.get(finding.id, ()) for finding in self.required)
        return (*self.pattern.explains, *chain.from_iterable(more))


def rank(
    findings: tuple[Finding, ...], topology: Topology, patterns: tuple[Pattern, ...], catalogue: Catalogue
) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that the findings support, the best first; none on a healthy system."""
    clues = Clues(findings, topology, catalogue)
    found = [each for pattern in patterns for each in _candidates(pattern, clues)]
    judged, taken = _judged(patterns), _taken(found)
    found = [each for candidate in found if (each := _left_to(candidate, taken=taken, judged=judged))]
    found = [each for each in found if not _is_outlived(each, found)]
    better = _known_otherwise(found)
    near = _Near([each for each in found if not _is_explained_better(each, better)], clues)
    weighed = [_weighed(each, near, clues) for each in near.candidates]
    listed = [each for each in weighed if each.score >= each.least and not _is_said(each)]
    kept = _folded(sorted(listed, key=_order), weighed)
    return tuple(_hypothesis(each, number, catalogue) for number, each in enumerate(kept, 1))


class _Near:
    """The candidates by what may explain them: of a thousand, not each pair can be tried."""

    def __init__(self, candidates: list[_Candidate], clues: Clues) -> None:
        self.candidates = candidates
        self._topology = clues.topology
        # One event explains what it names, a hint what logged it, and all others what is near their targets.
        self._events = [each for each in candidates if _event_of(each, clues.catalogue)]
        self._at: dict[str, list[_Candidate]] = {}
        for each in candidates:
            logged_by = {finding.target for finding in each.required} if each.is_hinted else set[str]()
            for target in {each.target, *logged_by}:
                self._at.setdefault(target, []).append(each)
        self._alone = {
            id(each)
            for each in candidates
            if not any(_explains(other, each, clues) for other in self.of(each))
        }

    def of(self, symptom: _Candidate) -> Iterator[_Candidate]:
        """Yield the candidates that may explain `symptom`, each once."""
        users = self._topology.users(symptom.target)
        beside = frozenset[str]().union(*map(self._topology.needs, users))
        targets = {symptom.target, *users, *beside, *self._topology.needs(symptom.target)}
        lists = (self._events, *(self._at.get(target, ()) for target in sorted(targets)))
        yield from {id(each): each for found in lists for each in found}.values()

    def is_alone(self, candidate: _Candidate) -> bool:
        """Return whether nothing explains it."""
        return id(candidate) in self._alone


def _candidates(pattern: Pattern, clues: Clues) -> Iterator[_Candidate]:
    without_target = pattern.without_target() if pattern.unlisted else None
    for target in clues.targets:
        kind = clues.topology.kinds.get(target, EVERYTHING if target == EVERYTHING else "")
        if kind in pattern.kinds:
            found = _held_against(pattern, target, clues)
        elif without_target and kind and not _needs_any(pattern.kinds, target, clues.topology):
            found = _held_against(without_target, target, clues)
            blamed = pattern.unlisted.format(user=target)
            found = msgspec.structs.replace(found, blamed=blamed) if found else None
        else:
            found = None
        if found:
            yield found


def _needs_any(kinds: Iterable[str], target: str, topology: Topology) -> bool:
    return not {topology.kinds.get(name) for name in topology.needs(target)}.isdisjoint(kinds)


def _held_against(pattern: Pattern, target: str, clues: Clues) -> _Candidate | None:
    when = _not_passed(clues.find_all(pattern.when, target), pattern, target, clues)
    also = clues.find_all(pattern.also, target)
    is_hinted = not when
    when = when or clues.find_all(pattern.hints, target)
    moments = _moments(pattern, target, when, clues)
    brief = clues.find_all(pattern.ends_with, target)
    also = [f for f in also if f not in brief or not _outlasts(f, when, clues)]
    also = _close(also, moments, pattern.within_seconds)
    change = clues.change_before_onset(pattern.follows, target)
    if not when or (pattern.also and not also) or clues.find_all(pattern.unless, target):
        return None
    if not any(f.severity.is_bad for f in (*when, *also)) or (pattern.must_follow and not change):
        return None
    required = tuple({f.ref: f for f in (*when, *also)}.values())
    supporting = clues.find_all(pattern.support, target)
    close = _close(supporting, moments, pattern.within_seconds)
    support = tuple(f for f in close if f not in required)
    denials = (
        *_denials(pattern, target, when, clues),
        *_later_onsets(supporting, close, clues.catalogue),
    )
    doubts = () if clues.find_all(pattern.certain, target) else clues.find_all(pattern.against, target)
    against = tuple(f for f in doubts if f not in denials)
    score = (
        pattern.base
        + min(_MOST_SUPPORT, _PER_SUPPORT * (len(support) + len(required) - 1))
        + (_FOLLOWS if change else 0)
        - _PER_COUNTER * len(against)
        - (_DENIED if denials else 0)
        - (0 if _has_critical(required) else 0.05)
        - (_HINTED if is_hinted else 0)
    )
    reasons = (
        _reason(change, clues, target),
        "intermittent" if any(f.data.get("returns_count") for f in required) else "",
        *(f"measured against it: {f.title}" for f in denials[:1]),
    )
    return _Candidate(
        pattern=pattern,
        target=target,
        kind=clues.topology.kinds.get(target, ""),
        required=required,
        support=support,
        against=against,
        denials=denials,
        change=change,
        score=score,
        reason="; ".join(filter(None, reasons)),
        is_hinted=is_hinted,
        moments=moments if pattern.within_seconds else (),
    )


def _denials(pattern: Pattern, target: str, when: list[Finding], clues: Clues) -> list[Finding]:
    """Return what was measured against a cause for which only lines of a log stand.

    What is measured of a target says nothing of an address in its log that is not configured.
    """
    beyond = {finding.ref for finding in clues.find_all(pattern.not_denied, target)}
    if any(finding.ref in beyond or not clues.catalogue.has(finding, Flag.LOGGED) for finding in when):
        return []
    found_by = [clue for clue in (*pattern.when, *pattern.hints) if clues.find(clue, target)]
    is_of_others = all(clue.startswith(_UNNAMED) for clue in found_by)
    denied_by = [clue for clue in pattern.denied_by if ":" in clue or not is_of_others]
    return clues.find_all(denied_by, target)


def _not_passed(found: list[Finding], pattern: Pattern, target: str, clues: Clues) -> list[Finding]:
    """Return the findings but for those that a change explains, as they ended with it."""
    changes = clues.find_all(pattern.passes_with, target)
    return [finding for finding in found if not changes or _outlasts(finding, changes, clues)]


def _outlasts(finding: Finding, changes: Iterable[Finding], clues: Clues) -> bool:
    """Return whether what is logged goes on long after the last of the changes, as of now."""
    last, ends = last_of(finding), [change.since for change in changes if change.since]
    if last is None or not ends or clues.newest is None:
        return False
    return last > max(ends) + _LONG_AFTER and last >= clues.newest - _LONG_AFTER


def _is_outlived(past: _Candidate, found: Iterable[_Candidate]) -> bool:
    """Return whether what a cause is blamed for ended with it, and another cause at its target went on.

    What went on began with it or later: a cause that stands by itself, and that explains what fails now.
    """
    lines = [at for finding in past.required if (at := last_of(finding))]
    if not past.moments or not lines or max(lines) > max(past.moments) + _LONG_AFTER:
        return False
    first, end = min(past.moments) - timedelta(seconds=past.pattern.within_seconds), max(lines)
    return any(
        other.target == past.target
        and not (other.moments or other.is_hinted or other.pattern.is_last or other.pattern.is_symptom)
        and any(
            finding.since and finding.since >= first and (last := last_of(finding)) and last > end
            for finding in other.required
        )
        for other in found
    )


def _moments(pattern: Pattern, target: str, when: list[Finding], clues: Clues) -> tuple[datetime, ...]:
    """Return when a cause came, and when what it began was over."""
    begun = [finding.since for finding in when if finding.since]
    ended = [finding.since for finding in clues.find_all(pattern.lasts_to, target) if finding.since]
    return (*begun, *(at for at in ended if any(at >= other for other in begun)))


def _close(found: list[Finding], moments: Collection[datetime], seconds: int) -> list[Finding]:
    """Return those that began before one of the moments, or so many seconds after it at most."""
    if not seconds or not moments:
        return found
    margin = timedelta(seconds=seconds)
    return [
        finding
        for finding in found
        if finding.since is None or any(_spans(finding, at, margin) for at in moments)
    ]


def _later_onsets(supporting: list[Finding], close: list[Finding], catalogue: Catalogue) -> list[Finding]:
    """Return when trouble began, where all of that came long after a cause that is over."""
    if any(catalogue.has(finding, Flag.ONSET) for finding in close):
        return []
    return [finding for finding in supporting if catalogue.has(finding, Flag.ONSET) and finding not in close]


def _comes_later(symptom: _Candidate, cause: _Candidate) -> bool:
    """Return whether what a symptom rests on began long after a cause that is over."""
    timed = [finding for finding in symptom.required if finding.since]
    seconds = cause.pattern.within_seconds
    return bool(timed and cause.moments and not _close(timed, cause.moments, seconds))


def _spans(finding: Finding, at: datetime, margin: timedelta) -> bool:
    until = last_of(finding) or finding.since
    return bool(finding.since and until and finding.since <= at + margin and until >= at - _BEFORE)


def _judged(patterns: Iterable[Pattern]) -> frozenset[tuple[str, str]]:
    """Return what causes that do not come last require: a kind of targets, and the id of a finding."""
    return frozenset(
        (kind, clue)
        for pattern in patterns
        if not pattern.is_last
        for kind in pattern.kinds
        for clue in (*pattern.when, *pattern.hints)
    )


def _taken(found: list[_Candidate]) -> set[str]:
    """Return what causes rest on that do not come last."""
    return {
        finding.ref
        for other in found
        if not other.pattern.is_last
        for finding in (*other.required, *(() if other.pattern.is_symptom else other.support))
    }


def _left_to(
    candidate: _Candidate, *, taken: Collection[str], judged: Collection[tuple[str, str]]
) -> _Candidate | None:
    """Return a candidate that comes last with what no other rests on, None where nothing is left.

    What is `judged` by another cause at such a target is not left, though that may have found it too little.
    """
    if not candidate.pattern.is_last:
        return candidate
    left = [
        finding
        for finding in candidate.required
        if finding.ref not in taken and (candidate.kind, finding.id) not in judged
    ]
    left.sort(key=lambda finding: (finding.severity.rank, -float(finding.data.get("count") or 0)))
    return msgspec.structs.replace(candidate, required=tuple(left)) if left else None


def _known_otherwise(found: list[_Candidate]) -> set[str]:
    """Return what causes rest on for which more than a line of a log stands."""
    return {
        finding.ref
        for other in found
        if not other.is_hinted and not other.pattern.is_symptom
        for finding in (*other.required, *other.support)
    }


def _is_explained_better(hint: _Candidate, better: Collection[str]) -> bool:
    """Return whether another cause has more than the log lines that `hint` rests on, and those too."""
    return hint.is_hinted and any(finding.ref in better for finding in hint.required)


def _weighed(candidate: _Candidate, near: _Near, clues: Clues) -> _Candidate:
    """Return a candidate with less weight where another candidate explains it."""
    causes = [
        other
        for other in near.of(candidate)
        if _explains(other, candidate, clues, is_alone=near.is_alone(other))
        and not _explains(candidate, other, clues)
    ]
    if not causes:
        return candidate
    cause = max(causes, key=lambda other: other.score)
    reason = f"{candidate.reason}; " if candidate.reason else ""
    return msgspec.structs.replace(
        candidate,
        score=candidate.score * _SYMPTOM,
        least=_LEAST_SYMPTOM,
        cause=cause,
        reason=f"{reason}probably a symptom of {_named(cause)}",
    )


def _is_said(symptom: _Candidate) -> bool:
    """Return whether its cause at the same target rests on all that it rests on, and on more."""
    cause = symptom.cause
    if cause is None or cause.target != symptom.target or cause.is_hinted:
        return False
    return {f.ref for f in symptom.required} < {f.ref for f in cause.required}


def _named(cause: _Candidate) -> str:
    return cause.pattern.id if cause.target == EVERYTHING else f"{cause.pattern.id} at {cause.target}"


def _explains(cause: _Candidate, symptom: _Candidate, clues: Clues, *, is_alone: bool = False) -> bool:
    topology = clues.topology
    if cause is symptom or _comes_later(symptom, cause):
        return False
    if cause.is_hinted and cause.target != symptom.target:
        return symptom.pattern.id in cause.explains and _is_logged_as_often(cause, symptom)
    if (
        _knows_more(cause, symptom)
        or _is_measured_beside(cause, symptom)
        or _covers(cause, symptom, clues.catalogue)
    ):
        return True
    named = {symptom.pattern.id, *([f"alone:{symptom.pattern.id}"] if is_alone else [])}
    related = topology.needs(symptom.target) | {symptom.target} | topology.users(symptom.target)
    if named.intersection(cause.explains) and cause.target in related:
        return True
    beside = topology.users(symptom.target) & topology.users(cause.target)
    if f"beside:{symptom.pattern.id}" in cause.explains and beside:
        return True
    gives_way = symptom.pattern.is_symptom or symptom.is_hinted
    is_behind = gives_way and cause.target in topology.needs(symptom.target)
    return is_behind and not cause.pattern.is_quiet and _is_felt(cause, clues)


def _is_logged_as_often(hint: _Candidate, symptom: _Candidate) -> bool:
    """Return whether what fails itself logs the hint, for most of the requests that fail."""
    logged = sum(
        float(finding.data.get("count") or 0) for finding in hint.required if finding.target == symptom.target
    )
    failed = max((float(finding.data.get("failed_count") or 0) for finding in symptom.required), default=0.0)
    return failed > 0 and 2 * logged >= failed


def _event_of(candidate: _Candidate, catalogue: Catalogue) -> Finding | None:
    return next((f for f in candidate.required if catalogue.has(f, Flag.TOGETHER)), None)


def _covers(event: _Candidate, symptom: _Candidate, catalogue: Catalogue) -> bool:
    """Return whether a hypothesis rests on nothing but what one event shows, or on a log's word."""
    shared = _event_of(event, catalogue)
    if shared is None or symptom.target not in str(shared.data.get("targets") or "").split():
        return False
    shown = {*shared.evidence}
    return symptom.is_hinted or all({*f.evidence} <= shown for f in symptom.required if f.severity.is_bad)


def _folded(ranked: list[_Candidate], weighed: Iterable[_Candidate]) -> list[_Candidate]:
    """Return hypotheses, the same symptom of one cause at several targets as one of them.

    One cause is also what several logs say of one address, and one symptom of one cause at those targets.
    """
    causes = {(each.pattern.id, each.target): each.cause for each in weighed}
    kept: dict[object, _Candidate] = {}
    for each in ranked:
        key = _kind_of(each, causes)
        first = kept.setdefault(key, each)
        if first is not each:
            kept[key] = msgspec.structs.replace(first, alike=(*first.alike, each.target))
    return list(kept.values())


def _kind_of(each: _Candidate, causes: Mapping[tuple[str, str], _Candidate | None]) -> tuple[str, ...]:
    """Return what a hypothesis has in common with the same one at another target: up to its first cause."""
    steps: list[str] = []
    while each.pattern.id not in steps and (cause := causes.get((each.pattern.id, each.target))):
        steps.append(each.pattern.id)
        each = cause
    first = each.required[0]
    address = first.data.get("address") if each.is_hinted and first.target == each.target else None
    return (*steps, each.pattern.id, str(address or f"at {each.target}"))


def _knows_more(cause: _Candidate, hint: _Candidate) -> bool:
    """Return whether a user's log hints at a target of which something else is known."""
    of_others = hint.is_hinted and hint.required[0].target != hint.target
    known = not cause.is_hinted and not cause.pattern.is_symptom
    return of_others and known and cause.target == hint.target


def _is_measured_beside(cause: _Candidate, last: _Candidate) -> bool:
    """Return whether more than a line of the log stands for a cause at the target of what comes last."""
    known = not cause.is_hinted and not cause.pattern.is_symptom
    return last.pattern.is_last and known and cause.target == last.target


def _is_felt(cause: _Candidate, clues: Clues) -> bool:
    """Return whether more than its own warning supports it: what users do not feel explains no failure."""
    users = clues.topology.users(cause.target)
    return _has_critical(cause.required) or any(
        finding.severity.is_bad
        and finding.target in users
        and not clues.catalogue.has(finding, Flag.ANY_FAILURE)
        for finding in (*cause.required, *cause.support)
    )


def _order(candidate: _Candidate) -> tuple[float, str, str]:
    return (-round(candidate.score, 4), candidate.pattern.id, candidate.target)


def _has_critical(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is FindingSeverity.CRITICAL for finding in findings)


def _reason(change: Finding | None, clues: Clues, target: str) -> str:
    onset = clues.onset(target)
    if onset is None:
        return ""
    if change and change.since:
        seconds = (onset - change.since).total_seconds()
        order = "after" if seconds >= 0 else "before"
        return f"trouble began {format_duration(round(abs(seconds)))} {order} a change: {change.title}"
    return f"trouble began at {format_time(onset)}"


def _last_words(support: Iterable[Finding], catalogue: Catalogue) -> str:
    """Return the error that the target's log ends in, as a sentence, "" where none is known."""
    errors = (finding.data.get("error") for finding in support if catalogue.has(finding, Flag.LAST_WORDS))
    error = next((error for error in errors if error), "")
    return f"Its log ends with: {error} - " if error else ""


def _raised(candidate: _Candidate, catalogue: Catalogue) -> str:
    """Return the exception that a symptom of unknown cause comes with, as a sentence, "" for none."""
    if not candidate.pattern.is_symptom:
        return ""
    for finding in candidate.support:
        if catalogue.has(finding, Flag.RAISED) and (name := finding.data.get("type")):
            message, frame = finding.data.get("message"), finding.data.get("frame")
            words = f"{name}: {message}" if message and message != name else str(name)
            return f"Most often raised: {words}{f' in {frame}' if frame else ''}. "
    return ""


class _Blank(dict[str, object]):
    """Data for a title: a name that no finding filled in reads as a plain word."""

    def __missing__(self, key: str) -> str:
        return f"an unknown {key.replace('_', ' ')}"


def _hypothesis(candidate: _Candidate, number: int, catalogue: Catalogue) -> Hypothesis:
    known = {
        key: value for f in reversed(candidate.required) for key, value in f.data.items() if value is not None
    }
    blamed = candidate.blamed or candidate.target
    support = [*candidate.required, *candidate.support, *([candidate.change] if candidate.change else [])]
    first, pattern = candidate.required[0].id, candidate.pattern
    denial = candidate.denials[0].title if candidate.denials else ""
    data = _Blank({"user": candidate.required[0].target} | known | {"target": blamed, "denial": denial})
    title = pattern.titles.get(first, pattern.title)
    next_check = pattern.next_checks.get(first, pattern.next_check)
    first_action = pattern.first_actions.get(first, pattern.first_action)
    if denial:
        title = pattern.denied_title or title
        next_check = pattern.denied_check or next_check
        first_action = pattern.denied_action or first_action
    title = " ".join(title.format_map(data).split())
    known_errors = _last_words(support, catalogue) or _raised(candidate, catalogue)
    if candidate.alike:
        title = f"{title}; the same at {some_of(candidate.alike)}"
    return Hypothesis(
        id=pattern.id,
        target=candidate.target,
        rank=number,
        score=round(max(0.0, min(1.0, candidate.score)), 2),
        title=f"T{title[1:]}" if blamed.startswith("the ") and title.startswith(blamed) else title,
        support=tuple(dict.fromkeys(f.id for f in support)),
        against=tuple(dict.fromkeys(f.id for f in (*candidate.denials, *candidate.against))),
        reason=candidate.reason,
        next_check=f"{known_errors}{next_check.format_map(data)}",
        first_action=first_action.format_map(data),
        notebook=pattern.notebook,
        symptom_of=f"{candidate.cause.target}:{candidate.cause.pattern.id}" if candidate.cause else "",
        alike=candidate.alike,
    )
