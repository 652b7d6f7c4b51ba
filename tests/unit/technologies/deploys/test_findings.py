"""Deployments, and those that go back to a version that ran before."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Window
from incident_lib.technologies.deploys.findings import ANALYZERS
from incident_lib.technologies.deploys.rows import Deployment

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))


def judged(*deployed: tuple[float, str, str, str | None]) -> list[tuple[str, str]]:
    """Return what is found of deployments: so many minutes ago, of a service, a version, the one before."""
    rows = [
        Deployment(at=NOW - timedelta(minutes=ago), service=service, version=version, previous=previous)
        for ago, service, version, previous in deployed
    ]
    evidence = Evidence(
        probe="deploys.log",
        target="deploys",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="read deploys.jsonl",
        rows=tuple(rows),
    )
    found = ANALYZERS["deploys.log"](evidence, CONTEXT)
    return [(each.id.removeprefix("deploys.log."), str(each.data.get("version"))) for each in found]


@pytest.mark.parametrize(
    ("deployed", "found"),
    [
        ([(5, "api", "1.5", "1.4")], [("deployed", "1.5")]),
        ([(9, "api", "1.5", "1.4"), (5, "api", "1.6", "1.5")], [("deployed", "1.5"), ("deployed", "1.6")]),
        # A way back: by the version before it that the log has, or by an older line.
        (
            [(9, "api", "1.5", "1.4"), (5, "api", "1.4", "1.5")],
            [("taken_back", "1.5"), ("rolled_back", "1.4")],
        ),
        (
            [(900, "api", "1.4", None), (9, "api", "1.5", None), (5, "api", "1.4", None)],
            [("taken_back", "1.5"), ("rolled_back", "1.4")],
        ),
        # What came before the window was taken back, too, and the way back alone lies inside.
        ([(20, "api", "1.5", "1.4"), (5, "api", "1.4", "1.5")], [("rolled_back", "1.4")]),
        # And forward again: with a new version, or with the one that was taken back.
        (
            [(12, "api", "1.5", "1.4"), (9, "api", "1.4", "1.5"), (5, "api", "1.6", "1.4")],
            [("taken_back", "1.5"), ("rolled_back", "1.4"), ("deployed", "1.6")],
        ),
        (
            [(12, "api", "1.5", "1.4"), (9, "api", "1.4", "1.5"), (5, "api", "1.5", "1.4")],
            [("taken_back", "1.5"), ("rolled_back", "1.4"), ("deployed", "1.5")],
        ),
        # The same version once more, as after a change of a setting, is no way back.
        ([(9, "api", "1.5", "1.4"), (5, "api", "1.5", "1.5")], [("deployed", "1.5"), ("deployed", "1.5")]),
        # Another service of the same versions.
        ([(9, "api", "1.5", "1.4"), (5, "web", "1.4", "1.3")], [("deployed", "1.5"), ("deployed", "1.4")]),
        ([(60, "api", "1.5", "1.4")], [("none", "None")]),
    ],
)
def test_deployments(
    deployed: list[tuple[float, str, str, str | None]], found: list[tuple[str, str]]
) -> None:
    assert judged(*deployed) == found
