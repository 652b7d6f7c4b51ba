"""How full it is, and what it throws out."""

from incident_lib.errors import TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import Info, RedisSession, difference, risen
from incident_lib.technologies.redis.rows import RedisMemory


def fetch_memory(session: RedisSession, _window: Window) -> Fetched:
    """Return memory against maxmemory, else the container's limit, else the machine's memory.

    Source: INFO, twice. Units: bytes. Needs: +info.
    """
    session.need_data()
    first, second = session.later()
    used, resident = second.count("used_memory"), second.count("used_memory_rss")
    maxmemory = second.count("maxmemory") or None
    counted = None if used is None else used - (second.count("mem_not_counted_for_evict") or 0)
    limit, source = (maxmemory, "maxmemory") if maxmemory else _outer_limit(session, second)
    held = counted if maxmemory else resident
    behind = second.number("current_eviction_exceeded_time")
    row = RedisMemory(
        seconds=second.read_at - first.read_at,
        used_bytes=used,
        counted_bytes=counted,
        resident_bytes=resident,
        peak_bytes=second.count("used_memory_peak"),
        maxmemory_bytes=maxmemory,
        policy=second.text("maxmemory_policy"),
        limit_bytes=limit,
        limit_source=source,
        used_ratio=held / limit if limit and held is not None else None,
        fragmentation_ratio=second.number("mem_fragmentation_ratio"),
        fragmentation_bytes=second.count("mem_fragmentation_bytes"),
        client_count=second.count("connected_clients"),
        client_buffer_bytes=second.count("mem_clients_normal"),
        key_count=_keys(second, "keys"),
        expiring_key_count=_keys(second, "expires"),
        evicted_count=difference(first, second, "evicted_keys"),
        expired_count=difference(first, second, "expired_keys"),
        hit_count=difference(first, second, "keyspace_hits"),
        miss_count=difference(first, second, "keyspace_misses"),
        eviction_behind_seconds=None if behind is None else behind / 1000,
        run_id=second.text("run_id"),
        flushed_count=risen(_flushes(first), _flushes(second)),
        flush_total_count=_flushes(second),
        expired_total_count=second.count("expired_keys"),
        evicted_total_count=second.count("evicted_keys"),
        hit_total_count=second.count("keyspace_hits"),
        miss_total_count=second.count("keyspace_misses"),
        uptime_seconds=second.count("uptime_in_seconds"),
    )
    return Fetched(rows=(row,))


def _outer_limit(session: RedisSession, info: Info) -> tuple[int | None, str | None]:
    """Return the container's limit, else the machine's memory; neither where the first is not known."""
    try:
        container = session.memory_limit()
    except TargetError:
        return None, None
    if container:
        return container, "container"
    machine = info.count("total_system_memory")
    return machine, "machine" if machine else None


def _flushes(info: Info) -> int | None:
    """Return how often everything was thrown away, None where the server does not count its commands."""
    calls = dict(info.group("cmdstat_"))
    if not calls:
        return None
    return sum(int(calls.get(name, {}).get("calls", 0)) for name in ("flushall", "flushdb"))


def _keys(info: Info, field: str) -> int:
    return sum(int(parts.get(field, 0)) for name, parts in info.group("db") if name.isdigit())


PROBE = Probe(
    name="redis.memory",
    fetch=fetch_memory,
    question="Is it full, and what does it evict?",
    source="INFO all, twice, a second apart (memory, stats, commandstats)",
    in_watch={},
    needs="+info",
)
