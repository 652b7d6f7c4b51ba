"""A cache that lost its keys, and a database that carries what the cache used to answer."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

_EVICTING = ("redis.memory.evictions", "redis.memory.eviction_behind")
_RESTARTED = "redis.connection.restarted"
_COLD = "redis.memory.hit_ratio"
_SLOWLY = "redis.slowlog.flushed"
_FINE = "redis.memory.ok"
_WARM_RATIO = 0.5
_FLUSHED = (_SLOWLY, "redis.memory.flushed", "redis.clients.flushed")
_GONE = "redis.memory.keys_lost"
# Whoever lost the cache says so: it had been there before it was started.
_MISSED = tuple(f"logs.lines.class.redis_{what}" for what in ("refused", "loading", "timeout"))
_LOAD = ("postgres.counters.load", "postgres.saturation.high", "postgres.statements.dominant")
# Work that a database may do every day; while its users wait it is load.
_WORK = ("postgres.counters.load", "postgres.counters.statement")
_USERS_WAIT = (
    "logs.lines.slow",
    "logs.lines.latency",
    "logs.lines.latency",
    "logs.lines.class.pool_timeout",
    "http.health.slow",
)
# What loads a database by itself.
_OWN_CAUSES = (
    "postgres.locks.blocked",
    "postgres.locks.ddl_queue",
    "postgres.transactions.idle_blocking",
    "postgres.transactions.long_query",
)
_DB_RESTARTED = "postgres.server.restarted"
_NEVER = datetime.min.replace(tzinfo=UTC)
_TOGETHER = timedelta(seconds=10)  # as a stack is started: what comes later is a restart
ByTarget = dict[str, dict[str, Finding]]


def judge_stampedes(findings: Iterable[Finding], topology: Topology) -> Iterator[Finding]:
    """Yield `redis.memory.stampede` for each cache that lost its keys while a database beside it is loaded.

    Lost are the keys when it evicts, when it was emptied and is cold or holds hardly anything, or when it was
    started inside the window and is cold or was missed.
    Beside it stands a database that something needs which needs the cache.
    """
    seen: ByTarget = {}
    for one in findings:
        if one.severity is not FindingSeverity.UNKNOWN:
            seen.setdefault(one.target, {}).setdefault(one.id, one)
    for cache in [name for name, kind in topology.kinds.items() if kind == "redis"]:
        users = topology.users(cache)
        lost = _lost(seen.get(cache, {}), [seen.get(user, {}) for user in users])
        databases = [
            name
            for name, kind in topology.kinds.items()
            if kind == "postgres" and users & topology.users(name)
        ]
        for name in databases if lost else ():
            waiting = _waiting(seen.get(user, {}) for user in users & topology.users(name))
            if load := _load(seen.get(name, {}), since=lost[0].since, waiting=waiting):
                yield _stampede(cache, name, lost, load)
                break


def _lost(cache: dict[str, Finding], users: list[dict[str, Finding]]) -> list[Finding]:
    """Return what says that the cache lost its keys, nothing if nothing does."""
    if evicting := [cache[name] for name in _EVICTING if name in cache and cache[name].severity.is_bad]:
        return evicting
    if emptied := _emptied(cache):
        return emptied
    if _RESTARTED not in cache:
        return []
    missed = [one for user in users for name in _MISSED if (one := user.get(name))]
    proof = [*missed, *([cache[_COLD]] if _COLD in cache else [])]
    return [cache[_RESTARTED], *proof] if proof else []


def _emptied(cache: dict[str, Finding]) -> list[Finding]:
    """Return what says that it was emptied; against a baseline, which knows no moment, all of it must.

    A flush that took so long that the slow log has it threw much away, unless most is found again.
    """
    flushed = [cache[name] for name in _FLUSHED if name in cache]
    gone, cold = ([cache[name]] if name in cache else [] for name in (_GONE, _COLD))
    timed = [one for one in (*flushed, *gone) if one.since]
    both = bool(flushed and gone)
    much = any(one.id == _SLOWLY for one in flushed) and not _is_warm(cache)
    if not ((cold or both or much) if timed else (cold and both)):
        return []
    latest = sorted(timed, key=lambda one: one.since or _NEVER, reverse=True)
    return [*latest, *(one for one in (*flushed, *gone) if not one.since), *cold]


def _is_warm(cache: dict[str, Finding]) -> bool:
    """Return whether it is known to answer most of what it is asked."""
    ratio = cache[_FINE].data.get("hit_ratio") if _FINE in cache else None
    return isinstance(ratio, int | float) and ratio >= _WARM_RATIO


def _waiting(users: Iterable[dict[str, Finding]]) -> bool:
    return any(name in user and user[name].severity.is_bad for user in users for name in _USERS_WAIT)


def _load(database: dict[str, Finding], *, since: datetime | None, waiting: bool) -> list[Finding]:
    """Return what says that the database is loaded; nothing if that has a cause of its own."""
    if any(database[name].severity.is_bad for name in _OWN_CAUSES if name in database):
        return []
    started = database[_DB_RESTARTED].since if _DB_RESTARTED in database else None
    if since and started and abs(started - since) < _TOGETHER:
        return []  # everything was started, nothing was lost
    load = [database[name] for name in _LOAD if name in database and database[name].severity.is_bad]
    load += [database[name] for name in _WORK if waiting and name in database and database[name] not in load]
    return [one for one in load if not (since and one.since and one.since < since)]


def _stampede(cache: str, database: str, lost: list[Finding], load: list[Finding]) -> Finding:
    evidence = tuple(dict.fromkeys(ref for one in (*lost, *load) for ref in one.evidence))
    said = "\n".join(f"{one.target}: {one.title}" for one in (*lost, *load))
    how = "was started" if lost[0].id == _RESTARTED else "throws keys away"
    if lost[0].id in {*_FLUSHED, _GONE}:
        how = "was emptied" if any(one.id in _FLUSHED for one in lost) else "lost its keys"
    return Finding(
        id="redis.memory.stampede",
        severity=FindingSeverity.WARNING,
        target=cache,
        title=f"it {how}, and the database {database} is under load",
        detail=f"{said}\nWhat the cache does not answer, the database must",
        since=lost[0].since,
        evidence=evidence,
        data={"database": database, "began": how},
    )
