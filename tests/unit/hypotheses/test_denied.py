"""What was measured weighs more than what a log says: causes name what denies them, or why nothing does."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from incident_lib.findings.base import ok
from incident_lib.findings.catalogue import Flag
from incident_lib.hypotheses import rank
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.investigation.analyze import analyze_one
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import Finding, FindingSeverity, Hypothesis
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue
from tests.unit.technologies.logs.logs_of import NOW, PATTERNS
from tests.unit.technologies.test_every_finding import CASES, CONTEXT, evidence

GRAPH = Topology(
    kinds={
        "shop": "http",
        "ledger": "postgres",
        "keys": "redis",
        "bank": "outside",
        "machine": "host",
    },
    depends_on={"shop": ("ledger", "keys", "bank")},
    addresses={"bank": ("bank:443",), "ledger": ("ledger:1",), "keys": ("keys:1",)},
)
OF_KIND = {"http": "shop", "process": "shop", "postgres": "ledger", "redis": "keys", "outside": "bank"}


def found(finding_id: str, target: str, severity: str = "WARNING", title: str = "t", **data: str) -> Finding:
    return Finding(
        id=finding_id,
        severity=FindingSeverity(severity),
        target=target,
        title=title,
        since=NOW - timedelta(minutes=2),
        data=data,
    )


def ranked(*findings: Finding) -> tuple[Hypothesis, ...]:
    return rank(findings, GRAPH, PATTERNS, catalogue())


def is_logged(clue: str) -> bool:
    finding = found(clue.rpartition(":")[2], "shop")
    return catalogue().has(finding, Flag.LOGGED)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_a_cause_that_rests_on_a_log_names_what_denies_it_or_why_nothing_does(pattern: Pattern) -> None:
    lines = [clue for clue in (*pattern.when, *pattern.hints) if is_logged(clue)]
    well = [clue for clue in pattern.against if clue.endswith(".ok")]
    if not lines:
        assert not pattern.denied_by, "it is measured itself"
        assert not pattern.undenied
        return
    assert bool(pattern.denied_by or well) != bool(pattern.undenied)
    assert not pattern.undenied or len(pattern.undenied) > 30
    assert not any(map(is_logged, pattern.denied_by))


def claims() -> list[tuple[str, str, str]]:
    """Return for each pattern that can be denied one clue of a log, and one that denies it."""
    return [
        (pattern.id, clue, denial)
        for pattern in PATTERNS
        for clue in (*pattern.when, *pattern.hints)
        for denial in pattern.denied_by
        if is_logged(clue) and not clue.startswith("unnamed:") and clue not in pattern.not_denied
    ]


@pytest.mark.parametrize(("name", "clue", "denial"), claims())
def test_a_measurement_takes_weight_from_what_a_log_says(name: str, clue: str, denial: str) -> None:
    pattern = next(pattern for pattern in PATTERNS if pattern.id == name)
    target = next(OF_KIND[kind] for kind in pattern.kinds if kind in OF_KIND)
    by_user = clue.startswith(("named:", "users:"))
    if by_user and target == "shop":
        target = "bank" if "outside" in pattern.kinds else "ledger"
    also = [found(each.rpartition(":")[2], "shop") for each in pattern.also[:1]]
    line = found(clue.rpartition(":")[2], "shop" if by_user else target, peers="bank:443", address="bank:443")
    if target != "bank":
        line = found(line.id, line.target, peers=f"{target}:1", address=f"{target}:1")
    place = "machine" if denial.startswith("any:") else target
    well = found(denial.rpartition(":")[2], place, "OK", title="measured well, by 7")
    alone = next(each for each in ranked(line, *also) if each.id == name and each.target == target)
    denied = next((each for each in ranked(line, well, *also) if each.id == name), None)
    if denied is None:  # nothing is left of it
        assert alone.score < 0.5
        return
    assert denied.score < alone.score
    assert well.id in denied.against
    assert "measured against it: measured well, by 7" in denied.reason
    if pattern.denied_title:
        assert denied.title != alone.title
        assert denied.first_action != alone.first_action or not pattern.denied_action


def test_what_is_measured_bad_is_not_denied_by_what_is_well_elsewhere() -> None:
    line = found("logs.lines.class.tls_expired", "shop", peers="bank:443", address="bank:443")
    measured = found("network.tls.expired", "bank", "CRITICAL")
    well = found("network.tls.ok", "bank", "OK")
    (first, *_) = ranked(line, measured, well)
    assert (first.id, first.title) == ("tls-expired", "The certificate of bank has expired")
    assert first.against == ()


def test_a_port_of_the_service_itself_denies_nothing_about_an_address_in_its_log() -> None:
    line = found("logs.lines.class.connect_refused", "shop", peers="10.0.0.9:8443", address="10.0.0.9:8443")
    own = found("network.ports.ok", "shop", "OK")
    first = ranked(line, own)[0]
    assert (first.id, first.target, first.against) == ("port-refused", "shop", ())


def test_an_allocation_that_failed_needs_no_kill() -> None:
    line = found("logs.lines.class.memory_error", "shop")
    none = found("host.memory.no_kills", "machine", "OK")
    assert ranked(line, none)[0].against == ()
    killed = found("logs.lines.class.oom_limit", "shop")
    assert ranked(killed, none)[0].against == ("host.memory.no_kills",)


def test_every_ok_says_what_it_rests_on() -> None:
    stored = load_evidence(next(Path("tests/data/snapshot-1").iterdir()))
    made = [evidence(probe, *rows) for _, probe, rows in CASES]
    findings = [finding for each in (*stored, *made) for finding in analyze_one(each, CONTEXT)]
    well = [finding for finding in findings if finding.severity is FindingSeverity.OK]
    assert len({finding.id for finding in well}) > 35
    assert [finding.id for finding in well if not re.search(r"\d", f"{finding.title} {finding.detail}")] == []


def test_an_ok_without_a_number_says_how_much_of_what_was_read() -> None:
    read = msgspec.structs.replace(evidence("redis.acl"), source="ACL LOG 128\n-- keys from this machine")
    assert ok(read, "no client was refused").detail == "judged by 0 records of: ACL LOG 128"
    assert (
        ok(read, "none was refused", "by a rule").detail == "by a rule; judged by 0 records of: ACL LOG 128"
    )
    assert ok(read, "7 clients").detail == ""
