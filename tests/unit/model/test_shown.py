"""What records show as the value of a cell: short, whole in what matters, harmless."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from incident_lib import display as show
from incident_lib.config import Document, Settings
from incident_lib.investigation.case import load_case
from incident_lib.model import Finding, FindingSeverity, Incident, IncidentSeverity, IncidentStatus

AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


@pytest.fixture(scope="module")
def case():
    return load_case(Settings(document=Document(), root=Path("/nowhere")), STORED)


def test_every_record_of_a_case_is_one_short_line(case):
    shown = [repr(each) for each in (case, case.analysis, *case.evidence, *case.findings())]
    shown += [repr(each) for each in case.analysis.hypotheses]
    assert all(len(text) < 200 and "\n" not in text for text in shown)
    assert "53 probes" in repr(case)
    assert case.analysis.hypotheses[0].title in repr(case)


def test_every_record_of_a_case_has_a_small_table(case):
    records = (case, *case.evidence, *case.findings(), *case.analysis.hypotheses)
    assert all(each._repr_html_().count("<table>") == 1 for each in records)
    locks = next(each for each in case.evidence if each.ref == "db/postgres.locks")
    assert "9 records" in locks._repr_html_()
    assert "9 records" in repr(locks)


def test_a_failed_probe_says_why(case):
    statements = next(each for each in case.evidence if each.probe == "postgres.statements")
    assert "pg_stat_statements is not installed" in repr(statements)
    assert "pg_stat_statements is not installed" in statements._repr_html_()


def test_hostile_text_runs_nowhere():
    finding = Finding(id="a.b.c", severity=FindingSeverity.CRITICAL, target="db", title=HOSTILE)
    incident = Incident(
        id="2026-01-15-x",
        title=HOSTILE,
        severity=IncidentSeverity.SEV2,
        status=IncidentStatus.MITIGATING,
        started_at=AT,
        declared_at=AT,
    )
    for record in (finding, incident):
        assert "<script>" not in record._repr_html_()
        assert not {"\x1b", "\u202e"} & set(record._repr_html_() + repr(record))
    assert "2026-01-15-x SEV2 MITIGATING" in repr(incident)


def test_a_mistyped_probe_column_or_service_names_the_nearest(case):
    assert (
        case.unknown_probe("postgres.lock")
        == "no probe is named 'postgres.lock'; did you mean `postgres.locks`?"
    )
    assert case.unknown_probe("docker.container").startswith("docker.container was not collected")
    assert case.unknown_probe("postgres.locks") == case.unknown_target("db") == ""
    assert "did you mean `backend`?" in case.unknown_target("backnd")
    assert "did you mean `postgres.locks`?" in show.table(case, "postgres.lock").html
    assert "did you mean `lock_mode`?" in show.table(case, "postgres.locks", "pid lock_mod").html
    assert "no column" not in show.table(case, "postgres.locks", "pid lock_mode").html
    assert "did you mean `backend`?" in show.log(case, "backnd").html
