"""Do commits wait for a synchronous standby, and is there one that could confirm them?"""

import re
from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresCommitWait
from incident_lib.units import format_count, format_duration

_METHOD = re.compile(r"(?i)\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\((.*)\)\s*$", re.DOTALL)
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^\s,"()]+)')
_NOT_AWAITED = frozenset({"off", "local"})


def demanded(setting: str) -> tuple[int, tuple[str, ...]]:
    """Return how many standbys must confirm a commit, and which may, by synchronous_standby_names.

    >>> demanded("FIRST 2 (east_1, east_2, *)"), demanded('ANY 1 ("a b", c)'), demanded("one, two")
    ((2, ('east_1', 'east_2', '*')), (1, ('a b', 'c')), (1, ('one', 'two')))
    """
    counted = _METHOD.match(setting)
    number, listed = (int(counted[1]), counted[2]) if counted else (1, setting)
    names = tuple(
        (quoted or plain).replace('""', '"') for quoted, plain in _NAME.findall(listed) if quoted or plain
    )
    return (number, names) if names else (0, ())


def judge_commit_waits(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield commits that wait for a standby, and a promise that no standby can keep."""
    for row in evidence.of(PostgresCommitWait):
        number, names = demanded(row.standby_names)
        missing = number > len(row.standbys)
        stuck = row.waiting_pids if missing else (row.still_waiting_pids or ())
        if stuck:
            yield from _waiting(evidence, row, context, count=len(stuck), is_missing=missing)
        elif missing:
            yield _missing(evidence, row, names)


def _absent(row: PostgresCommitWait) -> str:
    """Return which standbys of the setting do not count, as far as it names them."""
    there = {name.lower() for name in row.standbys}
    names = [name for name in demanded(row.standby_names)[1] if name.lower() not in there and name != "*"]
    return ", ".join(names) or "a standby (the setting accepts any)"


def _waiting(
    evidence: Evidence, row: PostgresCommitWait, context: Context, *, count: int, is_missing: bool
) -> Iterator[Finding]:
    severity: FindingSeverity | None = FindingSeverity.CRITICAL
    if not is_missing:
        severity = context.thresholds.severity("postgres.replication.commits", row.longest_seconds, "seconds")
    if severity is None:
        return
    name = _absent(row) if is_missing else ", ".join(row.standbys)
    state = "which is not connected" if is_missing else "which is connected but does not confirm"
    commits = format_count(count, "commit")
    lasted = f" for up to {format_duration(row.longest_seconds)}" if row.longest_seconds else ""
    yield finding(
        evidence,
        "commits_wait",
        severity,
        f"{commits} {'waits' if count == 1 else 'wait'}{lasted} for the synchronous standby {name}, {state}",
        _detail(row),
        since=row.oldest_started_at,
        standby=name,
        names=row.standby_names,
        connected=", ".join(row.standbys) or None,
        waiting=count,
        longest_seconds=row.longest_seconds,
        application=", ".join(row.applications) or None,
        advice=_ADVICE[is_missing].format(name=name),
    )


_ADVICE = {
    True: "Bring the standby {name} back. If that takes long, take it out of synchronous_standby_names and "
    "reload: all waiting commits complete at once, and until it is back their data is on this server only.",
    False: "Find out why the standby {name} does not confirm: its disk, its network, a paused replay (with "
    "synchronous_commit = remote_apply), a lock there. If that takes long, take it out of "
    "synchronous_standby_names and reload.",
}

_LEAVE = (
    "Leave the waiting sessions alone: what they wrote is already committed here, and ending them only "
    "gives up the guarantee of a second copy"
)


def _detail(row: PostgresCommitWait) -> str:
    lines = [
        f"synchronous_standby_names is {row.standby_names}",
        f"that count as synchronous: {', '.join(row.standbys) or 'none'}",
        f"other connected standbys: {', '.join(row.others) or 'none'}",
        _LEAVE,
    ]
    if row.applications:
        lines.insert(0, f"They come from {', '.join(row.applications)}")
    return "\n".join(lines)


def _missing(evidence: Evidence, row: PostgresCommitWait, names: tuple[str, ...]) -> Finding:
    awaited = row.synchronous_commit not in _NOT_AWAITED
    name = _absent(row)
    title = f"The synchronous standby {name} is not connected: the next commit will wait for it"
    if not awaited:
        title = (
            f"The synchronous standby {name} is not connected; synchronous_commit is {row.synchronous_commit}"
        )
    return finding(
        evidence,
        "standby_missing",
        FindingSeverity.WARNING if awaited else FindingSeverity.INFO,
        title,
        _detail(row),
        standby=name,
        names=row.standby_names,
        connected=", ".join(row.standbys) or None,
        advice=_ADVICE[True].format(name=name),
        wanted=", ".join(names),
    )
