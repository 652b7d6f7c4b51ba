"""Containers that were created in the window: deploys, or one first start."""

from datetime import timedelta

import pytest

from incident_lib.correlation.first_start import judge_first_starts
from incident_lib.model import Finding, FindingSeverity
from tests.unit.correlation.situations import judge_with
from tests.unit.technologies.docker.literals import event, evidence, state


def told(*others: int, events=()) -> str:
    """Return what is told of a container, created so many seconds away from the others."""
    mine = state(container_id="a" * 64, name="app-backend")
    rows = [evidence("docker.container", mine), evidence("docker.events", *events)]
    for number, seconds in enumerate(others):
        created = mine.created_at + timedelta(seconds=seconds)
        rows.append(evidence("docker.container", state(container_id=f"{number}" * 64, created_at=created)))
    changed = Finding(
        id="container.state.changed",
        target=rows[0].target,
        severity=FindingSeverity.INFO,
        title="app-backend was created: a deploy",
        data={"container": "app-backend"},
    )
    return judge_with(judge_first_starts, (changed,), evidence=tuple(rows))[0].id.rpartition(".")[2]


@pytest.mark.parametrize(
    ("others", "identity"),
    [((2, 5), "created"), ((2, 4000), "created"), ((4000, 5000), "changed"), ((), "changed")],
)
def test_containers_that_came_together_are_a_first_start(others, identity):
    assert told(*others) == identity


def test_a_container_that_took_anothers_place_is_a_deploy():
    gone = event("destroy", 3, container_id="f" * 64)
    assert told(2, 5, events=(gone,)) == "changed"
