"""The start page: the answer first, never "ok" for what was not seen, everything escaped."""

import re
from datetime import UTC, datetime, timedelta

from incident_lib.model import (
    EVERYTHING,
    Analysis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Holds,
    Hypothesis,
    Incident,
    IncidentSeverity,
    IncidentStatus,
    NotAssessed,
    Window,
)
from incident_lib.model.run import ExecutionStatus, NotebookRecord, RunRecord, RunStatus
from incident_lib.reports import blocks
from incident_lib.reports.index_page import IndexFacts, circumstances, render_index, verdict
from incident_lib.reports.page import Frame
from incident_lib.reports.page import facts as facts_of_head
from tests.pages import without_our_script

AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"q\" 💥"


def incident(**more):
    told = {"title": HOSTILE, "severity": IncidentSeverity.SEV1, "status": IncidentStatus.INVESTIGATING}
    return Incident(id="2026-01-15-x", started_at=AT, declared_at=AT, **{**told, **more})


def finding(severity, title="t", **more):
    return Finding(
        **{"id": "postgres.locks.blocked", "severity": severity, "target": "db", "title": title, **more}
    )


def facts(analysis, *notebooks, status=RunStatus.DONE, **more):
    frame = Frame(
        incident=incident(), snapshot="S", collected_at=AT, made_at=AT, notebooks=("00_triage", "20_database")
    )
    run = RunRecord(id="R", started_at=AT, snapshot="S", status=status, notebooks=notebooks)
    return IndexFacts(frame=frame, analysis=analysis, run=run, window=Window(AT, AT), **more)


def test_everything_from_outside_is_escaped():
    analysis = Analysis(
        snapshot="S",
        findings=(finding(FindingSeverity.CRITICAL, HOSTILE, detail=HOSTILE),),
        hypotheses=(Hypothesis(id="x", target="db", rank=1, score=0.5, title=HOSTILE,
                               support=(HOSTILE,), reason=HOSTILE, next_check=HOSTILE,
                               first_action=HOSTILE),),
        not_assessed=(NotAssessed(target="db", probe=HOSTILE, reason=HOSTILE),),
    )  # fmt: skip
    record = NotebookRecord(name="00_triage", status=ExecutionStatus.FAILED, error=HOSTILE)
    page = render_index(facts(analysis, record, changes=((AT, HOSTILE, HOSTILE),), onset=AT))
    assert "<script" not in without_our_script(page)
    assert "&lt;script&gt;" in page


def test_the_first_hypothesis_is_the_verdict():
    first = Hypothesis(id="x", target="db", rank=1, score=0.9, title="a lock is held")
    assert verdict(Analysis(snapshot="S", hypotheses=(first,))) == "Most likely: a lock is held"


def test_what_was_not_seen_is_never_well():
    blind = Analysis(snapshot="S", findings=(finding(FindingSeverity.UNKNOWN),))
    assert verdict(blind) == "Nothing could be judged: see “Not assessed”"
    half = Analysis(
        snapshot="S",
        findings=(finding(FindingSeverity.OK),),
        not_assessed=(NotAssessed(target="db", probe="p", reason="r"),),
    )
    assert verdict(half) == "No problem was found in what was checked, but 1 probe could not be judged"


def test_requests_that_failed_at_an_unknown_time_are_never_well():
    failed = finding(
        FindingSeverity.UNKNOWN, "40 of 80 requests failed", id="logs.lines.errors", target="api"
    )
    analysis = Analysis(snapshot="S", findings=(finding(FindingSeverity.OK), failed))
    assert verdict(analysis) == "Whether it still fails is unknown: api, 40 of 80 requests failed"


def test_bad_findings_without_a_pattern_are_said():
    assert "1 finding should be checked" in verdict(
        Analysis(snapshot="S", findings=(finding(FindingSeverity.WARNING),))
    )


def test_an_interrupted_run_and_a_failed_notebook_are_said_at_the_top():
    record = NotebookRecord(name="20_database", status=ExecutionStatus.KERNEL_DIED, error="exit code 3")
    page = render_index(facts(Analysis(snapshot="S"), record, status=RunStatus.INTERRUPTED))
    assert page.index("This run was interrupted") < page.index('class="lead"')
    assert page.index("exit code 3") < page.index('class="lead"')


def test_how_much_was_seen_is_said():
    seen, failed = (
        Evidence(probe=name, target="db", status=status, collected_at=AT, duration_seconds=1.0, source="")
        for name, status in (("a", EvidenceStatus.COLLECTED), ("b", EvidenceStatus.FAILED))
    )
    assert "1 of 2" in render_index(facts(Analysis(snapshot="S"), evidence=(seen, failed)))


def test_a_timeline_is_in_order():
    moments = [(AT + timedelta(minutes=n), "change", f"number {n}") for n in (3, 1, 2)]
    html = blocks.timeline(moments)
    assert [html.index(f"number {n}") for n in (1, 2, 3)] == sorted(
        html.index(f"number {n}") for n in (1, 2, 3)
    )


def test_findings_that_are_well_are_folded_and_bad_ones_are_not():
    html = blocks.findings((finding(FindingSeverity.OK, "fine"), finding(FindingSeverity.CRITICAL, "broken")))
    assert html.index("Broken") < html.index("<details") < html.index("Fine")


def test_a_long_detail_is_folded_not_cut():
    html = blocks.finding(finding(FindingSeverity.CRITICAL, detail="\n".join(f"line {n}" for n in range(9))))
    assert "7 more lines" in html
    assert "line 8" in html


def test_checks_that_saw_nothing_for_one_reason_share_a_card():
    blind = [
        finding(FindingSeverity.UNKNOWN, "not assessed: refused", id=f"redis.{n}.unknown") for n in "abc"
    ]
    html = blocks.findings(blind)
    assert html.count("<article") == 1
    assert "3 checks: redis.a, redis.b, redis.c" in html


def test_two_bad_findings_with_one_title_stay_two():
    bad = [finding(FindingSeverity.CRITICAL, "same", id=f"redis.{n}.x") for n in "ab"]
    assert blocks.findings(bad).count("<article") == 2


def test_the_head_says_when_the_next_update_is_due_and_how_late_it_is():
    on_time = dict(facts_of_head(incident(), AT, AT))["Next update due"]
    late = dict(facts_of_head(incident(), AT, AT + timedelta(minutes=20)))["Next update due"]
    assert "late" not in on_time
    assert late.endswith("5m 0s late when this page was made")


def test_a_page_says_since_when_who_is_hurt_and_whether_it_goes_on():
    slow = finding(FindingSeverity.CRITICAL, since=AT - timedelta(minutes=9))
    known = facts(Analysis(snapshot="S", findings=(slow,)))
    assert circumstances(known) == (
        "Since 2026-01-15 14:36:00 UTC. It was still ongoing at the time of the snapshot, 14:45:00 UTC."
    )
    unsure = Analysis(snapshot="S", findings=(finding(FindingSeverity.CRITICAL, holds=Holds.UNKNOWN),))
    assert circumstances(facts(unsure)) == (
        "Whether it was ongoing at the time of the snapshot, 14:45:00 UTC, is unknown."
    )
    assert circumstances(facts(Analysis(snapshot="S"))) == ""
    page = render_index(facts(known.analysis, command=("To check again:", "incident run")))
    assert page.index("It was still ongoing") < page.index("incident run") < page.index('class="columns"')


def test_the_first_action_stands_next_to_the_evidence_that_it_rests_on():
    locked = finding(FindingSeverity.CRITICAL, "8 sessions wait", evidence=("db/postgres.locks",))
    without = finding(FindingSeverity.WARNING, "it is slow", id="postgres.slow.x")
    first = Hypothesis(id="lock-contention", target="db", rank=1, score=0.9, title="A lock",
                       support=("db:postgres.slow.x", "db:postgres.locks.blocked"),
                       first_action="Cancel pid 4121")  # fmt: skip
    seen = Evidence(probe="postgres.locks", target="db", status=EvidenceStatus.COLLECTED, collected_at=AT,
                    duration_seconds=0.1, source="SELECT 1")  # fmt: skip
    analysis = Analysis(snapshot="S", findings=(locked, without), hypotheses=(first,))
    lead = render_index(facts(analysis, evidence=(seen,))).partition('class="columns"')[0]
    assert lead.index("Cancel pid 4121") < lead.index("8 sessions wait")
    assert '<a href="#db:postgres.locks.blocked">8 sessions wait</a>' in lead
    assert '<a href="#evidence-db/postgres.locks">db/postgres.locks</a>' in lead
    assert "it is slow" not in lead


def test_a_page_begins_with_its_start_and_leads_to_the_home_of_the_incident():
    page = render_index(facts(Analysis(snapshot="S")))
    tabs = re.findall(r"<li[^>]*><a href=\"([^\"]+)\"", page.partition('class="pages"')[2])
    assert tabs[:2] == ["index.html", "00_triage.html"]
    assert '<a href="../../../index.html">Home of this incident</a>' in page


def test_a_look_at_a_span_of_the_past_says_until_when_it_went_on():
    slow = finding(FindingSeverity.CRITICAL, since=AT - timedelta(minutes=9))
    past = facts(Analysis(snapshot="S", findings=(slow,), looks_back=True))
    assert circumstances(past).endswith("It was still ongoing at the end of the time range, 14:45:00 UTC.")


def test_the_page_of_a_hundred_services_that_fail_is_small_and_every_link_on_it_leads_somewhere():
    names = [f"service-{n}" for n in range(120)]
    failed = [
        finding(
            FindingSeverity.CRITICAL,
            "its health check answers 503 where 200 is expected",
            id="http.health.failing",
            target=name,
            evidence=(f"{name}/http.health",),
            detail="GET http://127.0.0.1:8000/health: 503 Service Unavailable after 0.3 s",
            since=AT,
        )
        for name in names[:100]
    ]
    event = finding(
        FindingSeverity.CRITICAL, "100 of 120 fail", id="many.failing", target=EVERYTHING,
        data={"targets": " ".join(names[:100])},
        evidence=tuple(f"{name}/http.health" for name in names[:100]),
    )  # fmt: skip
    well = [finding(FindingSeverity.OK, id="http.health.ok", target=name) for name in names[100:]]
    cause = Hypothesis(
        id="shared",
        target=EVERYTHING,
        rank=1,
        score=0.9,
        title="they share a cause",
        support=("many.failing",),
    )
    evidence = tuple(
        Evidence(
            probe="http.health", target=name, status=EvidenceStatus.COLLECTED, collected_at=AT,
            duration_seconds=0.3, source=f"GET http://127.0.0.1/{name}/health",
        )
        for name in names
    )  # fmt: skip
    analysis = Analysis(snapshot="S", findings=(event, *failed, *well), hypotheses=(cause,))
    page = render_index(facts(analysis, evidence=evidence))
    assert len(page.encode()) < 300_000
    names_of_links = re.findall(r'\bid="([^"]+)"', page)
    assert len(names_of_links) == len(set(names_of_links))
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) > 100
    assert set(links) <= set(names_of_links)
