"""A cache that lost its keys, and a database that carries what the cache used to answer. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from incident_lib.correlation.situation import Situation, by_target
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity

_WARM_RATIO = 0.5
_NEVER = datetime.min.replace(tzinfo=UTC)
_TOGETHER = timedelta(seconds=10)  # as a stack is started: what comes later is a restart

Picker = Callable[..., list[Finding]]  # findings and flags: those that have one of them


def judge_stampedes(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with `redis.memory.stampede` for each cache without keys and its loaded database.

    Lost are the keys when it evicts, when it was emptied and is cold or holds hardly anything, or when it was
    started inside the window and is cold or was missed. The database is one that something needs which needs
    the cache.
    """
    topology, catalogue = situation.topology, situation.catalogue

    def pick(some: Sequence[Finding], *flags: Flag) -> list[Finding]:
        """Return the findings that have one of the flags, each id once."""
        return list({f.id: f for f in reversed(some) if catalogue.has(f, *flags)}.values())[::-1]

    seen = by_target(f for f in findings if f.severity is not FindingSeverity.UNKNOWN)
    found = []
    for cache, kind in topology.kinds.items():
        users = topology.users(cache)
        missed = [
            finding
            for user in sorted(users)
            for finding in pick(seen.get(user, ()), Flag.CACHE_MISSED)
            if catalogue[finding.id].about == kind
        ]
        lost = _lost(seen.get(cache, []), missed, pick)
        for database in topology.kinds if lost else ():
            shared = users & topology.users(database)
            waiting = any(
                f.severity.is_bad
                for user in shared
                for f in pick(seen.get(user, ()), Flag.SLOW, Flag.POOL_EMPTY)
            )
            load = _load(seen.get(database, []), pick, since=lost[0].since, waiting=waiting)
            if shared and load and database != cache:
                found.append(_stampede(cache, database, lost, load, _began(lost[0], lost, pick)))
                break
    return [*findings, *found]


def _lost(cache: list[Finding], missed: list[Finding], pick: Picker) -> list[Finding]:
    """Return what says that the cache lost its keys, nothing if nothing does."""
    if evicting := [f for f in pick(cache, Flag.EVICTS) if f.severity.is_bad]:
        return evicting
    if emptied := _emptied(cache, pick):
        return emptied
    restarted, proof = pick(cache, Flag.RESTARTED), [*missed, *pick(cache, Flag.COLD)]
    return [*restarted, *proof] if restarted and proof else []


def _emptied(cache: list[Finding], pick: Picker) -> list[Finding]:
    """Return what says that it was emptied; against a baseline, which knows no moment, all of it must.

    A flush that took so long that the slow log has it threw much away, unless most is found again.
    """
    flushed, gone, cold = pick(cache, Flag.FLUSHED), pick(cache, Flag.KEYS_LOST), pick(cache, Flag.COLD)
    timed = [f for f in (*flushed, *gone) if f.since]
    both = bool(flushed and gone)
    ratios = [ratio for f in cache if f not in cold and (ratio := f.data.get("hit_ratio")) is not None]
    is_warm = any(isinstance(ratio, int | float) and ratio >= _WARM_RATIO for ratio in ratios)
    much = bool(pick(cache, Flag.FLUSHED_SLOWLY)) and not is_warm
    if not ((cold or both or much) if timed else (cold and both)):
        return []
    latest = sorted(timed, key=lambda f: f.since or _NEVER, reverse=True)
    return [*latest, *(f for f in (*flushed, *gone) if not f.since), *cold]


def _load(database: list[Finding], pick: Picker, *, since: datetime | None, waiting: bool) -> list[Finding]:
    """Return what says that the database is loaded; nothing if that has a cause of its own."""
    if any(f.severity.is_bad for f in pick(database, Flag.BLOCKS)):
        return []
    started = next((f.since for f in pick(database, Flag.RESTARTED)), None)
    if since and started and abs(started - since) < _TOGETHER:
        return []  # everything was started, nothing was lost
    load = [f for f in pick(database, Flag.LOADED) if f.severity.is_bad]
    # Work that a database may do every day is load while its users wait.
    load += [f for f in pick(database, Flag.WORKS) if waiting and f not in load]
    return [f for f in load if not (since and f.since and f.since < since)]


def _began(first: Finding, lost: list[Finding], pick: Picker) -> str:
    if pick([first], Flag.RESTARTED):
        return "was started"
    if pick([first], Flag.FLUSHED, Flag.KEYS_LOST):
        return "was emptied" if pick(lost, Flag.FLUSHED) else "lost its keys"
    return "evicts keys"


def _stampede(cache: str, database: str, lost: list[Finding], load: list[Finding], began: str) -> Finding:
    seen = "\n".join(f"{finding.target}: {finding.title}" for finding in (*lost, *load))
    return Finding(
        id="redis.memory.stampede",
        severity=FindingSeverity.WARNING,
        target=cache,
        title=f"it {began}, and the database {database} is under load",
        detail=f"{seen}\nWhat the cache does not serve, the database has to",
        since=lost[0].since,
        evidence=tuple(dict.fromkeys(ref for finding in (*lost, *load) for ref in finding.evidence)),
        data={"database": database, "began": began},
    )
