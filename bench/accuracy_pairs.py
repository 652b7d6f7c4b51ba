"""Which two faults are put into one stack at a time.

A pair is of faults of two different targets of which neither hides the other: what one of them stops, the
other must not need in order to show. Thirty are drawn by a fixed seed, so that every run measures the same,
and a new fault changes few of them.
"""

import hashlib
from itertools import combinations

from incident_lib.demo import FAULTS

_SEED = 20260115
_PAIRS = 30
# What works no longer while a fault is there. `backend`: it serves requests; `checkouts`: they reach the
# database; `reads`: of orders, through the pool; `reports`: on separate connections.
_ALL = frozenset({"backend", "checkouts", "reads", "reports"})
_STOPS: dict[str, frozenset[str]] = {
    # The process that takes the requests is gone, halted, or out of files.
    **dict.fromkeys(("backend-crash", "backend-halted", "open-files"), _ALL),
    # No request gets a connection of the pool: it is empty, or those who have one wait for a lock.
    **dict.fromkeys(("pool-exhausted", "lock-contention", "ddl-queue"), _ALL - {"backend"}),
    # The server, or the application's way to it, is gone.
    **dict.fromkeys(("db-down", "db-credentials"), _ALL - {"backend"}),
    "db-connections-exhausted": frozenset({"reports"}),
    # A checkout begins with a write to the cache, and is refused where that is.
    **dict.fromkeys(
        (
            *("redis-full", "redis-down", "redis-credentials", "redis-blocked", "redis-clients"),
            *("redis-persistence", "redis-loading", "redis-replication"),
        ),
        frozenset({"checkouts"}),
    ),
    "sequence-exhausted": frozenset({"checkouts"}),
    "db-disk-full": frozenset({"checkouts"}),
    "db-read-only": frozenset({"checkouts"}),
    "slow-statement": frozenset({"reads"}),
    # A flushed or restarted cache sends everything to the database: reads wait, and so do the others.
    "cache-stampede": frozenset({"reads", "reports"}),
}
# What must work for a fault to show at all.
_NEEDS: dict[str, frozenset[str]] = {
    "pool-exhausted": frozenset({"checkouts"}),
    "bad-deploy": frozenset({"reads"}),
    "memory-growth": frozenset({"reads"}),
    "open-files": frozenset({"reads"}),
    "gradual-degradation": frozenset({"reads"}),
    "endpoint-error": frozenset({"reports"}),
    "memory-high": frozenset({"reports"}),
    "lock-contention": frozenset({"checkouts"}),
    "ddl-queue": frozenset({"checkouts"}),
    "sequence-exhausted": frozenset({"checkouts"}),
    "db-credentials": frozenset({"reads"}),
    "db-disk-full": frozenset({"checkouts"}),
    "db-read-only": frozenset({"checkouts"}),
    "dns-failure": frozenset({"backend"}),
    "slow-statement": frozenset({"reads"}),
    "replication-lag": frozenset({"checkouts"}),
    "cache-stampede": frozenset({"reads"}),
    "redis-credentials": frozenset({"backend"}),
}
# Not in pairs, each for its reason.
_ALONE = {
    "host-cpu-saturated": "slows everything down, so that hardly any other fault shows in its time",
    "gradual-degradation": "is judged from a watch, in which the other fault would be months old",
}


def hides(first: str, other: str) -> bool:
    """Return whether the fault `first` keeps the fault `other` from showing.

    >>> hides("db-down", "sequence-exhausted"), hides("db-down", "tls-expired")
    (True, False)
    """
    return bool(_STOPS.get(first, frozenset()) & _NEEDS.get(other, frozenset()))


def may_be_paired(first: str, other: str) -> bool:
    """Return whether both faults show when they are there together.

    >>> may_be_paired("redis-full", "db-down"), may_be_paired("redis-full", "redis-down")
    (True, False)
    """
    if first in _ALONE or other in _ALONE or FAULTS[first].target == FAULTS[other].target:
        return False
    return not hides(first, other) and not hides(other, first)


def all_pairs() -> list[tuple[str, str]]:
    """Return every pair that is allowed, in the order that the seed shuffles them into."""
    names = sorted(name for name, fault in FAULTS.items() if not fault.why_not())
    pairs = [pair for pair in combinations(names, 2) if may_be_paired(*pair)]
    return sorted(pairs, key=lambda pair: hashlib.sha256(f"{_SEED}:{'+'.join(pair)}".encode()).digest())


def pair_keys() -> list[str]:
    """Return the keys of the thirty pairs that are measured."""
    return [f"{first}+{other}#1" for first, other in all_pairs()[:_PAIRS]]
