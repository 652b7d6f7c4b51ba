"""What evidence tells of the past, as events: changes, the onset, the first failing check, its recovery.

A second snapshot tells most of it again; what the timeline knows already is not written twice.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from incident_lib.findings.catalogue import Flag, Nature
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Analysis, Event, EventKind, Evidence, Finding, FindingSeverity
from incident_lib.model.renamed import current_id
from incident_lib.technologies import catalogue

_SAME = timedelta(seconds=5)  # what two probes or two snapshots tell of one moment
_DAY = timedelta(days=1)  # a warning that is older than this has nothing to do with today
_NEVER = datetime.max.replace(tzinfo=UTC)
_FAILS, _PASSES = "fails", "passes"


def record_observed(
    folder: IncidentFolder, analysis: Analysis, evidence: Iterable[Evidence] = ()
) -> tuple[Event, ...]:
    """Write what a snapshot tells and the timeline does not know yet; return it. Errors: FolderError."""
    drafts = observations(analysis, evidence, folder.events)
    return tuple(folder.record(draft) for draft in drafts)


def observations(
    analysis: Analysis, evidence: Iterable[Evidence] = (), known: Iterable[Event | Draft] = ()
) -> tuple[Draft, ...]:
    """Return the moments that `known` does not hold yet, oldest first. Pure.

    Shape: source is the probe, `data` names finding, target and snapshot. Without `evidence`, only findings
    that say themselves since when.
    """
    seen_at = {one.ref: one.collected_at for one in evidence}
    told = [one for one in known if one.kind is EventKind.OBSERVED]
    drafts: list[Draft] = []
    for draft in (*_moments(analysis, seen_at), *_checks(analysis, seen_at, told)):
        if not any(_is_same(draft, other) for other in (*told, *drafts)):
            drafts.append(draft)
    return tuple(sorted(drafts, key=lambda one: (one.occurred_at or _NEVER, one.text)))


def onset_of(analysis: Analysis) -> datetime | None:
    """Return when trouble began, from the logs; None when they do not say."""
    onsets = (f.since for f in analysis.findings if catalogue().has(f, Flag.ONSET))
    return min((since for since in onsets if since), default=None)


def _moments(analysis: Analysis, seen_at: dict[str, datetime]) -> Iterator[Draft]:
    newest = max(seen_at.values(), default=None)
    moments = [finding for finding in analysis.findings if _is_moment(finding, newest)]
    for finding in sorted(moments, key=lambda f: catalogue()[f.id].precedence):
        begins = catalogue().has(finding, Flag.ONSET)
        text = f"trouble begins, {finding.title}" if begins else finding.title
        yield _draft(finding, analysis, finding.since, text)
    for finding in analysis.findings:
        if root := _lock_root(finding, seen_at):
            yield _draft(finding, analysis, root, _root_text(finding), what="root")


def _is_moment(finding: Finding, newest: datetime | None) -> bool:
    if finding.since is None:
        return False
    if finding.severity is FindingSeverity.WARNING:
        return newest is None or finding.since > newest - _DAY
    kind = catalogue()[finding.id]
    of_note = kind.nature is Nature.CHANGE or Flag.MOMENT in kind.flags
    return of_note or finding.severity is FindingSeverity.CRITICAL


def _checks(analysis: Analysis, seen_at: dict[str, datetime], told: list[Event | Draft]) -> Iterator[Draft]:
    """Yield each check that fails and did not before, or passes again."""
    state = {
        (one.source, one.data.get("target")): one.data["check"]
        for one in sorted(told, key=lambda one: one.occurred_at or _NEVER)
        if "check" in one.data
    }
    for one in analysis.findings:
        at = next((seen_at[ref] for ref in one.evidence if ref in seen_at), None)
        probe = _probe(one)
        if at is None or one.since or not catalogue().has(one, Flag.CHECK):
            continue
        before = state.get((probe, one.target), _PASSES)
        if one.severity is FindingSeverity.CRITICAL and before == _PASSES:
            state[probe, one.target] = _FAILS
            yield _draft(one, analysis, at, f"{one.title} (first seen)", check=_FAILS)
        elif one.severity is FindingSeverity.OK and before == _FAILS:
            state[probe, one.target] = _PASSES
            yield _draft(one, analysis, at, f"{one.title} (well again)", check=_PASSES)


def _lock_root(one: Finding, seen_at: dict[str, datetime]) -> datetime | None:
    """Return when the transaction began that others wait for, None when nothing tells."""
    seconds = one.data.get("root_transaction_seconds")
    at = next((seen_at[ref] for ref in one.evidence if ref in seen_at), None)
    if at is None or not isinstance(seconds, int | float) or not catalogue().has(one, Flag.LOCK_WAIT):
        return None
    return at - timedelta(seconds=seconds)


def _root_text(one: Finding) -> str:
    name = one.data.get("root_application") or one.data.get("root_role") or "a session"
    return f"the transaction that others wait for begins ({name}, pid {one.data.get('root_pid')})"


def _draft(one: Finding, analysis: Analysis, at: datetime | None, text: str, **more: str) -> Draft:
    return Draft(
        kind=EventKind.OBSERVED,
        text=f"{one.target}: {text}",
        source=_probe(one),
        occurred_at=at,
        evidence=one.evidence,
        data={
            "finding": one.id,
            "target": one.target,
            "severity": one.severity.value,
            "snapshot": analysis.snapshot,
            **more,
        },
    )


def _is_same(draft: Draft, other: Event | Draft) -> bool:
    mine, its = draft.data, other.data
    if mine["target"] != its.get("target") or mine.get("what") != its.get("what"):
        return False
    if "check" in mine or "check" in its:
        return False  # told apart by what they were before
    kind, known = (catalogue()[current_id(str(data.get("finding", "")))] for data in (mine, its))
    if kind.id != known.id and not (kind.event and kind.event == known.event):
        return False
    if Flag.FIRST_SEEN in kind.flags:
        return True  # it moves with the window: the first moment that was recorded stays
    if draft.occurred_at is None or other.occurred_at is None:
        return draft.occurred_at is other.occurred_at
    return abs(draft.occurred_at - other.occurred_at) <= _SAME


def _probe(one: Finding) -> str:
    """Return the probe a finding comes from: `db/postgres.locks` names it."""
    if one.evidence:
        return one.evidence[0].rpartition("/")[2]
    return one.id.rpartition(".")[0]
