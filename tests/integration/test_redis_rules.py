"""What the workbench's user may not do is named as the rule that is missing, and never an alarm."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, ProblemKind
from incident_lib.technologies.redis.connect.commands import ALLOWED
from incident_lib.technologies.redis.probes import ACL_RULE
from incident_lib.technologies.redis.rows import RedisLatency
from tests.integration.redis_service import collect, context, kind, running, settings_for

pytestmark = pytest.mark.redis
__all__ = ["kind"]
# To log in needs no right, our name in CLIENT LIST is for others, and a cluster is asked for only in one.
_SILENT = {("AUTH",), ("CLIENT", "SETNAME"), ("CLUSTER", "INFO")}
RULES = sorted("+" + "|".join(words).lower() for words in ALLOWED - _SILENT)


def findings(evidence: dict[str, Evidence]) -> Iterator[Finding]:
    """Yield what the analysis makes of all of it."""
    for one in evidence.values():
        yield from analyze_one(one, context())


def test_each_missing_rule_is_named_and_alarms_nobody(kind: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(lambda rule: look_twice_without(kind, rule), RULES))
    for rule, evidence in zip(RULES, looks, strict=True):
        problems = [one.problem for one in evidence.values() if one.problem]
        assert any(rule in f"{one.message} {one.advice}".split() for one in problems), (rule, problems)
        assert {one.kind for one in problems} <= {ProblemKind.PRIVILEGE, ProblemKind.SKIPPED}
        assert not [one for one in findings(evidence) if one.severity.is_bad]
        assert [one for one in findings(evidence) if one.severity is FindingSeverity.UNKNOWN]


def look_twice_without(kind: str, rule: str) -> dict[str, Evidence]:
    """Return what a user sees who lacks `rule`, and who was refused for it before."""
    with running(kind) as server, server.client() as client:
        client.set("user:1", "data")
        client.xadd("events", {"order": "7"})  # its groups and what they have in hand are asked for
        client.xgroup_create("events", "workers", "0")
        client.xreadgroup("workers", "worker-1", {"events": ">"})
        kept = [one for one in ACL_RULE.split() if one != rule]
        client.execute_command("ACL", "SETUSER", "lame", "on", ">sesame", *kept)
        settings = settings_for(f"redis://lame:sesame@127.0.0.1:{server.port}")
        collect(settings)
        return collect(settings)


def test_keys_that_may_not_be_measured(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        client.set("user:1", "data")
        kept = [one for one in ACL_RULE.split() if one != "~*"]
        client.execute_command("ACL", "SETUSER", "lame", "on", ">sesame", "~other:*", *kept)
        evidence = collect(settings_for(f"redis://lame:sesame@127.0.0.1:{server.port}"))["redis.keyspace"]
    assert evidence.status is EvidenceStatus.PARTIAL
    assert evidence.problem is not None
    assert "lacks ~*" in evidence.problem.message
    assert "ACL SETUSER <user> ~*" in evidence.problem.advice


def test_a_ping_that_is_not_allowed_says_nothing_about_the_server(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        kept = [one for one in ACL_RULE.split() if one != "+ping"]
        client.execute_command("ACL", "SETUSER", "lame", "on", ">sesame", *kept)
        evidence = collect(settings_for(f"redis://lame:sesame@127.0.0.1:{server.port}"))
    first = evidence["redis.connection"]
    assert first.of(RedisLatency) == ()
    assert first.status is EvidenceStatus.PARTIAL
    severities = {one.id: one.severity for one in analyze_one(first, context())}
    assert severities["redis.connection.unknown"] is FindingSeverity.UNKNOWN
    assert "redis.connection.noperm" not in severities
