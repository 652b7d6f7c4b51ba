"""Limits: what stands at one has passed it."""

import pytest

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import FindingSeverity

INFO, WARNING, CRITICAL = FindingSeverity.INFO, FindingSeverity.WARNING, FindingSeverity.CRITICAL


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        (None, None),
        (0.79, None),
        (0.8, INFO),
        (0.89, INFO),
        (0.9, WARNING),
        (0.94, WARNING),
        (0.95, CRITICAL),
        (1.0, CRITICAL),
    ],
)
def test_the_worst_limit_that_is_reached(value: float | None, severity: FindingSeverity | None):
    assert Thresholds().severity("postgres.saturation", value, "ratio") is severity


@pytest.mark.parametrize(
    ("value", "severity"), [(0.11, None), (0.1, WARNING), (0.03, WARNING), (0.02, CRITICAL), (0.0, CRITICAL)]
)
def test_a_limit_that_is_met_from_above(value: float, severity: FindingSeverity | None):
    assert Thresholds().severity("host.disk", value, "free_ratio", above=False) is severity


def test_the_limit_of_a_team_counts():
    limits = Thresholds({"host.disk.warning_free_ratio": 0.3})
    assert limits.severity("host.disk", 0.3, "free_ratio", above=False) is WARNING
    assert limits["host.disk.warning_free_ratio"] == 0.3
    assert limits["host.disk.critical_free_ratio"] == 0.02
