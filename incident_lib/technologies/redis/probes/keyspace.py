"""What is in it: keys by database, and a bounded sample of the biggest one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import TargetError
from incident_lib.model import Problem, ProblemKind, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import (
    MOST_PENDING,
    Info,
    RedisSession,
    ReplyError,
    from_reply,
    text_of,
)
from incident_lib.technologies.redis.probes.patterns import key_pattern
from incident_lib.technologies.redis.rows import (
    RedisDatabase,
    RedisKey,
    RedisKeyGroup,
    RedisKeySample,
    RedisStreamGroup,
)

SAMPLE_KEYS = 10_000
SAMPLE_SECONDS = 1.2  # with the second between two samples of INFO, all of Redis stays below three
BIG_BYTES = 1_000_000
_STEP = 200  # keys a command, so that none of ours takes long
_BIGGEST = 10
_GROUPS = 20
_CHECKED = 10  # keys of each group whose type and expiry are read
_NOT_ALLOWED = "NOPERM"
_STREAMS = 5  # whose groups are read, the biggest first
_STREAM_GROUPS = 5  # of each, whose oldest pending entries are read
_PUT = "lpush rpush lpushx rpushx xadd zadd lmove blmove rpoplpush brpoplpush"
_TAKEN = (
    "lpop rpop blpop brpop lmove blmove rpoplpush brpoplpush lmpop blmpop ltrim lrem xread xreadgroup xdel "
    "xtrim xautoclaim xclaim zpopmin zpopmax bzpopmin bzpopmax zmpop bzmpop zrem zremrangebyscore"
)


class _Sample(msgspec.Struct, kw_only=True):
    """The sampled keys, as they come in."""

    sizes: dict[bytes, int] = {}
    seconds: float = 0.0
    complete: bool = False


def fetch_keyspace(session: RedisSession, _window: Window) -> Fetched:
    """Return keys by database, and what a sample of the fullest database says about size.

    Source: INFO, twice; SELECT, SCAN COUNT 200, MEMORY USAGE; TYPE and TTL of the biggest ten, and of ten
    keys of each group; XINFO GROUPS and XLEN of the five biggest streams, XPENDING of ten entries. Shape:
    names as patterns. Needs: +info +select +scan +memory|usage +type +ttl +xinfo|groups +xlen +xpending ~*.
    Cost: at most 10,000 keys or 1.2 s; none is touched but streams that cannot be evicted.
    """
    session.need_data()
    databases = tuple(_databases(session.info()))
    if not databases:
        return Fetched(rows=(), source="INFO all (keyspace): no keys")
    fullest = max(databases, key=lambda row: row.key_count)
    if not session.is_quick:
        slow = Problem(
            kind=ProblemKind.UNSUPPORTED,
            message="no sample of keys through redis-cli: each key would start a process in the container",
            advice="give the service a `url` that can be reached from here",
        )
        return Fetched(rows=databases, problem=slow)
    try:
        sample = _take_sample(session, fullest.database)
    except _RefusedError as error:
        return Fetched(rows=databases, problem=Problem.from_error(error))
    taken = len(sample.sizes)
    cut = None if sample.complete else Truncation(kept=taken, total=fullest.key_count, unit="keys")
    groups = _members(sample.sizes)
    biggest = sorted(sample.sizes, key=lambda key: -sample.sizes[key])[:_BIGGEST]
    checked = [key for members in groups.values() for key in members[:_CHECKED]]
    known, problem = _describe(session, list(dict.fromkeys((*biggest, *checked))))
    streams, refused = _streams(session, sample.sizes, known)
    rows = (
        _sampled(session, fullest, sample),
        *(_key(key, sample.sizes[key], known) for key in biggest),
        *(_group(pattern, members, sample.sizes, known) for pattern, members in groups.items()),
        *streams,
    )
    return Fetched(rows=(*databases, *rows), truncated=cut, problem=problem or refused)


class _RefusedError(TargetError):
    """A command of the sample was refused; the counts are still good."""


def _databases(info: Info) -> Iterator[RedisDatabase]:
    for name, parts in info.group("db"):
        if name.isdigit():
            milliseconds = int(parts.get("avg_ttl", 0))
            yield RedisDatabase(
                database=int(name),
                key_count=int(parts.get("keys", 0)),
                expiring_count=int(parts.get("expires", 0)),
                average_ttl_seconds=milliseconds / 1000 if milliseconds else None,
            )


def _take_sample(session: RedisSession, database: int) -> _Sample:
    started = clock.monotonic()
    sample, cursor = _Sample(), b"0"
    _run(session, "SELECT", database)
    while len(sample.sizes) < SAMPLE_KEYS and clock.monotonic() - started < SAMPLE_SECONDS:
        cursor, keys = _run(session, "SCAN", cursor, "COUNT", _STEP)
        _measure(session, [key for key in keys if key not in sample.sizes], sample)
        if cursor == b"0":
            sample.complete = True
            break
    sample.seconds = clock.monotonic() - started
    return sample


def _measure(session: RedisSession, keys: list[bytes], sample: _Sample) -> None:
    if not keys:
        return
    replies = session.exchange([("MEMORY", "USAGE", key) for key in keys])
    for key, reply in zip(keys, replies, strict=True):
        if isinstance(reply, ReplyError):
            _raise(reply)
        if isinstance(reply, int):  # None: gone since
            sample.sizes[key] = reply


def _run(session: RedisSession, *command: str | bytes | int) -> Any:
    reply = session.exchange([command])[0]
    if isinstance(reply, ReplyError):
        _raise(reply)
    return reply


def _raise(reply: ReplyError) -> None:
    error = from_reply(reply)
    raise _RefusedError(error.kind, error.message, error.advice)


class _Known(msgspec.Struct, frozen=True):
    """What a key is: "list", and whether it has an expiry; None where that may not be asked for."""

    kind: str
    has_expiry: bool | None


def _describe(session: RedisSession, keys: list[bytes]) -> tuple[dict[bytes, _Known], Problem | None]:
    """Return what `keys` are, and why that is unknown."""
    known: dict[bytes, _Known] = {}
    problem = None
    for start in range(0, len(keys), _STEP):
        step = keys[start : start + _STEP]
        replies = session.exchange([(name, key) for key in step for name in ("TYPE", "TTL")])
        for key, kind, seconds in zip(step, replies[::2], replies[1::2], strict=True):
            refused = next((reply for reply in (kind, seconds) if isinstance(reply, ReplyError)), None)
            problem = problem or (Problem.from_error(from_reply(refused)) if refused else None)
            known[key] = _Known(
                "?" if isinstance(kind, ReplyError) else text_of(kind),
                seconds >= 0 if isinstance(seconds, int) else None,
            )
    return known, problem


def _streams(
    session: RedisSession, sizes: dict[bytes, int], known: dict[bytes, _Known]
) -> tuple[list[RedisStreamGroup], Problem | None]:
    """Return the groups of the biggest streams, and why they are unknown.

    To ask for them changes when a key was used last, which counts only where it may be evicted for that.
    """
    _, second = session.later()
    policy = second.text("maxmemory_policy") or "noeviction"
    is_kept = policy == "noeviction" or policy.startswith("volatile") or not second.count("maxmemory")
    streams = [
        key for key, each in known.items() if each.kind == "stream" and (is_kept and each.has_expiry is False)
    ]
    streams.sort(key=lambda key: -sizes[key])
    found: list[RedisStreamGroup] = []
    streams = streams[:_STREAMS]
    lengths = session.exchange([("XLEN", key) for key in streams]) if streams else []
    replies = session.exchange([("XINFO", "GROUPS", key) for key in streams]) if streams else []
    for key, length, reply in zip(streams, lengths, replies, strict=True):
        refused = next((each for each in (length, reply) if isinstance(each, ReplyError)), None)
        if refused and refused.code == _NOT_ALLOWED:
            return found, Problem.from_error(from_reply(refused))
        if refused:  # gone since, or another kind of key
            continue
        groups = sorted(map(_fields, reply), key=lambda fields: -int(fields.get("pending") or 0))
        groups = groups[:_STREAM_GROUPS]
        asked = [("XPENDING", key, fields["name"], "-", "+", MOST_PENDING) for fields in groups]
        for fields, entries in zip(groups, session.exchange(asked) if asked else [], strict=True):
            if isinstance(entries, ReplyError) and entries.code == _NOT_ALLOWED:
                return found, Problem.from_error(from_reply(entries))
            if isinstance(entries, ReplyError):
                continue
            found.append(_stream_group(key, int(length), fields, entries))
    return found, None


def _fields(reply: Any) -> dict[str, Any]:
    """Return a reply of pairs as fields; newer protocols reply with a map."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {text_of(name): value for name, value in pairs}


def _stream_group(key: bytes, count: int, fields: dict[str, Any], entries: list[Any]) -> RedisStreamGroup:
    oldest = max(entries, key=lambda entry: int(entry[2]), default=None)
    lag = fields.get("lag")
    return RedisStreamGroup(
        pattern=key_pattern(key),
        group=text_of(fields["name"]),
        entry_count=count,
        consumer_count=int(fields.get("consumers") or 0),
        pending_count=int(fields.get("pending") or 0),
        lag_count=None if lag is None else int(lag),
        oldest_seconds=int(oldest[2]) / 1000 if oldest else None,
        oldest_consumer=text_of(oldest[1]) if oldest else None,
        oldest_deliveries_count=int(oldest[3]) if oldest else None,
    )


def _sampled(session: RedisSession, database: RedisDatabase, sample: _Sample) -> RedisKeySample:
    sizes = sample.sizes
    first, second = session.later()
    maxmemory, buffers = second.count("maxmemory") or None, second.count("mem_clients_normal")
    used = (second.count("used_memory") or 0) - (second.count("mem_not_counted_for_evict") or 0)
    return RedisKeySample(
        database=database.database,
        sampled_count=len(sizes),
        key_count=database.key_count,
        seconds=sample.seconds,
        memory_bytes=sum(sizes.values()),
        big_count=sum(size > BIG_BYTES for size in sizes.values()),
        used_ratio=used / maxmemory if maxmemory else None,
        maxmemory_bytes=maxmemory,
        buffer_ratio=buffers / maxmemory if maxmemory and buffers is not None else None,
        policy=second.text("maxmemory_policy"),
        put_count=_calls(first, second, _PUT),
        taken_count=_calls(first, second, _TAKEN),
        blocked_count=second.count("blocked_clients"),
        flow_seconds=second.read_at - first.read_at,
    )


def _calls(first: Info, second: Info, names: str) -> int | None:
    """Return how often any of these commands was called between the samples, None where none is counted."""
    before, after = dict(first.group("cmdstat_")), dict(second.group("cmdstat_"))
    if not after:
        return None
    pairs = ((before.get(name, {}), after.get(name, {})) for name in names.split())
    return sum(int(late.get("calls", 0)) - int(early.get("calls", 0)) for early, late in pairs)


def _key(key: bytes, size: int, known: dict[bytes, _Known]) -> RedisKey:
    return RedisKey(
        pattern=key_pattern(key), kind=known[key].kind, memory_bytes=size, has_expiry=known[key].has_expiry
    )


def _members(sizes: dict[bytes, int]) -> dict[str, list[bytes]]:
    """Return the groups of alike names that take the most memory, with their keys, the biggest first."""
    memory: Counter[str] = Counter()
    members: dict[str, list[bytes]] = defaultdict(list)
    for key, size in sizes.items():
        pattern = key_pattern(key)
        memory[pattern] += size
        members[pattern].append(key)
    most = [pattern for pattern, _ in memory.most_common(_GROUPS)]
    return {pattern: sorted(members[pattern], key=lambda key: -sizes[key]) for pattern in most}


def _group(
    pattern: str, members: list[bytes], sizes: dict[bytes, int], known: dict[bytes, _Known]
) -> RedisKeyGroup:
    checked = [known[key] for key in members if key in known]
    answered = [each for each in checked if each.has_expiry is not None]
    kinds = Counter(each.kind for each in checked)
    return RedisKeyGroup(
        pattern=pattern,
        sampled_count=len(members),
        memory_bytes=sum(sizes[key] for key in members),
        kind=kinds.most_common(1)[0][0] if kinds else None,
        checked_count=len(answered),
        expiring_count=sum(bool(each.has_expiry) for each in answered),
    )


PROBE = Probe(
    name="redis.keyspace",
    fetch=fetch_keyspace,
    question="What is in it, and what is big?",
    source="INFO all, twice (keyspace, memory, commandstats); SELECT; SCAN COUNT 200; MEMORY "
    "USAGE; TYPE, TTL; XINFO GROUPS, XLEN, XPENDING",
    needs="+info +select +scan +memory|usage +type +ttl +xinfo|groups +xlen +xpending ~*",
    cost="at most 10,000 keys or 1.2 s",
    tier=1,
)
