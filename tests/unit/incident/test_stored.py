"""A snapshot of an earlier version is read, judged and rendered today: evidence is replayed for ever.

When this fails, a row changed in a way that old evidence cannot follow. Give the new field a default.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from incident_lib import display as show
from incident_lib.config import Document, Settings
from incident_lib.findings.base import Context
from incident_lib.incident import manifest
from incident_lib.incident.snapshot import load_evidence
from incident_lib.investigation.analyze import analyze
from incident_lib.investigation.case import load_case
from incident_lib.investigation.setup import patterns_for
from incident_lib.model import EvidenceStatus, Incident, IncidentSeverity, IncidentStatus
from incident_lib.model.run import RunRecord, RunStatus
from incident_lib.reports.index_page import IndexFacts, render_index
from incident_lib.reports.page import Frame

DATA = Path(__file__).resolve().parents[2] / "data"
STORED = sorted(path for path in DATA.glob("snapshot-*/*") if path.is_dir())
SETTINGS = Settings(document=Document(), root=Path("/nowhere"))
LATEST = "pid 29686"  # holds the lock in the first of them

pytestmark = pytest.mark.parametrize("path", STORED, ids=[path.parent.name for path in STORED])


def test_it_is_as_it_was_sealed(path):
    assert manifest.differences(path) == []


def test_everything_in_it_is_read(path):
    evidence = load_evidence(path)
    assert len(evidence) == len(list(path.glob("evidence/*/*.json")))
    seen = [one for one in evidence if one.status is EvidenceStatus.COLLECTED]
    assert sum(len(one.rows) for one in seen) > len(seen)


def test_it_is_judged_as_it_was(path):
    case = load_case(SETTINGS, path)
    again = analyze(
        case.evidence,
        Context(window=case.window),
        snapshot=case.snapshot,
        topology=case.topology,
        patterns=patterns_for(SETTINGS),
    )
    first, stored = again.hypotheses[0], case.analysis.hypotheses[0]
    assert (first.id, first.target) == (stored.id, stored.target) == ("lock-contention", "db")
    assert {one.ref for one in again.findings if one.severity.is_bad} >= {"db:postgres.locks.blocked"}


def test_every_answer_of_the_notebooks_is_given(path):
    case = load_case(SETTINGS, path)
    for probe in {one.probe for one in case.evidence}:
        assert show.table(case, probe).html
    for name in show.__all__:
        if name not in {"Block", "Table", "table", "log"}:
            assert getattr(show, name)(case).html, name
    assert LATEST in show.hypotheses(case).html


def test_its_page_is_rendered(path):
    case = load_case(SETTINGS, path)
    began = case.collected_at - timedelta(minutes=5)
    incident = Incident(
        id="2026-11-23-orders-hang",
        title="Orders hang",
        severity=IncidentSeverity.SEV2,
        status=IncidentStatus.INVESTIGATING,
        started_at=began,
        declared_at=began,
    )
    frame = Frame(
        incident=incident,
        snapshot=case.snapshot,
        collected_at=case.collected_at,
        made_at=case.collected_at,
        notebooks=(),
    )
    run = RunRecord(id="R", started_at=began, snapshot=case.snapshot, status=RunStatus.DONE, notebooks=())
    facts = IndexFacts(
        frame=frame,
        analysis=case.analysis,
        run=run,
        window=case.window,
        evidence=case.evidence,
        changes=case.changes,
        onset=case.onset,
        topology=case.topology,
    )
    assert LATEST in render_index(facts)
