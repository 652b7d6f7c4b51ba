"""What happened to containers, from literals."""

from datetime import timedelta

import pytest

from incident_lib.model import FindingSeverity
from tests.unit.technologies.docker.literals import (
    NOW,
    event,
    judge,
    seen,
)


def test_nothing_happened():
    assert set(judge("docker.events", seen())) == {"ok"}


def test_engine_that_forgot_says_so():
    found = judge("docker.events", seen(seen_from=NOW - timedelta(minutes=2)))
    assert set(found) == {"forgotten", "ok"}


def test_stop_by_somebody_is_no_death():
    found = judge("docker.events", seen(), event("kill", 100, signal=15), event("die", 95, exit_code=143))
    assert "die" not in found
    assert found["kill"].data["signal"] == 15


def test_stop_explains_one_end_of_one_container():
    stopped = (event("kill", 100, signal=15), event("die", 95, exit_code=143), event("start", 94))
    later = judge("docker.events", seen(), *stopped, event("die", 80, exit_code=1))
    assert later["die"].data["count"] == 1
    ends = [event("die", seconds, exit_code=1, container_id="next") for seconds in (90, 85, 80)]
    looping = judge("docker.events", seen(), *stopped[:2], *ends)
    assert looping["restart_loop"].data["count"] == 3


def test_death_by_itself():
    found = judge("docker.events", seen(), event("die", 95, exit_code=1))
    assert found["die"].severity is FindingSeverity.WARNING
    assert found["die"].since == NOW - timedelta(seconds=95)


def test_kernel_and_worker():
    container = judge("docker.events", seen(), event("oom", 50), event("die", 50, exit_code=137))
    assert {"oom", "die"} <= set(container)
    assert "memory limit" in container["die"].title
    assert set(judge("docker.events", seen(), event("oom", 50))) == {"worker_killed"}


def test_unhealthy_for_a_while():
    ill = event("health_status", 300, health="unhealthy")
    well = event("health_status", 200, health="healthy")
    assert "until" in judge("docker.events", seen(), ill, well)["health_status"].title
    assert "still" in judge("docker.events", seen(), ill)["health_status"].title


@pytest.mark.parametrize(
    ("started", "severity"), [(330, FindingSeverity.INFO), (500, FindingSeverity.WARNING)]
)
def test_a_check_that_failed_as_the_container_started_is_over(started, severity):
    ill = event("health_status", 300, health="unhealthy")
    well = event("health_status", 290, health="healthy")
    found = judge("docker.events", seen(), event("start", started), ill, well)
    assert found["health_status"].severity is severity


def test_what_services_say_is_not_said_twice():
    whole = seen(container="", configured=("app-backend",))
    found = judge("docker.events", whole, event("die", 5, exit_code=1))
    assert set(found) == {"ok"}
