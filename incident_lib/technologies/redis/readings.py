"""What is compared with another snapshot of a Redis server: numbers, settings, version and role. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Novelty, Reader, other_values, reading, share
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading
from incident_lib.technologies.redis.rows import RedisClients, RedisMemory, RedisServer, RedisSetting


def _clients(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(RedisClients):
        used = share(row.connected_count, row.limit_count)
        yield reading(evidence, "connections", "clients connected", used, "ratio", limit=1.0)


def _memory(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(RedisMemory):
        held = row.counted_bytes if row.maxmemory_bytes else row.resident_bytes
        yield reading(evidence, "memory", "memory", held, "bytes", limit=row.limit_bytes)


def _settings(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "settings", _settings_of)


def _settings_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    yield from ((row.name, row.value) for row in evidence.of(RedisSetting))


def _server(before: Evidence, now: Evidence, _thresholds: Thresholds) -> Iterator[Difference]:
    yield from other_values(before, now, "version", _server_of)


def _server_of(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    for row in evidence.of(RedisServer):
        yield row.software or "server", row.version or None
        yield "role", row.role or None


READINGS: dict[str, Reader] = {"redis.clients": _clients, "redis.memory": _memory}
NOVELTIES: dict[str, Novelty] = {"redis.settings": _settings, "redis.connection": _server}
