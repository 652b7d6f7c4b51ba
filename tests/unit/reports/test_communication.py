"""Drafts, as each reader gets them, from what is known and from nothing."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from incident_lib.config import Document, Service
from incident_lib.config.tables import Contact
from incident_lib.errors import UsageError
from incident_lib.findings.recovery import recovered
from incident_lib.model import (
    Analysis,
    Event,
    EventKind,
    Finding,
    FindingSeverity,
    Hypothesis,
    Incident,
    IncidentSeverity,
    IncidentStatus,
)
from incident_lib.model.incident import Task
from incident_lib.notify.chat import chat_text
from incident_lib.reports.communication import (
    DraftKind,
    Update,
    render_declaration,
    render_draft,
    render_status_page,
    render_update,
)
from incident_lib.reports.public import inner_names, problems_of
from incident_lib.reports.situation import Situation

BEGAN = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=14)
DOCUMENT = Document(
    service=(
        Service(
            name="backend", kind="http", url="http://app-1.prod.internal:8000", purpose="orders and checkout"
        ),
        Service(name="db", kind="postgres", container="app-db", owner="Data Team", contact="@data-lead"),
    ),
    contact=(Contact(role="on-call", name="Ada Example", chat="@ada", phone="+1 555 0100"),),
)
INCIDENT = Incident(
    id="2026-01-15-checkout-503s",
    title="Checkout 503s",
    severity=IncidentSeverity.SEV2,
    status=IncidentStatus.INVESTIGATING,
    started_at=BEGAN,
    declared_at=BEGAN,
    commander="Kim Example",
    services=("backend",),
)
ANALYSIS = Analysis(
    snapshot="20260115T144000Z",
    findings=(
        Finding(
            id="logs.lines.errors",
            severity=FindingSeverity.CRITICAL,
            target="backend",
            title="812 of 9,000 requests failed with 5xx (9 %)",
            since=BEGAN,
            data={"error_ratio": 0.09},
        ),
        Finding(
            id="postgres.locks.blocked",
            severity=FindingSeverity.CRITICAL,
            target="db",
            title="4 sessions wait for pid 4711 on 10.0.0.7",
        ),
    ),
    hypotheses=(
        Hypothesis(
            id="lock-contention",
            target="db",
            rank=1,
            score=0.9,
            title="Sessions of db block each other",
            support=("postgres.locks.blocked",),
            against=("redis.memory.ok",),
            first_action="Cancel the root session",
        ),
    ),
)


def situation(analysis=ANALYSIS, events=(), at=NOW, **changes):
    incident = msgspec.structs.replace(INCIDENT, **changes)
    return Situation(incident=incident, at=at, document=DOCUMENT, analysis=analysis, events=events)


def event(kind, text, /, **data):
    return Event(id="1", kind=kind, occurred_at=NOW, recorded_at=NOW, source="cli", text=text, data=data)


@pytest.mark.parametrize("kind", list(DraftKind))
@pytest.mark.parametrize("analysis", [ANALYSIS, Analysis(snapshot=""), None])
@pytest.mark.parametrize("status", list(IncidentStatus))
@pytest.mark.parametrize("severity", [IncidentSeverity.SEV1, IncidentSeverity.SEV2])
def test_every_draft_can_be_made_at_every_moment(kind, analysis, status, severity):
    ended = NOW if status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} else None
    text = render_draft(kind, situation(analysis, status=status, severity=severity, resolved_at=ended))
    assert "None" not in text
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    is_late = kind is DraftKind.DECLARATION and ended
    assert ("ext update" in text) == (ended is None) or is_late


def test_the_signatures_that_commands_rely_on():
    assert "First findings" not in render_declaration(INCIDENT)
    text = render_update(INCIDENT, Update(findings="locks", actions="cancel 42", at=NOW))
    assert "**What we know:** locks" in text
    assert "**Duration:** 14m 0s" in text


def test_an_update_counts_its_next_one_from_now():
    text = render_draft(DraftKind.UPDATE, situation())
    assert "**Next update:** 2026-01-15 15:15:00 UTC" in text
    assert "Sessions of db block each other (likely, not confirmed)" in text
    assert "9 % of requests to backend fail since 14:31 UTC" in text


def test_what_a_person_said_comes_before_what_was_measured():
    said = event(
        EventKind.STATUS, "x", status="IDENTIFIED", findings="a migration holds the lock", actions="stop it"
    )
    text = render_draft(DraftKind.UPDATE, situation(events=(said,)))
    assert "a migration holds the lock" in text
    assert "not confirmed" not in text
    assert "**What we are doing:** stop it" in text


def test_open_tasks_are_what_is_done():
    tasks = (
        Task(id="t1", number=1, text="read the log", owner="Ada"),
        Task(id="t2", number=2, text="x", owner="y", done_at=NOW),
    )
    assert "**What we are doing:** read the log (Ada)\n" in render_draft(
        DraftKind.UPDATE, situation(tasks=tasks)
    )


def test_after_the_end_no_measurement_is_told_as_if_it_were_still_so():
    ended = event(EventKind.STATUS, "Resolved: root cancelled", status="RESOLVED")
    changes = {"status": IncidentStatus.RESOLVED, "resolved_at": NOW}
    for kind in (DraftKind.UPDATE, DraftKind.EXECUTIVE):
        text = render_draft(kind, situation(events=(ended,), **changes))
        assert "root cancelled" in text
        assert "of requests" not in text


def test_engineers_get_support_and_counter_evidence():
    text = render_draft(DraftKind.ENGINEERING, situation())
    assert "because: postgres.locks.blocked" in text
    assert "against: redis.memory.ok" in text
    assert "CRITICAL db: 4 sessions wait" in text


def test_without_evidence_engineers_are_told_that():
    assert "nothing was collected yet" in render_draft(DraftKind.ENGINEERING, situation(None))


def test_those_who_decide_get_a_cause_that_is_not_called_certain():
    text = render_draft(DraftKind.EXECUTIVE, situation())
    assert "likely: Sessions of db block each other; not confirmed" in text
    assert "orders and checkout" in text
    assert "postgres.locks" not in text
    assert "not known yet" in render_draft(DraftKind.EXECUTIVE, situation(None))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (IncidentStatus.INVESTIGATING, "**Investigating**, 2026-01-15 14:45 UTC"),
        (IncidentStatus.IDENTIFIED, "**Identified**"),
        (IncidentStatus.MITIGATING, "**Identified**"),
        (IncidentStatus.RESOLVED, "lasted 14 minutes"),
    ],
)
def test_the_status_page_has_three_stages(status, words):
    ended = NOW if status is IncidentStatus.RESOLVED else None
    text = render_status_page(situation(status=status, resolved_at=ended))
    assert words in text
    assert "orders and checkout" in text
    assert "outage" not in text
    assert ("Next update by 2026-01-15 15:15 UTC" in text) == (ended is None)


def test_only_sev1_is_an_outage():
    assert "an outage of orders" in render_status_page(situation(severity=IncidentSeverity.SEV1))


@pytest.mark.parametrize("severity", [IncidentSeverity.SEV3, IncidentSeverity.SEV4])
def test_small_incidents_are_not_told_to_users(severity):
    with pytest.raises(UsageError, match="SEV1 and SEV2"):
        render_status_page(situation(severity=severity))


def test_users_who_were_told_are_told_the_end():
    before = event(EventKind.NOTE, "drafted", kind="status-page", file="communication/status-page-x.md")
    changes = {"status": IncidentStatus.RESOLVED, "resolved_at": NOW, "severity": IncidentSeverity.SEV3}
    assert "**Resolved**" in render_status_page(situation(events=(before,), **changes))


HOSTILE = (
    "db is down",
    "Sessions wait on DB",
    "\uff44\uff42 is down",
    "d\u200bb is down",
    "app_db is full",
    "app db is full",
    "backend-7f9c4d5b6-x2x1z crashed",
    "10.0.0.7 refuses",
    "fe80::1 refuses",
    "app-1.prod.internal is gone",
    "see https://grafana.example/d/1",
    "pid 4711 holds the lock",
    "PID:4711",
    "postgres.locks.blocked",
    "PostgreSQL is slow",
    "port 5432 is closed",
    "/var/lib/data is full",
    "GET /api/v1/orders fails",
    "ask @ada",
    "ask Ada Example",
    "Kim Example is on it",
    "the Data Team works on it",
    "see #incidents",
    "<script>alert(1)</script>",
    "${jndi}",
    "[click](x)",
    "mail [e-mail]",
    "worker3 failed",
    "a total outage",
    INCIDENT.id,
)


@pytest.mark.parametrize("words", HOSTILE)
def test_nothing_of_ours_reaches_users(words):
    inner = inner_names(DOCUMENT, INCIDENT)
    assert problems_of(words, inner, IncidentSeverity.SEV2)
    text = render_status_page(situation(impact=words, title=words))
    assert words not in text
    assert problems_of(text, inner, IncidentSeverity.SEV2) == ()


@pytest.mark.parametrize(
    "words",
    [
        "About 9 % of orders fail since 14:31 UTC",
        "Checkout is slow; some payments take 30s",
        "Orders placed between 14:31:00 and 14:40:10 may be missing (2 of 10)",
        "We expect it to be well by 16:00 UTC on the 15th.",
        "Users in the EU and/or the US cannot sign in, e.g. with a phone",
    ],
)
def test_words_of_people_reach_users_as_they_are(words):
    assert problems_of(words, inner_names(DOCUMENT, INCIDENT), IncidentSeverity.SEV2) == ()
    assert words.rstrip(".") in render_status_page(situation(impact=words))


def test_a_service_whose_name_users_know_may_be_named():
    document = Document(service=(Service(name="search", kind="http", purpose="search in the shop"),))
    names = inner_names(document)
    assert problems_of("search is slow", names, IncidentSeverity.SEV2) == ()
    hidden = inner_names(Document(service=(Service(name="search", kind="http"),)))
    assert problems_of("search is slow", hidden, IncidentSeverity.SEV2) == ("an internal name: 'search'",)


def test_text_of_a_log_cannot_call_a_channel_or_format():
    loud = msgspec.structs.replace(ANALYSIS.findings[1], title="<!channel> @here \x1b[2J**x** `y` \u202e")
    analysis = msgspec.structs.replace(ANALYSIS, findings=(loud,), hypotheses=())
    for kind in (DraftKind.UPDATE, DraftKind.ENGINEERING, DraftKind.DECLARATION):
        text = render_draft(kind, situation(analysis))
        for bad in ("<!", "@here", "\x1b", "\u202e", "**x"):
            assert bad not in text


EVIL = "](http://evil.example) <script>x</script> `y` | **z** [a][b]\n\n# top\n- item \u202e\x1b[2J"


@pytest.mark.parametrize("kind", [kind for kind in DraftKind if kind is not DraftKind.STATUS_PAGE])
def test_data_in_a_draft_is_words_and_no_markup(kind):
    finding = msgspec.structs.replace(ANALYSIS.findings[1], title=EVIL, target=EVIL)
    likely = msgspec.structs.replace(
        ANALYSIS.hypotheses[0], title=EVIL, next_check=EVIL, first_action=EVIL, support=(EVIL,)
    )
    analysis = msgspec.structs.replace(ANALYSIS, findings=(finding,), hypotheses=(likely, likely))
    events = tuple(
        event(kind, EVIL, findings=EVIL, actions=EVIL)
        for kind in (EventKind.STATUS, EventKind.DECISION, EventKind.MITIGATION)
    )
    text = render_draft(
        kind, situation(analysis, events, title=EVIL, impact=EVIL, commander=EVIL, services=(EVIL,))
    )
    assert "evil.example" in text
    page = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for part in page for token in (part, *(part.children or ()))}
    plain = {
        "heading_open",
        "paragraph_open",
        "bullet_list_open",
        "list_item_open",
        "inline",
        "text",
        "strong_open",
    }
    assert {kind for kind in kinds if not kind.endswith("_close")} <= plain
    assert sum(part.type == "heading_open" for part in page) == 1
    assert not {"\u202e", "\x1b"} & {*text}
    assert not re.search(r"\*\*z\*\*", re.sub(r"\\.", "", text))


def test_a_chat_gets_the_words_that_a_draft_shows():
    text = chat_text(render_draft(DraftKind.UPDATE, situation(title="a_b|c", impact="5 < 6 [x] 2*3")))
    assert text.title == "SEV2 update: a_b|c"
    assert "Impact: 5 < 6 [x] 2*3\n" in text.body


@given(impact=st.text(max_size=80), purpose=st.text(max_size=40), severity=st.sampled_from(IncidentSeverity))
def test_whatever_people_write_the_text_for_users_is_clean(impact, purpose, severity):
    service = Service(name="backend", kind="http", purpose=purpose)
    incident = msgspec.structs.replace(INCIDENT, impact=impact, severity=severity)
    now = Situation(incident=incident, at=NOW, document=Document(service=(service,)))
    if now.is_for_users:
        inner = inner_names(now.document, incident)
        assert problems_of(render_status_page(now), inner, severity) == ()


def test_drafts_report_what_has_recovered_with_its_span() -> None:
    over = tuple(recovered(finding, NOW) for finding in ANALYSIS.findings)
    situation = Situation(
        incident=INCIDENT,
        at=NOW,
        document=DOCUMENT,
        analysis=Analysis(snapshot="20260115T144500Z", findings=over),
    )
    for kind in (DraftKind.UPDATE, DraftKind.EXECUTIVE, DraftKind.ENGINEERING):
        text = render_draft(kind, situation)
        assert "failing from 14:31:00 to 14:45:00 UTC, healthy since" in text
    worse = msgspec.structs.replace(situation, analysis=ANALYSIS)
    assert "well since" not in render_draft(DraftKind.ENGINEERING, worse)
