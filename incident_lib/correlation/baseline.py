"""Now against normal: what differs from the baseline, as findings. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from incident_lib import clock
from incident_lib.correlation.differences import PROBES, differences
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.units import format_value

_MOST_LINES = 10
_LONGEST = 100  # characters of a log line in a title
_SERIOUS = ("WARNING ", "ERROR ", "CRITICAL ")  # levels of log lines
# The title of a finding: for one difference, and for what several of a kind are called.
_TITLES = {
    "latency": ("{what} takes {now}, normally {before}", "{count} times are longer than normal"),
    "errors": ("{what}: {now}, normally {before}", "{count} error rates are higher than normal"),
    "connections": ("{what}: {now}, normally {before}", "{count} use more connections than normal"),
    "memory": ("{what}: {now}, normally {before}", "{count} use more memory than normal"),
    "host_memory": ("{what}: {now}, normally {before}", "{count} use more memory than normal"),
    "files": ("{what}: {now} of the limit, normally {before}", "{count} have more open files than normal"),
    "disk": ("{what} is {now} full, normally {before}", "{count} file systems are fuller than normal"),
    "certificate": ("{what} ends in {now}", "{count} certificates end soon"),
    "templates": ("never logged before: {what}", "{count} kinds of lines were never logged before"),
    "exceptions": ("never raised before: {what}", "{count} errors were never raised before"),
    "settings": ("{what} is {now}, normally {before}", "{count} settings were changed"),
    "version": ("{what} is {now}, normally {before}", "{count} versions or images were changed"),
    "checkpoints": ("{now} checkpoints requested since, {before} in time", "checkpoints are requested"),
    "scans": ("{what}: {now}, normally {before}", "{count} large tables are read from end to end"),
}


def compare_findings(
    now: Sequence[Evidence], baseline: Sequence[Evidence], context: Context
) -> Iterator[Finding]:
    """Yield what is worse or other than in the baseline, one finding for each target and kind.

    One OK for each target that is as it was, and one UNKNOWN for each where nothing can be compared. Yields
    nothing without a baseline.
    """
    if not baseline:
        return
    taken = min(one.collected_at for one in baseline)
    found = differences(baseline, now, context.thresholds)
    for target in sorted({one.target for one in now if one.probe in PROBES}):
        own = [one for one in found if one.target == target]
        worse = [one for one in own if _is_worth_telling(one)]
        if worse:
            yield from _worse(target, worse, taken)
        else:
            yield _same(target, now, baseline, taken)


def _is_worth_telling(one: Difference) -> bool:
    """Return whether a difference makes a finding; an ordinary line that is new does not."""
    ordinary = one.name == "templates" and not one.what.startswith(_SERIOUS)
    return one.severity in {FindingSeverity.WARNING, FindingSeverity.INFO} and not ordinary


def _worse(target: str, worse: list[Difference], taken: datetime) -> Iterator[Finding]:
    for name in sorted({one.name for one in worse}):
        yield _told(target, [one for one in worse if one.name == name], taken)


def _told(target: str, group: list[Difference], taken: datetime) -> Finding:
    first, name = group[0], group[0].name
    one, several = _TITLES.get(name, ("{what}: {now}, normally {before}", "{count} things are not as normal"))
    title = one.format(
        what=_short(first.what),
        now=format_value(first.now, first.unit),
        before=format_value(first.before, first.unit),
    )
    lines = [line(each) for each in group[:_MOST_LINES]]
    if len(group) > _MOST_LINES:
        lines.append(f"and {len(group) - _MOST_LINES} more")
    return Finding(
        id=f"baseline.{name}",
        severity=min((each.severity for each in group), key=lambda severity: severity.rank),
        target=target,
        title=title if len(group) == 1 else several.format(count=len(group)),
        detail="\n".join([*lines, f"against the baseline of {clock.format_time(taken)}"]),
        evidence=tuple(dict.fromkeys(ref for each in group for ref in each.evidence_now)),
        data={"count": len(group), "what": first.what, "before": first.before, "now": first.now},
    )


def _same(target: str, now: Sequence[Evidence], baseline: Sequence[Evidence], taken: datetime) -> Finding:
    known = {one.ref for one in baseline if one.has_rows}
    here = [one for one in now if one.target == target and one.probe in PROBES]
    both = tuple(one.ref for one in here if one.has_rows and one.ref in known)
    when = clock.format_time(taken)
    if both:
        title = f"{target} is as in the baseline, by {len(both)} probe{'' if len(both) == 1 else 's'}"
        severity, what = FindingSeverity.OK, "ok"
    else:
        title = f"{target} cannot be compared with the baseline: one of them did not see it"
        severity, what = FindingSeverity.UNKNOWN, "unknown"
    return Finding(
        id=f"baseline.{what}",
        severity=severity,
        target=target,
        title=title,
        detail=f"the baseline of {when}",
        evidence=both or tuple(one.ref for one in here),
        data={"count": len(both)},
    )


def _short(text: str) -> str:
    """Return a name that fits into a title, the cut shown."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def line(one: Difference) -> str:
    """Return a difference in one line."""
    if one.name in {"templates", "exceptions"}:
        return f"{one.what} ({format_value(one.now, one.unit)} times)"
    return f"{one.what}: {format_value(one.before, one.unit)} before, {format_value(one.now, one.unit)} now"
