"""Slow answers, measured from a busy machine and from an idle one."""

import pytest

from incident_lib.correlation.busy_machine import judge_slowness
from incident_lib.model import Finding, FindingSeverity
from tests.unit.correlation.situations import judge_with

WARNING, INFO = FindingSeverity.WARNING, FindingSeverity.INFO
BUSY = Finding(id="host.load.high", target="host", severity=WARNING, title="load is 9 for each processor")

TAKEN = Finding(id="host.load.saturated", target="host", severity=INFO, title="the processors are taken")


def slow(seconds: float | None) -> Finding:
    data = {"seconds": seconds}
    return Finding(id="http.health.slow", target="bank", severity=WARNING, title="slow", data=data)


@pytest.mark.parametrize(("seconds", "severity"), [(1.4, INFO), (4.0, WARNING), (None, WARNING)])
def test_a_busy_machine_explains_a_little_slowness(seconds: float | None, severity: FindingSeverity) -> None:
    first, second = judge_with(judge_slowness, (slow(seconds), BUSY))
    assert first.severity is severity
    assert ("too busy to tell" in first.title) is (severity is INFO)
    assert second is BUSY


@pytest.mark.parametrize("busy", [BUSY, TAKEN])
def test_a_busy_machine_explains_a_greeting_that_was_not_answered(busy: Finding) -> None:
    silent = Finding(
        id="network.inside.tls_silent", target="bank", severity=FindingSeverity.CRITICAL, title="silent"
    )
    first, _ = judge_with(judge_slowness, (silent, busy))
    assert (first.severity, "too busy to tell" in first.title) == (INFO, True)
    assert judge_with(judge_slowness, (silent,)) == [silent]


@pytest.mark.parametrize(("seconds", "severity"), [(1.4, INFO), (4.0, WARNING)])
def test_a_busy_machine_resolves_names_slowly(seconds: float, severity: FindingSeverity) -> None:
    data = {"host": "bank.example", "seconds": seconds}
    names = Finding(id="network.names.slow", target="bank", severity=WARNING, title="slow", data=data)
    assert judge_with(judge_slowness, (names, BUSY))[0].severity is severity


def test_an_idle_machine_explains_nothing() -> None:
    assert judge_with(judge_slowness, (slow(1.4),)) == [slow(1.4)]


@pytest.mark.parametrize(
    ("seconds", "endpoints", "severity"), [(0.7, 2, INFO), (0.7, 9, WARNING), (4.0, 2, WARNING)]
)
def test_a_busy_machine_makes_most_endpoints_slow(
    seconds: float, endpoints: int, severity: FindingSeverity
) -> None:
    data = {"after_seconds": seconds, "slower_endpoints_count": 2, "endpoints_count": endpoints}
    latency = Finding(id="logs.lines.latency", target="shop", severity=WARNING, title="slow", data=data)
    assert judge_with(judge_slowness, (latency, BUSY))[0].severity is severity


@pytest.mark.parametrize(("slow_endpoints", "severity"), [(1, WARNING), (4, INFO)])
def test_a_busy_machine_does_not_slow_one_endpoint_alone(
    slow_endpoints: int, severity: FindingSeverity
) -> None:
    data = {"slow_endpoints_count": slow_endpoints, "endpoints_count": 5}
    measured = Finding(id="logs.lines.slow", target="shop", severity=WARNING, title="slow", data=data)
    assert judge_with(judge_slowness, (slow(2.0), measured, BUSY))[0].severity is severity
