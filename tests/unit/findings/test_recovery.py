"""What is over: it is reported, and speaks for nothing."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.findings.recovery import recovered, settled
from incident_lib.hypotheses import rank
from incident_lib.investigation.setup import load_settings, patterns_for
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import Analysis, Finding, FindingSeverity, Holds, IncidentSeverity, ProposedAction
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue

_BEGAN = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
_ENDED = _BEGAN + timedelta(minutes=2)
_ACTION = ProposedAction(action="restart", target="shop", text="restart it")
_ERRORS = Finding(
    id="logs.lines.errors",
    severity=FindingSeverity.CRITICAL,
    target="shop",
    title="80 of 100 requests failed with 5xx",
    since=_BEGAN,
    actions=(_ACTION,),
    data={"error_ratio": 0.8},
)
_REFUSED = msgspec.structs.replace(_ERRORS, id="redis.connection.refused", target="cache", data={})


def test_what_is_over_keeps_its_span_and_proposes_nothing() -> None:
    over = recovered(_ERRORS, _ENDED, "40 requests were served since")
    assert (over.severity, over.holds, over.since, over.until) == (
        FindingSeverity.INFO,
        Holds.PAST,
        _BEGAN,
        _ENDED,
    )
    assert "failing from 14:31:00 to 14:33:00 UTC, healthy since" in over.title
    assert "40 requests" in over.detail
    assert over.actions == ()


@pytest.mark.parametrize("severity", FindingSeverity)
def test_no_finding_that_is_over_is_stored_as_worse_than_info(severity: FindingSeverity) -> None:
    over = settled(msgspec.structs.replace(_ERRORS, severity=severity, holds=Holds.PAST))
    assert not over.severity.is_bad
    assert over.severity is not FindingSeverity.UNKNOWN
    assert over.actions == ()


def test_what_could_not_be_judged_is_not_said_to_hold() -> None:
    unknown = settled(msgspec.structs.replace(_ERRORS, severity=FindingSeverity.UNKNOWN))
    assert unknown.holds is Holds.UNKNOWN
    assert settled(_ERRORS).holds is Holds.NOW


def test_what_is_over_supports_neither_a_hypothesis_nor_a_severity() -> None:
    graph = Topology(kinds={"shop": "http", "cache": "redis"}, depends_on={"shop": ("cache",)})
    patterns = patterns_for(load_settings(""))
    now = (_REFUSED, _ERRORS)
    assert rank(now, graph, patterns, catalogue())
    assert propose_severity(Analysis(snapshot="", findings=now), graph)[0] is IncidentSeverity.SEV1
    past = tuple(recovered(finding, _ENDED) for finding in now)
    assert rank(past, graph, patterns, catalogue()) == ()
    assert propose_severity(Analysis(snapshot="", findings=past), graph)[0] is IncidentSeverity.SEV4


def test_findings_of_earlier_versions_are_read_as_they_were_judged() -> None:
    stored = msgspec.json.decode(msgspec.json.encode(_ERRORS), type=dict)
    del stored["holds"], stored["until"]
    assert msgspec.convert(stored, Finding) == _ERRORS
