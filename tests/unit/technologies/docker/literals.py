"""Containers as literals, and what is judged of them."""

from datetime import UTC, datetime, timedelta

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Problem, Window
from incident_lib.model.renamed import current_id
from incident_lib.technologies.docker.findings import ANALYZERS
from incident_lib.technologies.docker.rows import ContainerEvent, ContainerState, ContainerUsage, EventsSeen

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
START = NOW - timedelta(minutes=15)
CONTEXT = Context(window=Window(START, NOW))
LONG_AGO = NOW - timedelta(days=2)


def evidence(probe, *rows, kind=None):
    problem = Problem(kind=kind, message="so it is", advice="do this") if kind else None
    return Evidence(
        probe=probe,
        target="backend",
        status=EvidenceStatus.FAILED if kind else EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="",
        rows=rows,
        problem=problem,
    )


def judge(probe, *rows):
    found = ANALYZERS[probe](evidence(probe, *rows), CONTEXT)
    return {one.id.removeprefix(current_id(f"{probe}.")): one for one in found}


def state(**changes):
    usual = {
        "name": "app-backend",
        "container_id": "0a1b2c3d4e5f",
        "state": "running",
        "exit_code": None,
        "error": "",
        "oom_killed": False,
        "created_at": LONG_AGO,
        "started_at": LONG_AGO,
        "finished_at": None,
        "restart_count": 0,
        "restart_policy": "always",
        "restart_limit_count": 0,
        "health": "healthy",
        "memory_limit_bytes": 1 << 28,
        "log_is_limited": True,
    }
    return ContainerState(**{**usual, **changes})


def usage(**changes):
    usual = {
        "seconds": 2.0,
        "cpu_cores": 0.1,
        "cpu_limit_cores": 2.0,
        "throttled_ratio": None,
        "memory_bytes": 100 << 20,
        "memory_limit_bytes": 256 << 20,
        "process_count": 5,
        "process_limit_count": None,
        "received_bytes_per_second": 10.0,
        "sent_bytes_per_second": 10.0,
        "dropped_count": 0,
        "error_count": 0,
    }
    return ContainerUsage(**{**usual, **changes})


def event(action, seconds, **changes):
    return ContainerEvent(
        at=NOW - timedelta(seconds=seconds), action=action, container="app-backend", **changes
    )


def seen(seen_from=START, **changes):
    usual = {"container": "app-backend", "asked_from": START, "until": NOW, "kept_count": 3, "exec_count": 0}
    return EventsSeen(seen_from=seen_from, **{**usual, **changes})
