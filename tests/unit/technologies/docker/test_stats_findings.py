"""What a container uses, from literals."""

from datetime import timedelta

import pytest

from incident_lib.findings.growth import memory_series, steady_growth
from incident_lib.model import FindingSeverity
from incident_lib.model.rows import MemorySample
from tests.unit.technologies.docker.literals import (
    NOW,
    judge,
    usage,
)


def test_usage_within_its_limits():
    assert set(judge("docker.stats", usage())) == {"ok"}


def test_usage_that_is_not_known_is_not_ok():
    found = judge("docker.stats", usage(cpu_cores=None, memory_bytes=None))
    assert found["unknown"].severity is FindingSeverity.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "name", "severity"),
    [
        ({"cpu_cores": 1.9}, "cpu", FindingSeverity.WARNING),
        ({"throttled_ratio": 0.5}, "throttled", FindingSeverity.WARNING),
        ({"memory_bytes": 210 << 20}, "memory", FindingSeverity.WARNING),
        ({"memory_bytes": 250 << 20}, "memory", FindingSeverity.CRITICAL),
        ({"process_limit_count": 6}, "pids", FindingSeverity.WARNING),
        ({"dropped_count": 3}, "network", FindingSeverity.WARNING),
    ],
)
def test_usage_near_a_limit(changes, name, severity):
    found = judge("docker.stats", usage(**changes))
    assert {one: each.severity for one, each in found.items()} == {name: severity}


def samples(*sizes):
    return [
        MemorySample(at=NOW + timedelta(seconds=number), memory_bytes=size)
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    "sizes",
    [
        (100, 100, 100, 100, 100),
        (100, 140, 120, 140, 160),
        (100, 101, 102, 103, 104),
        (100, 100, 100, 120, 140),
        (100, 130, 133, 134, 135),  # a wave that ebbs
        (100, 110, 120),  # too few to tell
        (140, 130, 120, 110, 100),
        (),
    ],
)
def test_breathing_is_no_growth(sizes):
    assert steady_growth(memory_series(samples(*sizes), 1000), least_ratio=0.01) is None


def test_growth_counts_to_the_limit():
    growth = steady_growth(memory_series(samples(100, 110, 120, 120, 140), 1000), least_ratio=0.01)
    assert growth.per_second == pytest.approx(9.0)
    assert growth.limit_seconds == pytest.approx(860 / 9)


def test_growth_of_a_container():
    rows = samples(*(size << 20 for size in (100, 105, 110, 115, 120)))
    assert judge("docker.stats", usage(), *rows)["growth"].severity is FindingSeverity.WARNING
    assert "growth" not in judge("docker.stats", usage(memory_limit_bytes=None), *rows)


def test_growth_while_a_health_check_runs():
    rows = samples(*(size << 20 for size in (100, 105, 110, 115, 120)))
    assert judge("docker.stats", usage(command_count=1), *rows)["growth"].severity is FindingSeverity.INFO


@pytest.mark.parametrize(("size", "grows"), [(5, True), (0, False)])
def test_growth_beside_a_health_check(size, grows):
    """Its own memory is that of the moments at which no command ran in it."""
    commands = (0, 1, 0, 0, 1, 0)
    rows = [
        MemorySample(
            at=NOW + timedelta(seconds=number),
            memory_bytes=(100 + number * size + 12 * count) << 20,
            command_count=count,
        )
        for number, count in enumerate(commands)
    ]
    found = judge("docker.stats", usage(), *rows)
    assert ("growth" in found) is grows
    assert not grows or found["growth"].severity is FindingSeverity.WARNING
    few = judge("docker.stats", usage(command_count=1), *rows[3:], *rows[3:4])
    assert "growth" not in few or few["growth"].severity is FindingSeverity.INFO


def test_growth_just_after_a_start():
    rows = samples(*(size << 20 for size in (100, 105, 110, 115, 120)))
    young = usage(started_at=NOW - timedelta(seconds=5))
    assert judge("docker.stats", young, *rows)["growth"].severity is FindingSeverity.INFO
    full = usage(started_at=NOW - timedelta(seconds=5), memory_bytes=600 << 20)
    assert judge("docker.stats", full, *rows)["growth"].severity is FindingSeverity.WARNING
    settled = usage(started_at=NOW - timedelta(minutes=5))
    assert judge("docker.stats", settled, *rows)["growth"].severity is FindingSeverity.WARNING
