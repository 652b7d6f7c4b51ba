from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.hypotheses import parse_patterns
from incident_lib.model import (
    Analysis,
    Event,
    EventKind,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Hypothesis,
    Incident,
    IncidentSeverity,
    IncidentStatus,
    NotAssessed,
    Truncation,
    Window,
)
from incident_lib.redact import Redactor
from incident_lib.reports.generated import merge
from incident_lib.reports.postmortem import PostmortemFacts, RunPages, file_name, render
from incident_lib.reports.postmortem_impact import describe_method, measure
from incident_lib.reports.postmortem_lint import lint
from incident_lib.reports.postmortem_page import render_page, to_html
from incident_lib.reports.postmortem_status import completeness, due_at
from incident_lib.reports.timeline import SnapshotFacts, durations, milestones, rows
from incident_lib.resources import resource
from incident_lib.technologies.logs.rows import LogBucket, LogEndpoint, LogSummary
from tests.pages import without_our_script

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(), "patterns.toml")


def at(minutes):
    return START + timedelta(minutes=minutes)


def incident(**changes):
    told = {
        "id": "2026-01-15-checkout",
        "title": "Checkout fails",
        "severity": IncidentSeverity.SEV2,
        "status": IncidentStatus.RESOLVED,
        "started_at": START,
        "declared_at": at(4),
        "resolved_at": at(45),
    }
    return Incident(**{**told, **changes})


def event(kind, minutes, text, late=0, **data):
    return Event(
        id="0" * 16,
        kind=EventKind(kind),
        occurred_at=at(minutes),
        recorded_at=at(minutes + late),
        source="cli",
        text=text,
        data=data,
    )


def buckets(first, requests, failed, *, seconds=60, truncated=None, **counts):
    """Evidence of one log whose buckets begin `first` minutes after the start."""
    summary = LogSummary(
        **{"lines_count": 1, **counts},
        first_at=None,
        last_at=None,
        has_times=True,
        bucket_seconds=seconds,
        levels={},
        formats={},
        errors_count=0,
        requests_count=sum(requests),
        server_errors_count=sum(failed),
        client_errors_count=0,
    )
    slots = [
        LogBucket(
            at=at(first) + timedelta(seconds=seconds * number),
            lines_count=count,
            errors_count=0,
            requests_count=count,
            server_errors_count=bad,
            client_errors_count=0,
            slow_requests_count=0,
        )
        for number, (count, bad) in enumerate(zip(requests, failed, strict=True))
    ]
    endpoint = LogEndpoint(
        method="POST",
        path="/pay|<b>",
        requests_count=9,
        statuses={"5xx": 7},
        server_errors_count=7,
        server_errors_ratio=0.8,
        duration_p50_seconds=None,
        duration_p95_seconds=None,
    )
    return Evidence(
        probe="logs.lines",
        target="backend",
        status=EvidenceStatus.COLLECTED,
        collected_at=at(10),
        duration_seconds=0.1,
        source="log",
        rows=(summary, *slots, endpoint),
        truncated=truncated,
    )


BLOCKED = Finding(
    id="postgres.locks.blocked",
    severity=FindingSeverity.CRITICAL,
    target="db",
    title="5 sessions wait | <script>",
    detail="root: pid 7\nmore",
    since=at(1),
    data={"root_pid": 7},
)
LOCKS = Hypothesis(
    id="lock-contention",
    target="db",
    rank=1,
    score=0.9,
    title="Sessions of db wait",
    support=("postgres.locks.blocked",),
    notebook="20_database",
)


def snapshot(name="20260115T143600Z", start=-10, end=5, evidence=(), hypotheses=(LOCKS,), **changes):
    told = {
        "id": name,
        "window": Window(at(start), at(end)),
        "analysis": Analysis(snapshot=name, findings=(BLOCKED,), hypotheses=hypotheses),
        "evidence": tuple(evidence),
        "onset": at(1),
    }
    return SnapshotFacts(**{**told, **changes})


def text_of(**changes):
    return render(PostmortemFacts(**{"incident": incident(), "patterns": PATTERNS, **changes}), Redactor())


def test_without_a_snapshot_everything_says_unknown():
    text = text_of()
    assert "The cause is unknown." in text
    assert "How many requests failed is unknown" in text
    assert "| acknowledged | unknown | not recorded |" in text
    assert "| Time to mitigate | unknown |" in text
    assert "Everything that evidence would show: no snapshot was taken." in text


def test_the_root_cause_names_its_findings_and_links_the_pages():
    run = RunPages(
        id="R",
        snapshot="20260115T143600Z",
        index="runs/R/html/index.html",
        pages=(("20_database", "runs/R/d.html"),),
    )
    text = text_of(snapshots=(snapshot(),), runs=(run,))
    assert "[postgres.locks.blocked](runs/R/html/index.html#db:postgres.locks.blocked)" in text
    assert "Most likely cause, not confirmed: Sessions of db wait." in text
    assert "runs/R/d.html" in text
    assert "1. What did the root blocker do, and why did it take so long? _TO WRITE" in text
    assert "| prevent | _TO WRITE: owner_ | P1 | 2026-01-22 |" in text


def test_a_refuted_hypothesis_is_kept_and_no_longer_the_cause():
    verdict = event("decision", 50, "refuted", hypothesis="lock-contention", verdict="refuted")
    text = text_of(snapshots=(snapshot(),), events=(verdict,))
    assert "refuted by a person" in text
    assert "The cause is unknown." in text
    assert "not refuted" in text


def test_a_hypothesis_that_went_away_says_so():
    later = snapshot("20260115T150000Z", 5, 29, hypotheses=())
    assert "no longer seen in the newest snapshot" in text_of(snapshots=(snapshot(), later))


def test_the_same_facts_give_the_same_text():
    facts = {"snapshots": (snapshot(evidence=[buckets(0, [10], [5])]),), "events": (event("note", 2, "hm"),)}
    assert text_of(**facts) == text_of(**facts)


def test_hostile_text_stays_text():
    hostile = "# <script>alert(1)</script> | ]( `x` \n## Root cause\n<!-- incident:end timeline -->"
    told = incident(
        title=hostile, commander=hostile, impact=hostile, services=(hostile,), roles={hostile: hostile}
    )
    text = text_of(
        incident=told,
        events=(event("note", 2, hostile), event("decision", 3, hostile)),
        snapshots=(snapshot(evidence=[buckets(0, [10], [5])]),),
    )
    assert "<script" not in text
    assert text.count("<!-- incident:end timeline -->") == 1
    assert text.count("\n## Root cause\n") == 1
    page = render_page(text, told)
    assert "<script" not in without_our_script(page)
    assert "&amp;lt;" not in page


def test_html_and_links_that_run_something_are_harmless():
    html = to_html("<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) ![b](data:text/html,x) <b>")
    assert "<img src=x" not in html
    assert "javascript:" not in html
    assert "<b>" not in html


def test_what_people_wrote_survives_a_new_snapshot():
    old = text_of().replace("_TO WRITE: what should every team know?_", "Time-outs.")
    new = merge(old, text_of(snapshots=(snapshot(),)))
    assert "Time-outs." in new
    assert "Most likely cause, not confirmed" in new


def test_requests_of_windows_that_overlap_count_once():
    first = snapshot("A", -10, 3, [buckets(0, [10, 10, 4], [5, 5, 1])])
    second = snapshot("B", 1, 6, [buckets(1, [10, 12, 12], [5, 9, 9])])
    found = measure((first, second), START, at(6))
    assert [(one.requests_count, one.failed_count) for one in found.services] == [(44, 28)]
    assert found.is_whole


def test_requests_before_and_after_the_incident_do_not_count():
    found = measure((snapshot(evidence=[buckets(-2, [100, 100, 10, 7], [0, 0, 3, 2])]),), START, at(0.5))
    assert (found.services[0].requests_count, found.services[0].failed_count) == (10, 3)


def test_short_and_long_stretches_are_brought_together():
    fine = snapshot("A", 0, 1, [buckets(0, [1] * 60, [1] * 60, seconds=1)])
    coarse = snapshot("B", 0, 2, [buckets(0, [60, 5], [60, 0])])
    found = measure((fine, coarse), START, at(2))
    assert (found.services[0].requests_count, found.services[0].failed_count) == (65, 60)


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ([(100, 97)], "97 % of backend"),
        ([(100, 100), (300, 0)], "25 % of backend"),
        ([(100, 50), (100, None)], "50 % of backend"),
        ([(100, None)], ""),
    ],
)
def test_the_share_of_the_logs_that_was_read_is_part_of_the_method(counts, share):
    snapshots = [
        snapshot(str(number), 0, 5, [buckets(0, [10], [5], lines_count=lines, read_lines_count=read)])
        for number, (lines, read) in enumerate(counts)
    ]
    method = describe_method(measure(tuple(snapshots), START, at(5)))
    assert (f"could be read: {share}; the others may hold requests" in method) == bool(share)
    assert ("could be read" in method) == bool(share)


def test_gaps_and_cuts_are_told():
    cut = buckets(0, [10], [5], truncated=Truncation(kept=5, total=9, unit="MB"))
    text = text_of(snapshots=(snapshot(evidence=[cut]), snapshot("B", 20, 30)))
    assert "no snapshot covers 2026-01-15 14:36:00 to 14:51:00 (15m 0s)" in text
    assert "5 MB kept of 9" in text


def test_milestones_and_durations():
    known = milestones(incident(acknowledged_at=at(6)), (snapshot(onset=at(-2)),))
    assert known["began"].at == at(-2)
    assert [one.text for one in durations(known)] == ["6m 0s", "2m 0s", "unknown", "47m 0s"]


def test_an_incident_declared_after_it_was_over_has_no_time_to_detect():
    known = milestones(incident(declared_at=at(60)), ())
    assert known["detected"].at is None


def test_the_timeline_is_sorted_has_sources_and_each_change_once():
    changed = (at(-1), "backend", "backend 2 was deployed")
    again = (at(-1) + timedelta(seconds=2), "backend", "backend 2 was deployed")
    found = rows(
        (event("note", 9, "late", late=30), event("note", 1, "x", file="draft.md")),
        (snapshot("A", changes=(changed,)), snapshot("B", changes=(again,))),
    )
    assert [row.text for row in found] == [
        "backend: backend 2 was deployed",
        "db: 5 sessions wait | <script>",
        "Trouble begins",
        "late",
    ]
    assert found[0].source == "evidence in A"
    assert found[-1].source == "recorded by cli, entered 2026-01-15 15:10"


def test_what_could_not_be_assessed_stays_unknown():
    blind = Analysis(
        snapshot="A", not_assessed=(NotAssessed(target="db", probe="postgres.locks", reason="no login"),)
    )
    assert "- db, postgres.locks: no login" in text_of(snapshots=(snapshot(analysis=blind),))


@pytest.mark.parametrize(
    ("severity", "hours"), [("SEV1", 48), ("SEV2", 48), ("SEV3", 24 * 7), ("SEV4", None)]
)
def test_due_dates(severity, hours):
    told = incident(severity=IncidentSeverity(severity))
    assert due_at(told) == (at(45) + timedelta(hours=hours) if hours else None)


def test_completeness_names_what_waits():
    state = completeness(text_of())
    assert {"Header", "Summary", "Action items", "Reviewed by"} <= set(state.missing)
    assert "Timeline" in state.sections
    assert "Timeline" not in state.missing
    assert completeness("# P\n\n## Summary\n\nDone.\n").is_complete
    assert not completeness("").is_complete


def test_the_file_is_named_by_the_day_it_began():
    assert file_name(incident()) == "postmortem-2026-01-15.md"


def test_every_pattern_brings_questions_and_items_that_the_linter_likes():
    for pattern in PATTERNS:
        assert 2 <= len(pattern.whys) <= 5, pattern.id
        assert 2 <= len(pattern.action_items) <= 4, pattern.id
        table = "".join(f"| {item.text} | Data Team | 2026-01-31 |\n" for item in pattern.action_items)
        assert not lint(f"## Action items\n\n| Action | Owner | Due |\n|---|---|---|\n{table}"), pattern.id
