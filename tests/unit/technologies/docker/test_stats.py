"""Differences of samples, and times as the engine writes them."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.technologies.docker.probes.container import parse_engine_time
from incident_lib.technologies.docker.probes.stats import compute_usage

START = datetime(2026, 1, 15, tzinfo=UTC)
TIMES = (START, START + timedelta(seconds=2))


def sample(cpu, *, periods=0, throttled=0, received=0, dropped=0):
    return {
        "cpu_stats": {
            "cpu_usage": {"total_usage": cpu},
            "online_cpus": 2,
            "throttling_data": {"periods": periods, "throttled_periods": throttled},
        },
        "memory_stats": {"usage": 1000, "stats": {"inactive_file": 100}, "limit": 10**12},
        "networks": {"eth0": {"rx_bytes": received, "tx_bytes": 0, "rx_dropped": dropped}},
        "pids_stats": {"current": 3},
    }


def test_usage_is_a_difference():
    first = sample(10**9, periods=10, throttled=1, received=100, dropped=7)
    last = sample(2 * 10**9, periods=30, throttled=11, received=300, dropped=9)
    usage = compute_usage(first, last, TIMES, {"Memory": 2000, "NanoCpus": 500_000_000, "PidsLimit": 0})
    assert usage.cpu_cores == pytest.approx(0.5)
    assert usage.cpu_ratio == pytest.approx(1.0)
    assert usage.throttled_ratio == pytest.approx(0.5)
    assert (usage.memory_bytes, usage.memory_ratio) == (900, 0.45)
    assert usage.received_bytes_per_second == pytest.approx(100)
    assert usage.dropped_count == 2
    assert usage.process_limit_count is None


def test_counter_that_went_back_is_unknown():
    usage = compute_usage(sample(2 * 10**9), sample(10**9), TIMES, {})
    assert usage.cpu_cores is None
    assert usage.throttled_ratio is None
    assert usage.memory_limit_bytes is None  # the machine's memory is not a limit of its own


def test_without_a_network_nothing_is_claimed():
    first, last = sample(0), sample(10)
    first["networks"] = None
    assert compute_usage(first, last, TIMES, {}).dropped_count is None


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-01-15T14:31:05Z", 14), ("2026-01-15T14:31:05.123456789+02:00", 12)]
)
def test_times_are_utc(text, hour):
    assert parse_engine_time(text).hour == hour


@pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z", "soon"])
def test_never_and_nonsense_are_unknown(text):
    assert parse_engine_time(text) is None
