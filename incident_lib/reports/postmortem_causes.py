"""Every hypothesis that any snapshot supported, with its fate: also those that were refuted."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from incident_lib.hypotheses.patterns import ActionItem, Pattern
from incident_lib.hypotheses.support import findings_named
from incident_lib.model import Event, Finding, Hypothesis
from incident_lib.reports.timeline import SnapshotFacts

VERDICTS = {"confirmed": "confirmed", "refuted": "refuted"}
_DUE_DAYS = {"P1": 7, "P2": 30, "P3": 90}  # own, to be agreed in the review
_ORDER = ("mitigate", "detect", "prevent", "process")


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A hypothesis over all snapshots."""

    id: str
    target: str
    title: str
    score: float  # the best it had
    status: str  # what became of it, for people
    verdict: str = ""  # "confirmed" or "refuted", by a person
    snapshot: str = ""  # where it had its best score
    snapshots_count: int = 1
    support: tuple[Finding, ...] = ()
    against: tuple[Finding, ...] = ()
    reason: str = ""
    next_check: str = ""
    notebook: str = ""
    whys: tuple[str, ...] = ()
    action_items: tuple[ActionItem, ...] = ()


class ProposedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An action item as it is proposed; its owner is for people to name."""

    text: str
    category: str
    priority: str
    due: date


def causes(
    snapshots: tuple[SnapshotFacts, ...], events: Iterable[Event], patterns: Iterable[Pattern]
) -> tuple[Cause, ...]:
    """Return every hypothesis, the confirmed ones first, the refuted ones last, else by their best score."""
    known = {pattern.id: pattern for pattern in patterns}
    verdicts = {
        str(event.data["hypothesis"]): str(event.data["verdict"])
        for event in events
        if event.data.get("verdict") in VERDICTS and "hypothesis" in event.data
    }
    seen: dict[tuple[str, str], list[tuple[SnapshotFacts, Hypothesis]]] = {}
    for snapshot in snapshots:
        for hypothesis in snapshot.analysis.hypotheses:
            seen.setdefault((hypothesis.id, hypothesis.target), []).append((snapshot, hypothesis))
    newest = snapshots[-1].id if snapshots else ""
    found = [_cause(held, known.get(name), verdicts, newest) for (name, _), held in seen.items()]
    rank = {"confirmed": 0, "": 1, "refuted": 2}
    return tuple(sorted(found, key=lambda cause: (rank[cause.verdict], -cause.score, cause.id, cause.target)))


def proposed_items(cause: Cause | None, since: datetime) -> tuple[ProposedItem, ...]:
    """Return the follow-ups that a cause asks for, with due dates by priority: 7, 30 and 90 days."""
    items = cause.action_items if cause else ()
    return tuple(
        ProposedItem(
            text=item.text,
            category=item.category,
            priority=item.priority,
            due=(since + timedelta(days=_DUE_DAYS[item.priority])).date(),
        )
        for item in sorted(items, key=lambda item: (item.priority, _ORDER.index(item.category)))
    )


def fill(text: str, data: Mapping[str, object], blank: str = "") -> str:
    """Return `text` with its names filled in; a name without a value is `blank`, or its own words.

    >>> fill("Fix {endpoint} of {target}", {"target": "backend"})
    'Fix the endpoint of backend'
    """
    words = _Words(data)
    words.blank = blank
    return text.format_map(words)


class _Words(dict[str, object]):
    blank = ""

    def __missing__(self, key: str) -> str:
        return self.blank or f"the {key.replace('_', ' ')}"


def _cause(
    held: list[tuple[SnapshotFacts, Hypothesis]],
    pattern: Pattern | None,
    verdicts: dict[str, str],
    newest: str,
) -> Cause:
    snapshot, best = max(held, key=lambda pair: pair[1].score)
    verdict = verdicts.get(f"{best.target}:{best.id}") or verdicts.get(best.id, "")
    support = _findings(best.support, best.target, snapshot)
    data: dict[str, object] = {
        key: value
        for finding in reversed(support)
        for key, value in finding.data.items()
        if value is not None
    }
    data["target"] = best.target
    return Cause(
        id=best.id,
        target=best.target,
        title=best.title,
        score=best.score,
        status=_status(verdict, best, [snapshot.id for snapshot, _ in held], newest),
        verdict=verdict,
        snapshot=snapshot.id,
        snapshots_count=len(held),
        support=support,
        against=_findings(
            tuple(dict.fromkeys(name for _, hypothesis in held for name in hypothesis.against)),
            best.target,
            *(snapshot for snapshot, _ in held),
        ),
        reason=best.reason,
        next_check=best.next_check,
        notebook=best.notebook,
        whys=tuple(fill(why, data) for why in pattern.whys) if pattern else (),
        action_items=tuple(
            msgspec.structs.replace(item, text=fill(item.text, data)) for item in pattern.action_items
        )
        if pattern
        else (),
    )


def _status(verdict: str, best: Hypothesis, snapshots: list[str], newest: str) -> str:
    if verdict:
        return f"{verdict} by a person"
    if "probably a symptom of" in best.reason:
        return best.reason[best.reason.index("probably a symptom of") :]
    against = "counter-evidence was found, " if best.against else ""
    gone = "" if newest in snapshots else "no longer seen in the newest snapshot, "
    return f"{gone}{against}not confirmed"


def _findings(names: tuple[str, ...], target: str, *snapshots: SnapshotFacts) -> tuple[Finding, ...]:
    """Return the findings of those ids, each once: that of the blamed target, or of the nearest to it."""
    found: dict[str, Finding] = {}
    for snapshot in snapshots:
        for finding in findings_named(names, target, snapshot.analysis.findings, snapshot.topology):
            if finding.id not in found or finding.target == target:
                found[finding.id] = finding
    return tuple(found.values())
