"""What is in it: keys by database, and a bounded sample of the biggest one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import TargetError
from incident_lib.model import Problem, ProblemKind, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import Info, RedisSession, ReplyError, from_reply, text_of
from incident_lib.technologies.redis.probes.patterns import key_pattern
from incident_lib.technologies.redis.rows import RedisDatabase, RedisKey, RedisKeyGroup, RedisKeySample

SAMPLE_KEYS = 10_000
SAMPLE_SECONDS = 1.2  # with the second between two samples of INFO, all of Redis stays below three
BIG_BYTES = 1_000_000
_STEP = 200  # keys a command, so that none of ours takes long
_BIGGEST = 10
_GROUPS = 20


class _Sample(msgspec.Struct, kw_only=True):
    """The sampled keys, as they come in."""

    sizes: dict[bytes, int] = {}
    seconds: float = 0.0
    complete: bool = False


def fetch_keyspace(session: RedisSession, _window: Window) -> Fetched:
    """Return keys by database, and what a sample of the fullest database says about size.

    Source: INFO; SELECT, SCAN COUNT 200, MEMORY USAGE, TYPE of the biggest ten. Shape: names as patterns.
    Needs: +info +select +scan +memory|usage +type ~*. Cost: at most 10,000 keys or 1.2 s; none is touched.
    """
    session.need_data()
    databases = tuple(_databases(session.info()))
    if not databases:
        return Fetched(rows=(), source="INFO all (keyspace): no keys")
    fullest = max(databases, key=lambda row: row.key_count)
    if not session.is_quick:
        problem = Problem(
            kind=ProblemKind.UNSUPPORTED,
            message="no sample of keys through redis-cli, as each key would take a process in the container",
            advice="give the service a `url` that can be reached from here",
        )
        return Fetched(rows=databases, problem=problem)
    try:
        sample = _take_sample(session, fullest.database)
    except _RefusedError as error:
        return Fetched(rows=databases, problem=Problem.from_error(error))
    taken = len(sample.sizes)
    cut = None if sample.complete else Truncation(kept=taken, total=fullest.key_count, unit="keys")
    kinds, untold = _kinds(session, sample)
    return Fetched(
        rows=(*databases, *_rows(fullest, sample, kinds)),
        truncated=cut,
        problem=untold,
    )


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


def _kinds(session: RedisSession, sample: _Sample) -> tuple[dict[bytes, str], Problem | None]:
    """Return what the biggest keys are, and why that is unknown."""
    biggest = sorted(sample.sizes, key=lambda key: -sample.sizes[key])[:_BIGGEST]
    replies = session.exchange([("TYPE", key) for key in biggest]) if biggest else []
    refused = next((reply for reply in replies if isinstance(reply, ReplyError)), None)
    kinds = ("?" if isinstance(reply, ReplyError) else text_of(reply) for reply in replies)
    problem = Problem.from_error(from_reply(refused)) if refused else None
    return dict(zip(biggest, kinds, strict=True)), problem


def _rows(
    database: RedisDatabase, sample: _Sample, kinds: dict[bytes, str]
) -> Iterator[RedisKeySample | RedisKey | RedisKeyGroup]:
    sizes = sample.sizes
    yield RedisKeySample(
        database=database.database,
        sampled_count=len(sizes),
        key_count=database.key_count,
        seconds=sample.seconds,
        memory_bytes=sum(sizes.values()),
        big_count=sum(size > BIG_BYTES for size in sizes.values()),
    )
    for key, kind in kinds.items():
        yield RedisKey(pattern=key_pattern(key), kind=kind, memory_bytes=sizes[key])
    yield from _key_groups(sizes)


def _key_groups(sizes: dict[bytes, int]) -> Iterator[RedisKeyGroup]:
    """Yield the groups of alike names that take the most memory."""
    count: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    for key, size in sizes.items():
        pattern = key_pattern(key)
        count[pattern] += 1
        memory[pattern] += size
    for pattern, size in memory.most_common(_GROUPS):
        yield RedisKeyGroup(pattern=pattern, sampled_count=count[pattern], memory_bytes=size)


PROBE = Probe(
    name="redis.keyspace",
    fetch=fetch_keyspace,
    question="What is in it, and what is big?",
    source="INFO all (keyspace); SELECT; SCAN COUNT 200; MEMORY USAGE; TYPE",
    needs="+info +select +scan +memory|usage +type ~*",
    cost="at most 10,000 keys or 1.2 s",
    tier=1,
)
