"""Past incidents that look like one of today, why they do, and what resolved them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.history.past import Damage, PastIncident, folders, read
from incident_lib.history.resolution import Resolution, resolution_of, verdicts
from incident_lib.incident import decode
from incident_lib.model import Analysis, Finding, FindingSeverity
from incident_lib.model.renamed import stored_ids
from incident_lib.model.topology import Topology

_FIRST, _RANKED, _FOUND = 0.5, 0.2, 0.3  # the first hypothesis alone weighs as much as all the rest
_OTHER_KIND = 0.6  # of the weight, where the same hypothesis blames another kind of target
_LEAST = 0.15
_WEIGHTS = {FindingSeverity.CRITICAL: 1.0, FindingSeverity.WARNING: 0.5}
_SHOWN = 4

Key = tuple[str, str]  # id of a hypothesis or finding, kind of its target


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident looks like, without the names of its targets."""

    first: Key | None = None
    target: str = ""  # that the first hypothesis blames
    hypotheses: dict[Key, float] = {}
    findings: dict[Key, float] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wrong, so that nothing can be alike."""
        return not self.hypotheses and not self.findings


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """A past incident. The score (0 to 1) orders; it is no probability."""

    incident: str
    title: str
    severity: str
    started_at: datetime
    score: float
    why: tuple[str, ...]
    resolution: Resolution


class Similarities(msgspec.Struct, frozen=True, kw_only=True):
    """The most alike first; of `known` incidents, `looked_at` were compared before time was up."""

    found: tuple[Similar, ...]
    looked_at: int
    known: int
    damaged: tuple[Damage, ...] = ()


def signature(
    analysis: Analysis, kinds: Mapping[str, str], verdict: Mapping[str, str] | None = None
) -> Signature:
    """Return what `analysis` looks like. A confirmed hypothesis comes first, a refuted one does not count."""
    known = verdict or {}
    ranked = [hypothesis for hypothesis in analysis.hypotheses if known.get(hypothesis.id) != "refuted"]
    ranked.sort(key=lambda hypothesis: (known.get(hypothesis.id) != "confirmed", hypothesis.rank))
    hypotheses: dict[Key, float] = {}
    for place, hypothesis in enumerate(ranked, 1):
        hypotheses.setdefault((hypothesis.id, _kind(hypothesis.target, kinds)), 1 / place)
    findings: dict[Key, float] = {}
    for found in _bad(analysis):
        key = (found.id, _kind(found.target, kinds))
        findings[key] = max(_WEIGHTS[found.severity], findings.get(key, 0.0))
    return Signature(
        first=next(iter(hypotheses), None),
        target=ranked[0].target if ranked else "",
        hypotheses=hypotheses,
        findings=findings,
    )


def likeness(now: Signature, then: Signature) -> float:
    """Return how alike two incidents look, 0 to 1. Pure, and the same both ways.

    >>> key = ("a", "redis")
    >>> full = Signature(first=key, hypotheses={key: 1.0}, findings={("x", "redis"): 1.0})
    >>> likeness(full, full), likeness(full, Signature())
    (1.0, 0.0)
    """
    if now.is_empty or then.is_empty:
        return 0.0
    found = overlap(now.findings, then.findings)
    if not now.hypotheses and not then.hypotheses:
        return round(found * (_FIRST + _FOUND), 3)  # without a hypothesis nothing is sure to be alike
    first = 0.0
    if now.first and then.first and now.first[0] == then.first[0]:
        first = 1.0 if now.first == then.first else _OTHER_KIND
    ranked = overlap(now.hypotheses, then.hypotheses)
    return round(_FIRST * first + _RANKED * ranked + _FOUND * found, 3)


def overlap(now: Mapping[Key, float], then: Mapping[Key, float]) -> float:
    """Return the weight that both have of the weight that either has.

    >>> overlap({("a", ""): 1.0, ("b", ""): 1.0}, {("a", ""): 1.0})
    0.5
    """
    keys = now.keys() | then.keys()
    either = sum(max(now.get(key, 0.0), then.get(key, 0.0)) for key in keys)
    both = sum(min(now.get(key, 0.0), then.get(key, 0.0)) for key in keys)
    return both / either if either else 0.0


def reasons(now: Signature, then: Signature) -> tuple[str, ...]:
    """Return in words what two incidents have in common."""
    found: list[str] = []
    if now.first and then.first and now.first[0] == then.first[0]:
        where = f", at {now.target} again" if now.target == then.target else ""
        found.append(f"the same first hypothesis: {now.first[0]}{where}")
    shared = [key[0] for key in now.hypotheses if key in then.hypotheses and key != now.first]
    if now.first and now.first in then.hypotheses and now.first != then.first:
        shared.insert(0, now.first[0])
    if shared:
        found.append(f"hypotheses of both: {', '.join(shared[:_SHOWN])}")
    common = sorted(now.findings.keys() & then.findings.keys(), key=lambda key: (-now.findings[key], key))
    if common:
        more = f" and {len(common) - _SHOWN} more" if len(common) > _SHOWN else ""
        found.append(f"findings of both: {', '.join(key[0] for key in common[:_SHOWN])}{more}")
    return tuple(found)


def past_signature(past: PastIncident) -> Signature:
    """Return what an incident looked like at its worst: in the snapshot with the strongest conclusions."""
    if not past.snapshots:
        return Signature()
    strongest = past.snapshots[0]
    if len(past.snapshots) > 1:
        strongest = max(past.snapshots, key=lambda snapshot: _strength(snapshot.analysis))
    return signature(strongest.analysis, strongest.kinds, verdicts(past.events))


def _strength(analysis: Analysis) -> tuple[float, float]:
    score = max((h.score for h in analysis.hypotheses), default=0.0)
    return score, sum(_WEIGHTS[finding.severity] for finding in _bad(analysis))


def _bad(analysis: Analysis) -> list[Finding]:
    return [finding for finding in analysis.apart if finding.severity.is_bad]


def rank(now: Signature, past: Iterable[PastIncident], *, limit: int = 5) -> tuple[Similar, ...]:
    """Return the incidents that look most like `now`, the most alike first; of equals the newest."""
    scored = []
    for past_incident in past:
        then = past_signature(past_incident)
        if (score := likeness(now, then)) >= _LEAST:
            scored.append((score, past_incident.incident.started_at, past_incident, reasons(now, then)))
    scored.sort(key=lambda entry: entry[:2], reverse=True)
    return tuple(
        Similar(
            incident=past_incident.path.name,
            title=past_incident.incident.title,
            severity=past_incident.incident.severity.value,
            started_at=started_at,
            score=score,
            why=why,
            resolution=resolution_of(past_incident),
        )
        for score, started_at, past_incident, why in scored[:limit]
    )


def similar_incidents(
    incidents: Path,
    analysis: Analysis,
    topology: Topology,
    exclude: str = "",
    *,
    limit: int = 5,
    deadline_seconds: float | None = None,
) -> Similarities:
    """Return the past incidents that look like `analysis`, the newest compared first.

    Needs: `exclude`, the id of the incident that `analysis` is of. Errors: FolderError when the folder of the
    incidents cannot be read.
    """
    now = signature(analysis, topology.kinds)
    paths, copies = folders(incidents)
    paths = tuple(path for path in paths if path.name != exclude)
    if now.is_empty:
        return Similarities(found=(), looked_at=0, known=len(paths), damaged=copies)
    until = clock.monotonic() + deadline_seconds if deadline_seconds is not None else None
    known: list[PastIncident] = []
    damaged, looked_at = list(copies), 0
    for path in paths:
        if until is not None and clock.monotonic() > until:
            break
        looked_at += 1
        try:
            if _may_be(path, now):
                known.append(read(path))
        except FolderError as error:
            damaged.append(Damage(path.name, str(error)))
    return Similarities(
        found=rank(now, known, limit=limit),
        looked_at=looked_at,
        known=len(paths),
        damaged=tuple(sorted(damaged)),
    )


def _may_be(path: Path, now: Signature) -> bool:
    """Return whether a snapshot names anything of `now`, before it is parsed."""
    ids = [name for key in (*now.hypotheses, *now.findings) for name in stored_ids(key[0])]
    names = [f'"{name}"'.encode() for name in ids]
    for file in path.glob("snapshots/*/findings.json"):
        try:
            data = decode.read_file(file)
        except (FileNotFoundError, FolderError):
            continue
        if any(name in data for name in names):
            return True
    return False


def _kind(target: str, kinds: Mapping[str, str]) -> str:
    return kinds.get(target, target)
