"""The numbers in evidence that can be set against those of another snapshot, or followed over time. Pure."""

from collections.abc import Callable, Iterator, Mapping

from incident_lib.model import Evidence
from incident_lib.model.series import Reading
from incident_lib.technologies.docker.rows import ContainerUsage
from incident_lib.technologies.host.rows import FileSystem, HostMemory
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.rows import LogEndpoint, LogSummary
from incident_lib.technologies.network.rows import TlsAnswer
from incident_lib.technologies.postgres.rows import PostgresCapacity
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisClients, RedisMemory

_LEAST_REQUESTS = 5  # fewer have neither a percentile nor a rate
_DAY_SECONDS = 86_400


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Yield the numbers of one evidence; nothing where it saw nothing, or holds none.

    Shape: `(target, name, what)` is the same in every snapshot. Units: in `Reading.unit`.
    """
    read = _READERS.get(evidence.probe)
    if read is not None and evidence.has_rows:
        yield from read(evidence)


def _reading(
    evidence: Evidence, name: str, what: str, value: float | None, unit: str, *, limit: float | None = None
) -> Reading:
    return Reading(
        target=evidence.target,
        name=name,
        what=what,
        value=value,
        unit=unit,
        at=evidence.collected_at,
        evidence=evidence.ref,
        limit=limit,
    )


def _share(count: float | None, limit: float | None) -> float | None:
    """Return how much of the limit is used, None where either is unknown.

    >>> _share(20, 80), _share(None, 80), _share(20, None)
    (0.25, None, None)
    """
    return count / limit if count is not None and limit else None


def _capacity(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(PostgresCapacity):
        share = _share(row.connection_count, row.usable_count)
        yield _reading(evidence, "connections", "connections in use", share, "ratio", limit=1.0)


def _clients(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(RedisClients):
        share = _share(row.connected_count, row.limit_count)
        yield _reading(evidence, "connections", "clients connected", share, "ratio", limit=1.0)


def _redis_memory(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(RedisMemory):
        held = row.counted_bytes if row.maxmemory_bytes else row.resident_bytes
        yield _reading(evidence, "memory", "memory", held, "bytes", limit=row.limit_bytes)


def _process(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(ProcessState):
        if row.is_running:
            limit = row.memory_limit_bytes or row.address_space_limit_bytes
            yield _reading(evidence, "memory", "memory", row.resident_bytes, "bytes", limit=limit)
            if row.open_file_count is not None:
                share = _share(row.open_file_count, row.open_file_limit_count)
                yield _reading(evidence, "files", "open files", share, "ratio", limit=1.0)


def _container(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(ContainerUsage):
        yield _reading(evidence, "memory", "memory", row.memory_bytes, "bytes", limit=row.memory_limit_bytes)


def _host_memory(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(HostMemory):
        used = row.total_bytes - row.available_bytes
        yield _reading(evidence, "host_memory", "memory", used, "bytes", limit=row.total_bytes)


def _disk(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(FileSystem):
        used = _share(row.total_bytes - row.free_bytes, row.total_bytes)
        yield _reading(evidence, "disk", row.path, used, "ratio", limit=1.0)


def _health(evidence: Evidence) -> Iterator[Reading]:
    answers = evidence.of(HttpAnswer)
    for row in answers:
        yield _reading(evidence, "latency", f"GET {row.path}", row.typical_seconds, "seconds")
    if answers:
        failing = sum(not row.is_well for row in answers) / len(answers)
        yield _reading(evidence, "errors", "health addresses that fail", failing, "ratio")


def _logs(evidence: Evidence) -> Iterator[Reading]:
    for row in evidence.of(LogSummary):
        if row.requests_count >= _LEAST_REQUESTS:
            failed = row.server_errors_count / row.requests_count
            yield _reading(evidence, "errors", "requests answered with 5xx", failed, "ratio")
    for one in evidence.of(LogEndpoint):
        if one.requests_count >= _LEAST_REQUESTS:
            what = f"{one.method} {one.path}"
            yield _reading(evidence, "errors", f"{what}: 5xx", one.server_errors_ratio, "ratio")
            if one.duration_p95_seconds is not None:
                yield _reading(evidence, "latency", f"{what}: p95", one.duration_p95_seconds, "seconds")


def _certificates(evidence: Evidence) -> Iterator[Reading]:
    ends: dict[str, float] = {}
    for row in evidence.of(TlsAnswer):
        if row.certificates:
            left = (row.certificates[0].not_after_at - evidence.collected_at).total_seconds() / _DAY_SECONDS
            ends[row.name] = min(left, ends.get(row.name, left))
    for name, days in ends.items():
        yield _reading(evidence, "certificate", f"certificate of {name}", days, "days")


_READERS: Mapping[str, Callable[[Evidence], Iterator[Reading]]] = {
    "postgres.saturation": _capacity,
    "redis.clients": _clients,
    "redis.memory": _redis_memory,
    "process.state": _process,
    "docker.stats": _container,
    "host.memory": _host_memory,
    "host.disk": _disk,
    "http.health": _health,
    "logs.lines": _logs,
    "network.tls": _certificates,
}
MEASURED = frozenset(_READERS)
