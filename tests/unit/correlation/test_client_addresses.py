"""Addresses of clients, and the containers that have them."""

from datetime import UTC, datetime

from incident_lib.correlation.client_addresses import judge_client_addresses
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.technologies.docker.rows import ContainerState, NetworkAttachment
from tests.unit.correlation.situations import judge_with

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


def _container(name: str, *addresses: str) -> Evidence:
    state = ContainerState(
        name=name,
        container_id=name,
        state="running",
        exit_code=None,
        error="",
        oom_killed=False,
        created_at=NOW,
        started_at=NOW,
        finished_at=None,
        restart_count=0,
        restart_policy="",
        restart_limit_count=0,
    )
    return Evidence(
        probe="docker.container",
        target=name,
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="GET",
        rows=(state, *(NetworkAttachment(network="app", address=address) for address in addresses)),
    )


def _blocked(**data: str) -> Finding:
    return Finding(
        id="postgres.locks.blocked",
        severity=FindingSeverity.CRITICAL,
        target="db",
        title="2 sessions wait",
        detail="Root: pid 5",
        data=data,
    )


def test_the_container_of_the_root_is_named() -> None:
    seen = (_container("shop-api", "172.18.0.5", "172.19.0.2"), _container("shop-jobs", "172.18.0.6"))
    (found,) = judge_with(judge_client_addresses, [_blocked(root_client="172.18.0.5")], evidence=seen)
    assert found.title == "2 sessions wait, from container shop-api"
    assert found.data["root_container"] == "shop-api"
    assert "172.18.0.5 is the container shop-api" in found.detail


def test_an_address_of_two_containers_or_of_none_names_nobody() -> None:
    seen = (_container("one", "172.18.0.5"), _container("two", "172.18.0.5"))
    for address in ("172.18.0.5", "10.0.0.9"):
        (found,) = judge_with(judge_client_addresses, [_blocked(root_client=address)], evidence=seen)
        assert found == _blocked(root_client=address)
