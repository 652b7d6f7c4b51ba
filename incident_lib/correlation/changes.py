"""What changed since an earlier snapshot of the same targets. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from incident_lib.findings.base import Context
from incident_lib.findings.comparison import Comparers, Interval
from incident_lib.model import Evidence, Finding


def changes_since(
    before: Iterable[Evidence],
    now: Sequence[Evidence],
    context: Context,
    comparers: Comparers,
    *,
    same_incident: bool,
) -> Iterator[Finding]:
    """Yield what changed in between, the earlier one a snapshot of this incident or a baseline.

    Only what changed within an incident has a place on its timeline: after the earlier of the two.
    """
    old = {evidence.ref: evidence for evidence in before if evidence.has_rows}
    for evidence in now:
        analyzer, earlier = comparers.changes.get(evidence.probe), old.get(evidence.ref)
        if analyzer is None or earlier is None or not evidence.has_rows:
            continue
        if earlier.collected_at < evidence.collected_at:
            yield from analyzer(Interval(before=earlier, now=evidence, same_incident=same_incident), context)
