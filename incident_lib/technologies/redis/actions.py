"""Delete keys that can be made again, by pattern: counted first, unlinked in batches, never all of them."""

import re
from time import sleep

import msgspec

from incident_lib import clock
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.errors import TargetError
from incident_lib.model.remediation import Affected, Bound
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.redis.change import RedisChange, Server, open_for_change
from incident_lib.technologies.redis.families import family_of, is_cache, is_critical
from incident_lib.units import format_bytes, format_duration

_LITERALS = 3  # characters at the start of a pattern that are no wildcard
_SAMPLES = 5
_MAX_KEYS = 1_000_000
_BATCH = 500
_PAUSE_SECONDS = 0.01  # at most 50,000 keys a second, and other clients get their turn
_COUNT_SECONDS = 30.0
_DELETE_SECONDS = 300.0

_CHECKED = 50  # keys whose type and expiry are read
_BUFFERS_RATIO = 0.25  # of maxmemory in client buffers: what is deleted is taken by them again
_QUEUES = frozenset({"list", "stream"})


class _Counted(msgspec.Struct, frozen=True, kw_only=True):
    keys: int
    kept: int  # match, but belong to a critical family
    samples: tuple[str, ...]
    is_whole: bool
    checked: tuple[tuple[str, bool], ...] = ()  # type, and whether it has an expiry


def propose(request: Request) -> Proposal:
    """Return how many keys would go. Cost: one SCAN over the database. Errors: TargetError, RefusedError.

    Refused is what would not help, and what is no cache: queues, and keys that may exist nowhere else.
    """
    pattern, limit = (
        check_pattern(request.arguments["pattern"]),
        request.number("max_keys", least=1, most=_MAX_KEYS),
    )
    session = _open(request)
    try:
        server = session.server()
        _check_server(server, request)
        counted = _count(session, pattern, _allowed(request))
    finally:
        session.close()
    if not counted.is_whole:
        raise RefusedError(
            f"the keys could not be counted within {format_duration(_COUNT_SECONDS)} ({counted.keys:,} "
            "so far); "
            "name a narrower pattern"
        )
    if not counted.keys:
        kept = f"; {counted.kept} matching keys belong to critical families" if counted.kept else ""
        raise RefusedError(f"no key of {request.target} may be deleted by {pattern}{kept}: nothing to do")
    if counted.keys > limit:
        raise RefusedError(
            f"{pattern} matches {counted.keys:,} keys, more than max_keys={limit}; "
            "name a narrower pattern, or raise it"
        )
    _check_kept(counted, pattern, _allowed(request))
    return _proposal(session, server, counted, pattern)


def _check_kept(counted: _Counted, pattern: str, allowed: frozenset[str]) -> None:
    """Refuse keys that are no cache, as far as their type, their expiry and their name say so."""
    queues = [kind for kind, _ in counted.checked if kind in _QUEUES and kind not in allowed]
    if queues:
        raise RefusedError(
            f"{len(queues)} of {len(counted.checked)} keys that were checked are of type "
            f"{queues[0]}, so they are probably queues, and each entry is work to do: name a narrower "
            f"pattern, or find out why it is not consumed (if it may be deleted anyway: --arg "
            f"allow={queues[0]})"
        )
    family = family_of(pattern)
    expiring = sum(has_expiry for _, has_expiry in counted.checked)
    if is_cache(pattern) or family in allowed or 2 * expiring > len(counted.checked):
        return
    raise RefusedError(
        f"{pattern} is not a cache by its name, and {len(counted.checked) - expiring} of "
        f"{len(counted.checked)} "
        f"keys that were checked have no expiry: their data may exist nowhere else (if it can be rebuilt: "
        f"--arg allow={family})"
    )


def _proposal(session: RedisChange, server: Server, counted: _Counted, pattern: str) -> Proposal:
    most = min(_MAX_KEYS, counted.keys + counted.keys // 2 + 100)
    names = ", ".join(counted.samples)
    return Proposal(
        commands=(
            f"SCAN 0 MATCH {pattern} COUNT 1000 (database {session.database})",
            f"UNLINK KEY... ({_BATCH} at a time, a pause of {format_duration(_PAUSE_SECONDS)} between them)",
        ),
        affected=(
            Affected(what="keys", count=counted.keys, detail=f"such as {names}"),
            Affected(what="keys in the database", count=server.database_key_count),
            Affected(what="matching keys that are kept", count=counted.kept, detail="critical families"),
            Affected(what="memory used now", count=server.used_memory_bytes, unit="B"),
        ),
        risks=(
            "their data is gone; if the database has to rebuild it, its load rises: watch it",
            "a client that writes without an expiry will fill it again: stop that too",
        ),
        undo="none: deleted keys cannot be brought back",
        world={"run_id": server.run_id, "role": server.role, "database": str(session.database)},
        numbers={"keys": counted.keys},
        bounds={"keys": Bound(least=counted.keys // 2, most=most)},
        private=counted.keys,
    )


def check_pattern(pattern: str) -> str:
    """Return the pattern, if it says which keys are meant. Errors: RefusedError.

    >>> check_pattern("cache:*")
    'cache:*'
    """
    pattern = pattern.strip()
    start = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    if len(start) < _LITERALS:
        shown = pattern or "an empty pattern"
        raise RefusedError(
            f"{shown} would match too much: start with at least {_LITERALS} characters of the key, as "
            f"cache:* does"
        )
    if not pattern.isprintable():
        raise RefusedError("the pattern holds characters that cannot be shown")
    return pattern


def _allowed(request: Request) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in request.arguments["allow"].split(",") if word.strip())


def _open(request: Request) -> RedisChange:
    service = request.service
    if service.kind != "redis":
        raise RefusedError(f"{service.name} is a service of kind {service.kind}, not redis")
    return open_for_change(request.settings, service)


def _check_server(server: Server, request: Request) -> None:
    if server.role != "master":
        raise RefusedError(f"{request.target} is a replica: keys are deleted on its primary")
    if server.mode != "standalone":
        raise RefusedError(
            f"{request.target} is part of a {server.mode}; delete keys with a client that knows all nodes"
        )

    limit = server.maxmemory_bytes or server.used_memory_bytes
    if limit and server.client_buffer_bytes >= _BUFFERS_RATIO * limit:
        raise RefusedError(
            f"{format_bytes(server.client_buffer_bytes)} of {format_bytes(limit)} are client buffers, not "
            f"keys: they would take any freed memory again; see omem in CLIENT LIST, and disconnect that "
            f"client"
        )


def _deletable(keys: list[bytes], allowed: frozenset[str]) -> list[bytes]:
    return [key for key in keys if not is_critical(key.decode("utf-8", "replace"), allowed)]


def _count(session: RedisChange, pattern: str, allowed: frozenset[str]) -> _Counted:
    """Return how many match. SCAN may show a key twice, so it is a little high at times."""
    deadline = clock.monotonic() + _COUNT_SECONDS
    keys, kept, samples, is_whole = 0, 0, list[str](), True
    checked: list[tuple[str, bool]] = []
    for found in session.scan(pattern):
        mine = _deletable(found, allowed)
        keys, kept = keys + len(mine), kept + len(found) - len(mine)
        samples += [
            excerpt(key.decode("utf-8", "backslashreplace"), 80) for key in mine[: _SAMPLES - len(samples)]
        ]
        checked += session.describe(mine[: _CHECKED - len(checked)])
        if clock.monotonic() > deadline:
            is_whole = False
            break
    return _Counted(
        keys=keys, kept=kept, samples=tuple(sorted(samples)), is_whole=is_whole, checked=tuple(checked)
    )


def carry_out(request: Request, proposal: Proposal) -> Done:
    """Return how many keys were unlinked, never more than the plan's bound. Errors: TargetError."""
    most, allowed = proposal.bounds["keys"].most, _allowed(request)
    pattern = check_pattern(request.arguments["pattern"])
    deadline = clock.monotonic() + _DELETE_SECONDS
    deleted, left = 0, ""
    session = _open(request)
    try:
        for found in session.scan(pattern):
            mine = _deletable(found, allowed)
            for start in range(0, len(mine), _BATCH):
                deleted += session.unlink(mine[start : start + min(_BATCH, most - deleted)])
                sleep(_PAUSE_SECONDS)
                if deleted >= most:
                    break
            if deleted >= most:
                left = f"stopped at the plan's limit of {most} keys"
                break
            if clock.monotonic() > deadline:
                left = f"stopped after {format_duration(_DELETE_SECONDS)}"
                break
    except TargetError as error:
        if not deleted:
            raise
        left = f"then {error.message}"
    finally:
        session.close()
    return Done(text=f"unlinked {deleted} keys by {pattern}", left=left)


def verify(request: Request, proposal: Proposal) -> Verdict:
    """Return whether the keys are gone and stay so, and what it did to the memory."""
    session = _open(request)
    try:
        server = session.server()
        counted = _count(session, request.arguments["pattern"], _allowed(request))
    finally:
        session.close()
    before: int = proposal.private
    full = server.maxmemory_bytes and server.used_memory_bytes >= server.maxmemory_bytes
    limit = f" of {format_bytes(server.maxmemory_bytes)}" if server.maxmemory_bytes else ", without a limit"
    return Verdict(
        is_verified=counted.keys <= before // 10 and not full,
        evidence=(
            f"SCAN: {counted.keys:,} keys match now, {before:,} before",
            f"INFO memory: {format_bytes(server.used_memory_bytes)} used{limit}, policy {server.policy}",
        ),
        next_step="find what writes them, and set an expiry"
        if not full
        else "it is still full: see which keys are big",
    )


ACTION = Action(
    id="redis.delete_keys",
    title="Delete Redis keys that can be rebuilt",
    targets="a service of kind redis",
    does="Removes the keys of one pattern with UNLINK, in small batches with a pause between them.",
    undo="It cannot be undone: the application has to rebuild the keys.",
    not_when=(
        "The keys are a queue, sessions, locks or counters: they are data, not a cache.",
        "Client buffers take the memory, not keys.",
        "The database that has to rebuild the keys is already overloaded.",
    ),
    propose=propose,
    carry_out=carry_out,
    verify=verify,
    arguments=(
        Argument(name="pattern", help="which keys, such as cache:*"),
        Argument(name="max_keys", help="the most that may be deleted", default="100000"),
        Argument(
            name="allow", help="critical families, or types, to delete after all, such as session", default=""
        ),
    ),
)
