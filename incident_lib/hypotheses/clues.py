"""Which findings a pattern's clue means, seen from the target it would blame."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from incident_lib.findings.catalogue import Catalogue, Flag
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

_BEFORE = timedelta(minutes=10)  # a change this long before the onset may have caused it
_AFTER = timedelta(seconds=30)  # clocks and log buffers are not exact
_GLOB = frozenset("*?[")


class Clues:
    """The findings of an analysis, by target, relation and id."""

    def __init__(self, findings: Collection[Finding], topology: Topology, catalogue: Catalogue) -> None:
        self.topology = topology
        self.catalogue = catalogue
        self._by_target: dict[str, list[Finding]] = {}
        self._by_id: dict[str, dict[str, list[Finding]]] = {}  # of which those by target
        self._globs: dict[str, dict[str, list[Finding]]] = {}  # by glob those that it means, by target
        self._anywhere: dict[str, list[Finding]] = {}  # of clues that mean the same for each target
        self.newest = max((at for finding in findings if (at := last_of(finding))), default=None)
        for finding in findings:
            if finding.severity is not FindingSeverity.UNKNOWN and not finding.is_past:
                self._by_target.setdefault(finding.target, []).append(finding)
                self._by_id.setdefault(finding.id, {}).setdefault(finding.target, []).append(finding)

    @property
    def targets(self) -> tuple[str, ...]:
        """Everything that may be blamed: what is configured and what has findings."""
        return tuple(dict.fromkeys((*self.topology.kinds, *self._by_target)))

    def find(self, clue: str, target: str) -> list[Finding]:
        """Return the findings that `clue` means for `target`, the worst first."""
        relation, _, pattern = clue.rpartition(":")
        if not (meant := self._meant(pattern)):  # so it is of nearly all clues
            return []
        if relation == "any" and clue in self._anywhere:
            return self._anywhere[clue]
        found = [
            finding
            for other in self._related(relation, target)
            for finding in meant.get(other, ())
            if self._is_about(finding, relation, target)
        ]
        found.sort(key=lambda finding: finding.severity.rank)
        if relation == "any":
            self._anywhere[clue] = found
        return found

    def _meant(self, pattern: str) -> dict[str, list[Finding]]:
        """Return the findings whose id is `pattern`, and the bad ones whose id it matches, by target."""
        if _GLOB.isdisjoint(pattern):
            return self._by_id.get(pattern, {})
        if pattern not in self._globs:
            self._globs[pattern] = {
                target: found
                for target, findings in self._by_target.items()
                if (found := [f for f in findings if _means(pattern, f)])
            }
        return self._globs[pattern]

    def find_all(self, clues: Iterable[str], target: str) -> list[Finding]:
        """Return the findings that any of `clues` means, each once, in the order of the clues."""
        found = {finding.ref: finding for clue in clues for finding in self.find(clue, target)}
        return list(found.values())

    def onset(self, target: str) -> datetime | None:
        """Return when trouble began at `target` or at what needs it, None if nothing says so."""
        here = self._by_target.get(target, [])
        near = [*here, *(f for user in self.topology.users(target) for f in self._by_target.get(user, ()))]
        onsets = [f.since for f in near if f.since and self.catalogue.has(f, Flag.ONSET)]
        return min(onsets or [f.since for f in here if f.since and f.severity.is_bad], default=None)

    def change_before_onset(self, changes: Iterable[str], target: str) -> Finding | None:
        """Return the last change of `target` that came minutes before its trouble, None if there is none."""
        onset = self.onset(target)
        if onset is None:
            return None
        close = [
            change
            for change in self.find_all(changes, target)
            if change.since and onset - _BEFORE <= change.since <= onset + _AFTER
        ]
        return max(close, key=lambda change: change.since or onset, default=None)

    def _is_about(self, finding: Finding, relation: str, target: str) -> bool:
        """Return whether what a log line says of an address is about `target`, as far as the line says."""
        if relation not in {"users", "named", "unnamed"}:
            return True
        peers = str(finding.data.get("peers") or "").split()
        named = frozenset[str]().union(*map(self.topology.called, peers))
        if relation == "users":
            return not named or target in named
        return target in named if relation == "named" else not named

    def _related(self, relation: str, target: str) -> Iterable[str]:
        if relation in {"users", "named"}:
            return sorted(self.topology.users(target))
        if relation == "needs":
            return sorted(self.topology.needs(target))
        if relation == "outside":
            return (target,) if self.topology.kinds.get(target) == "outside" else ()
        return self._by_target if relation == "any" else (target,)


def last_of(finding: Finding) -> datetime | None:
    """Return when what a log reports was logged last, None where a finding does not say so."""
    last = finding.data.get("last_at")
    return datetime.fromisoformat(last) if isinstance(last, str) else None


def _means(pattern: str, finding: Finding) -> bool:
    return finding.id == pattern or (finding.severity.is_bad and fnmatchcase(finding.id, pattern))
