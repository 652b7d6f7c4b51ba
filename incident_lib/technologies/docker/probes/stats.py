"""What a container uses: differences of a few samples, because totals say nothing about now."""

import time
from datetime import datetime
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.connections.docker import Engine, translated
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.model.rows import MemorySample
from incident_lib.probes.base import Fetched
from incident_lib.technologies.docker.probes.container import cpu_limit_cores, parse_engine_time
from incident_lib.technologies.docker.rows import ContainerUsage

_SAMPLES = 4
_PAUSE_SECONDS = 0.8
# While commands run in it, their memory counts as its own: then there are more samples, until enough are of
# it alone.
_MOST_SAMPLES = 10
_MOST_SECONDS = 8.0
_ONE_SHOT_SINCE = (1, 41)


def fetch_stats(engine: Engine, _window: Window, *, container: str = "") -> Fetched:
    """Return one ContainerUsage and a MemorySample for each sample.

    Cost: four readings of its control group, a second apart, up to ten where commands run in it meanwhile.
    Errors: TargetError where it does not run.
    """
    about = engine.inspect(container)
    if not (about.get("State") or {}).get("Running"):
        raise _not_running(container)
    samples, commands = _samples(engine, container)
    times = [parse_engine_time(sample.get("read")) or clock.now() for sample in samples]
    memory = (
        MemorySample(at=at, memory_bytes=used, command_count=count)
        for at, sample, count in zip(times, samples, commands, strict=True)
        if (used := memory_bytes(sample.get("memory_stats") or {})) is not None
    )
    usage = compute_usage(samples[0], samples[-1], (times[0], times[-1]), about.get("HostConfig") or {})
    started_at = parse_engine_time(about["State"].get("StartedAt"))
    return Fetched(
        rows=(msgspec.structs.replace(usage, started_at=started_at, command_count=commands[-1]), *memory),
        source=f"GET /containers/{container}/stats?stream=0&one-shot=1, {len(samples)} times",
    )


def _samples(engine: Engine, container: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the samples, and how many commands ran in it before or after each."""
    samples: list[dict[str, Any]] = []
    commands: list[int] = []
    end = time.monotonic() + _MOST_SECONDS
    while len(samples) < _SAMPLES or (
        commands.count(0) < _SAMPLES and len(samples) < _MOST_SAMPLES and time.monotonic() < end
    ):
        if samples:
            time.sleep(_PAUSE_SECONDS)
        before = _command_count(engine, container)
        samples.append(_sample(engine, container))
        commands.append(max(before, _command_count(engine, container)))
    return samples, commands


def _command_count(engine: Engine, container: str) -> int:
    return len(engine.inspect(container).get("ExecIDs") or ())


def _not_running(container: str) -> TargetError:
    return TargetError(ProblemKind.SKIPPED, f"{container} is not running, so it uses nothing")


def _sample(engine: Engine, container: str) -> dict[str, Any]:
    api = engine.client.api
    known = tuple(int(part) for part in api.api_version.split(".")) >= _ONE_SHOT_SINCE
    with translated(f"the statistics of {container}"):
        sample = api.stats(container, stream=False, one_shot=True if known else None)
    if not sample.get("cpu_stats", {}).get("cpu_usage"):
        raise _not_running(container)
    return dict(sample)


def memory_bytes(stats: dict[str, Any]) -> int | None:
    """Return memory in use without the file cache that can be dropped; control groups 1 and 2 name it apart.

    >>> memory_bytes({"usage": 100, "stats": {"inactive_file": 30}})
    70
    >>> memory_bytes({"usage": 100, "stats": {"total_inactive_file": 20, "inactive_file": 5}})
    80
    """
    if (usage := stats.get("usage")) is None:
        return None
    parts = stats.get("stats") or {}
    return int(max(0, usage - parts.get("total_inactive_file", parts.get("inactive_file", 0))))


def compute_usage(
    first: dict[str, Any], last: dict[str, Any], times: tuple[datetime, datetime], host: dict[str, Any]
) -> ContainerUsage:
    """Return what was used between two samples. A counter that went back (a restart) gives None."""
    seconds = (times[1] - times[0]).total_seconds()
    spent = _difference(first, last, "cpu_stats", "cpu_usage", "total_usage")
    periods = _difference(first, last, "cpu_stats", "throttling_data", "periods")
    throttled = _difference(first, last, "cpu_stats", "throttling_data", "throttled_periods")
    pids = last.get("pids_stats") or {}
    limit = host.get("PidsLimit") or 0
    return ContainerUsage(
        seconds=seconds,
        cpu_cores=spent / 1e9 / seconds if spent is not None and seconds > 0 else None,
        cpu_limit_cores=cpu_limit_cores(host) or _path(last, "cpu_stats", "online_cpus") or None,
        throttled_ratio=throttled / periods if periods and throttled is not None else None,
        memory_bytes=memory_bytes(last.get("memory_stats") or {}),
        memory_limit_bytes=host.get("Memory") or None,
        process_count=pids.get("current"),
        process_limit_count=limit if limit > 0 else None,
        received_bytes_per_second=_rate(first, last, "rx_bytes", seconds),
        sent_bytes_per_second=_rate(first, last, "tx_bytes", seconds),
        dropped_count=_packets(first, last, "dropped"),
        error_count=_packets(first, last, "errors"),
    )


def _path(sample: dict[str, Any], *keys: str) -> float | None:
    value: Any = sample
    for key in keys:
        value = (value or {}).get(key)
    return None if value is None else float(value)


def _difference(first: dict[str, Any], last: dict[str, Any], *keys: str) -> float | None:
    before, after = _path(first, *keys), _path(last, *keys)
    return after - before if before is not None and after is not None and after >= before else None


def _network(first: dict[str, Any], last: dict[str, Any], key: str) -> int | None:
    before, after = first.get("networks"), last.get("networks")
    if not before or not after:  # on the host's network there are no counters of its own
        return None
    both = set(before) & set(after)
    grown = (int(after[name].get(key, 0)) - int(before[name].get(key, 0)) for name in both)
    return sum(max(0, growth) for growth in grown)


def _rate(first: dict[str, Any], last: dict[str, Any], key: str, seconds: float) -> float | None:
    total = _network(first, last, key)
    return total / seconds if total is not None and seconds > 0 else None


def _packets(first: dict[str, Any], last: dict[str, Any], what: str) -> int | None:
    ways = [_network(first, last, f"{way}_{what}") for way in ("rx", "tx")]
    return None if None in ways else sum(way or 0 for way in ways)
