"""Now against normal: what differs from the baseline, as findings. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from incident_lib import clock
from incident_lib.correlation.differences import differences
from incident_lib.findings.base import Context
from incident_lib.findings.comparison import Comparers
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.units import format_count, format_value

_MOST_LINES = 10
_LONGEST = 100  # characters of a log line in a title
_SERIOUS = ("WARNING ", "ERROR ", "CRITICAL ")  # levels of log lines
# The title of a finding: for one difference, and for what several of a kind are called.
_ANY_TITLE = ("{what}: {now}, normally {before}", "{count} numbers are twice or half of normal")
_TITLES = {
    "latency": ("{what} takes {now}, normally {before}", "{count} times are longer than normal"),
    "errors": ("{what}: {now}, normally {before}", "{count} error rates are higher than normal"),
    "connections": ("{what}: {now}, normally {before}", "{count} use more connections than normal"),
    "memory": ("{what}: {now}, normally {before}", "{count} use more memory than normal"),
    "host_memory": ("{what}: {now}, normally {before}", "{count} use more memory than normal"),
    "files": ("{what}: {now} of the limit, normally {before}", "{count} have more open files than normal"),
    "disk": ("{what} is {now} full, normally {before}", "{count} file systems are fuller than normal"),
    "certificate": ("{what} expires in {now}", "{count} certificates expire soon"),
    "templates": ("never logged before: {what}", "{count} kinds of lines were never logged before"),
    "exceptions": ("never raised before: {what}", "{count} errors were never raised before"),
    "settings": ("{what} is {now}, normally {before}", "{count} settings were changed"),
    "version": ("{what} is {now}, normally {before}", "{count} versions or images were changed"),
    "checkpoints": ("{now} checkpoints requested since, {before} on schedule", "checkpoints are requested"),
    "scans": ("{what}: {now}, normally {before}", "{count} large tables are scanned sequentially"),
}


def compare_findings(
    now: Sequence[Evidence], baseline: Sequence[Evidence], context: Context, comparers: Comparers
) -> Iterator[Finding]:
    """Yield what is worse or other than in the baseline, one finding for each target and kind.

    One OK for each target that is as it was, and one UNKNOWN for each where nothing can be compared. Yields
    nothing without a baseline.
    """
    if not baseline:
        return
    taken = min(evidence.collected_at for evidence in baseline)
    found = differences(baseline, now, context.thresholds, comparers)
    compared = [evidence for evidence in now if comparers.compares(evidence)]
    for target in sorted({evidence.target for evidence in compared}):
        worse: dict[str, list[Difference]] = {}
        for difference in found:
            if difference.target == target and _makes_finding(difference):
                worse.setdefault(difference.name, []).append(difference)
        if worse:
            for name in sorted(worse):
                yield _finding(worse[name], taken)
        else:
            yield _same([evidence for evidence in compared if evidence.target == target], baseline, taken)


def _makes_finding(difference: Difference) -> bool:
    """Return whether a difference makes a finding; an ordinary line that is new does not."""
    ordinary = difference.name == "templates" and not difference.what.startswith(_SERIOUS)
    return difference.severity in {FindingSeverity.WARNING, FindingSeverity.INFO} and not ordinary


def _finding(group: list[Difference], taken: datetime) -> Finding:
    first = group[0]
    title, of_several = _TITLES.get(first.name, _ANY_TITLE)
    if len(group) > 1:
        title = of_several.format(count=len(group))
    else:
        what = first.what if len(first.what) <= _LONGEST else first.what[: _LONGEST - 1] + "…"
        before, now = (format_value(value, first.unit) for value in (first.before, first.now))
        title = title.format(what=what, now=now, before=before)
    lines = [line(difference) for difference in group[:_MOST_LINES]]
    if len(group) > _MOST_LINES:
        lines.append(f"and {len(group) - _MOST_LINES} more")
    return Finding(
        id=f"baseline.{first.name}",
        severity=min((each.severity for each in group), key=lambda severity: severity.rank),
        target=first.target,
        title=title,
        detail="\n".join([*lines, f"against the baseline of {clock.format_time(taken)}"]),
        evidence=tuple(dict.fromkeys(ref for each in group for ref in each.evidence_now)),
        data={"count": len(group), "what": first.what, "before": first.before, "now": first.now},
    )


def _same(now: Sequence[Evidence], baseline: Sequence[Evidence], taken: datetime) -> Finding:
    known = {evidence.ref for evidence in baseline if evidence.has_rows}
    both = tuple(evidence.ref for evidence in now if evidence.has_rows and evidence.ref in known)
    target = now[0].target
    if both:
        title = f"{target} matches the baseline in {format_count(len(both), 'probe')}"
    else:
        title = f"{target} cannot be compared: it is missing from the baseline or from this snapshot"
    return Finding(
        id="baseline.ok" if both else "baseline.unknown",
        severity=FindingSeverity.OK if both else FindingSeverity.UNKNOWN,
        target=target,
        title=title,
        detail=f"the baseline of {clock.format_time(taken)}",
        evidence=both or tuple(evidence.ref for evidence in now),
        data={"count": len(both)},
    )


def line(difference: Difference) -> str:
    """Return a difference in one line."""
    before, now = (format_value(value, difference.unit) for value in (difference.before, difference.now))
    if difference.name in {"templates", "exceptions"}:
        return f"{difference.what} ({now} times)"
    return f"{difference.what}: {before} before, {now} now"
