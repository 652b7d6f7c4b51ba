"""What evidence shows of the past, as events: changes, the onset, the first failing check, its recovery.

A second snapshot shows most of it again; what the timeline already holds is not recorded twice.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from incident_lib.errors import FolderError
from incident_lib.findings.catalogue import FindingKind, Flag, Nature
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.snapshot import load_analysis, load_moments
from incident_lib.model import EVERYTHING, Analysis, Event, EventKind, Evidence, Finding, FindingSeverity
from incident_lib.model.renamed import current_id
from incident_lib.technologies import catalogue

_SAME = timedelta(seconds=5)  # two probes or two snapshots about the same event
_DAY = timedelta(days=1)  # a warning that is older than this is unrelated to today
_NEVER = datetime.max.replace(tzinfo=UTC)
_FAILS, _PASSES = "fails", "passes"
_RECOVERED = "recovered"


def record_observed(
    folder: IncidentFolder, analysis: Analysis, evidence: Iterable[Evidence] = ()
) -> tuple[Event, ...]:
    """Record what a snapshot shows and the timeline does not hold yet; return it. Errors: FolderError."""
    drafts = observations(analysis, evidence, folder.events)
    return folder.record_all(drafts)


def observations(
    analysis: Analysis, evidence: Iterable[Evidence] = (), known: Iterable[Event | Draft] = ()
) -> tuple[Draft, ...]:
    """Return the moments that `known` does not hold yet, oldest first. Pure.

    Shape: source is the probe, `data` names finding, target and snapshot. Without `evidence`, only findings
    that give their own start time.
    """
    return _observe(analysis, {item.ref: item.collected_at for item in evidence}, _Known(known))


def not_recorded(folder: IncidentFolder) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """Return what snapshots show and no event of theirs records, and what could not be read.

    Snapshots of older versions recorded nothing. Cost: reads conclusions, and of the evidence only its
    collection times.
    """
    events = folder.events
    recorded = {event.data.get("snapshot") for event in events if event.kind is EventKind.OBSERVED}
    known = _Known(events)
    found: list[Draft] = []
    left_out: list[str] = []
    for path in folder.snapshots:
        if path.name in recorded:
            continue
        try:
            if analysis := load_analysis(path):
                found += _observe(analysis, load_moments(path), known)
        except FolderError as error:
            left_out.append(str(error))
    return tuple(found), tuple(left_out)


class _Known:
    """The moments that are already known, by subject."""

    def __init__(self, known: Iterable[Event | Draft]) -> None:
        self._moments: dict[tuple[object, ...], list[datetime]] = {}
        self._checks: dict[tuple[str, object], tuple[datetime, object]] = {}
        for item in known:
            if item.kind is EventKind.OBSERVED:
                self.add(item)

    def add(self, item: Event | Draft) -> None:
        """Add a moment."""
        at = item.occurred_at or _NEVER
        if "check" in item.data:
            key = (item.source, item.data.get("target"))
            if key not in self._checks or at >= self._checks[key][0]:
                self._checks[key] = (at, item.data["check"])
        else:
            insort(self._moments.setdefault(_subject(item), []), at)

    def holds(self, draft: Draft) -> bool:
        """Return whether another snapshot or probe reported this moment. Checks differ by what was before."""
        moments = self._moments.get(_subject(draft))
        if not moments or "check" in draft.data:
            return False
        if Flag.FIRST_SEEN in _kind(draft).flags and draft.data.get("what") != _RECOVERED:
            return True  # it moves with the window: the first recorded moment stays
        at = draft.occurred_at or _NEVER
        nearest = moments[max(0, (place := bisect_left(moments, at)) - 1) : place + 1]
        return any(abs(at - moment) <= _SAME for moment in nearest)

    def check(self, probe: str, target: str) -> object:
        """Return whether a check failed or passed when it was last reported; at first it passed."""
        return self._checks.get((probe, target), (_NEVER, _PASSES))[1]


def _observe(analysis: Analysis, seen_at: Mapping[str, datetime], known: _Known) -> tuple[Draft, ...]:
    """Return the new moments; they are known afterwards."""
    drafts: list[Draft] = []
    for draft in (*_moments(analysis, seen_at), *_checks(analysis, seen_at, known)):
        if not known.holds(draft):
            known.add(draft)
            drafts.append(draft)
    return tuple(sorted(drafts, key=lambda draft: (draft.occurred_at or _NEVER, draft.text)))


def onset_of(analysis: Analysis) -> datetime | None:
    """Return when the trouble began, from the logs; None if they do not show it."""
    onsets = (f.since for f in analysis.findings if catalogue().has(f, Flag.ONSET) and not f.is_past)
    return min((since for since in onsets if since), default=None)


def _moments(analysis: Analysis, seen_at: Mapping[str, datetime]) -> Iterator[Draft]:
    newest = max(seen_at.values(), default=None)
    shown = _shown_by_events(analysis)
    moments = [f for f in analysis.findings if _is_moment(f, newest) and not _is_shown(f, shown)]
    for finding in sorted(moments, key=lambda f: catalogue()[f.id].precedence):
        begins = catalogue().has(finding, Flag.ONSET)
        text = f"trouble begins, {finding.title}" if begins else finding.title
        yield _draft(finding, analysis, finding.since, text)
    for finding in analysis.findings:
        if finding.is_past and finding.until and catalogue()[finding.id].is_felt:
            yield _draft(finding, analysis, finding.until, finding.title, what=_RECOVERED)
        if root := _lock_root(finding, seen_at):
            yield _draft(finding, analysis, root, _root_text(finding), what="root")


def _is_moment(finding: Finding, newest: datetime | None) -> bool:
    if finding.since is None:
        return False
    if finding.is_past:  # its end is a separate moment
        return catalogue().has(finding, Flag.ONSET)
    if finding.severity is FindingSeverity.WARNING:
        return newest is None or finding.since > newest - _DAY
    kind = catalogue()[finding.id]
    of_note = kind.nature is Nature.CHANGE or Flag.MOMENT in kind.flags
    return of_note or finding.severity is FindingSeverity.CRITICAL


def _checks(analysis: Analysis, seen_at: Mapping[str, datetime], known: _Known) -> Iterator[Draft]:
    """Yield each check that newly fails, or passes again; an event at many targets only once."""
    state: dict[tuple[str, str], object] = {}
    shown = _shown_by_events(analysis)
    for event in analysis.events:
        at = next((seen_at[ref] for ref in event.evidence if ref in seen_at), None)
        if at is not None and event.since is None:
            yield _draft(event, analysis, at, f"{event.title} (first seen)")
    for finding in analysis.apart:
        at = next((seen_at[ref] for ref in finding.evidence if ref in seen_at), None)
        if at is None or finding.since or not catalogue().has(finding, Flag.CHECK):
            continue
        check = probe, target = finding.probe, finding.target
        before = state.get(check) or known.check(probe, target)
        is_new = before == _PASSES and not _is_shown(finding, shown)
        if finding.severity is FindingSeverity.CRITICAL and is_new:
            state[check] = _FAILS
            yield _draft(finding, analysis, at, f"{finding.title} (first seen)", check=_FAILS)
        elif finding.severity is FindingSeverity.OK and before == _FAILS:
            state[check] = _PASSES
            yield _draft(finding, analysis, at, f"{finding.title} (healthy again)", check=_PASSES)


def _shown_by_events(analysis: Analysis) -> frozenset[str]:
    return frozenset(ref for event in analysis.events for ref in event.evidence)


def _is_shown(finding: Finding, shown: frozenset[str]) -> bool:
    """Return whether an event at many targets covers a finding: it is a single moment for all of them."""
    return finding.target != EVERYTHING and bool(finding.evidence) and {*finding.evidence} <= shown


def _lock_root(finding: Finding, seen_at: Mapping[str, datetime]) -> datetime | None:
    """Return when the transaction that blocks others began, None if that is not known."""
    seconds = finding.data.get("root_transaction_seconds")
    at = next((seen_at[ref] for ref in finding.evidence if ref in seen_at), None)
    if at is None or not isinstance(seconds, int | float) or not catalogue().has(finding, Flag.LOCK_WAIT):
        return None
    return at - timedelta(seconds=seconds)


def _root_text(finding: Finding) -> str:
    name = finding.data.get("root_application") or finding.data.get("root_role") or "a session"
    return f"the transaction that others wait for begins ({name}, pid {finding.data.get('root_pid')})"


def _draft(finding: Finding, analysis: Analysis, at: datetime | None, text: str, **more: str) -> Draft:
    return Draft(
        kind=EventKind.OBSERVED,
        text=text if finding.target == EVERYTHING else f"{finding.target}: {text}",
        source=finding.probe,
        occurred_at=at,
        evidence=finding.evidence,
        data={
            "finding": finding.id,
            "target": finding.target,
            "severity": finding.severity.value,
            "snapshot": analysis.snapshot,
            **more,
        },
    )


def _subject(item: Event | Draft) -> tuple[object, ...]:
    """Return the subject of a moment: findings of one event at one target have the same subject."""
    kind = _kind(item)
    return kind.event or kind.id, item.data.get("target"), item.data.get("what")


def _kind(item: Event | Draft) -> FindingKind:
    return catalogue()[current_id(str(item.data.get("finding", "")))]
