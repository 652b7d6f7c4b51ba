from datetime import UTC, datetime, timedelta

from incident_lib.findings.recovery import recovered
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import Declaration
from incident_lib.investigation.observed import observations, record_observed
from incident_lib.model import (
    EVERYTHING,
    Analysis,
    EventKind,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    IncidentSeverity,
)
from incident_lib.redact import Redactor

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
CRITICAL, WARNING, INFO, OK = (
    FindingSeverity.CRITICAL,
    FindingSeverity.WARNING,
    FindingSeverity.INFO,
    FindingSeverity.OK,
)


def found(finding_id, severity=CRITICAL, since=AT, target="db", title="what was seen", **data):
    ref = f"{target}/{finding_id.rpartition('.')[0]}"
    return Finding(
        id=finding_id,
        severity=severity,
        target=target,
        title=title,
        since=since,
        evidence=(ref,),
        data=data,
    )


def analysis(*findings, snapshot="20260115T143500Z"):
    return Analysis(snapshot=snapshot, findings=findings)


def evidence(ref, at=AT + timedelta(minutes=5)):
    target, _, probe = ref.partition("/")
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=0.1,
        source="test",
    )


def texts(drafts):
    return [one.text for one in drafts]


def test_a_moment_names_its_probe_its_evidence_and_its_snapshot():
    (one,) = observations(analysis(found("postgres.locks.blocked")))
    assert one.kind is EventKind.OBSERVED
    assert (one.occurred_at, one.source, one.evidence) == (AT, "postgres.locks", ("db/postgres.locks",))
    assert one.data["snapshot"] == "20260115T143500Z"
    assert one.text == "db: what was seen"


def test_what_is_well_and_what_has_no_moment_is_not_told():
    calm = analysis(
        found("postgres.locks.ok", OK),
        found("postgres.locks.blocked", since=None),
        found("container.events.forgotten", INFO),
        found("logs.lines.server.ready", INFO),
    )
    assert observations(calm) == ()


def test_one_start_that_several_probes_saw_is_told_once():
    start = analysis(
        found("redis.connection.restarted", INFO, AT + timedelta(seconds=0.2)),
        found("process.state.restarted", INFO, AT, title="it was started"),
        found("process.state.restarted", INFO, AT, target="backend", title="it was started"),
    )
    assert texts(observations(start)) == ["backend: it was started", "db: it was started"]


def test_the_onset_stands_for_all_that_the_log_says_of_it():
    (one,) = observations(
        analysis(
            found("logs.lines.errors"),
            found("logs.lines.endpoint", WARNING),
            found("logs.lines.onset", INFO, title="failures rose"),
        )
    )
    assert one.text == "db: trouble begins, failures rose"


def test_the_same_moment_in_a_later_snapshot_is_known():
    first = observations(analysis(found("postgres.locks.blocked")))
    again = analysis(found("postgres.locks.blocked", since=AT + timedelta(seconds=2)), snapshot="later")
    another = analysis(found("postgres.locks.blocked", since=AT + timedelta(minutes=2)))
    assert observations(again, known=first) == ()
    assert len(observations(another, known=first)) == 1


def test_the_first_line_in_a_window_that_moves_is_told_once():
    first = observations(analysis(found("logs.lines.class.oom", WARNING)))
    moved = analysis(found("logs.lines.class.oom", WARNING, AT + timedelta(minutes=20)))
    assert observations(moved, known=first) == ()
    second_wave = analysis(found("logs.lines.onset", INFO, AT + timedelta(minutes=20)))
    assert len(observations(second_wave, known=first)) == 1


def test_an_old_warning_has_nothing_to_do_with_today_but_an_expired_certificate_has():
    old = AT - timedelta(days=40)
    both = analysis(
        found("postgres.tables.vacuum", WARNING, old),
        found("network.tls.expired", CRITICAL, old, target="payments"),
    )
    seen = observations(both, [evidence("db/postgres.tables")])
    assert [one.source for one in seen] == ["network.tls"]


def test_a_check_is_told_when_it_first_fails_and_when_it_passes_again():
    down = found("http.health.status", since=None, target="backend", title="backend answers 503")
    well = found("http.health.ok", OK, since=None, target="backend", title="all answer")
    at = [evidence("backend/http.health", AT + timedelta(minutes=n)) for n in range(5)]
    known = []
    for number, one in enumerate((well, down, down, well, down)):
        known += observations(analysis(one), at[number : number + 1], known)
    assert texts(known) == [
        "backend: backend answers 503 (first seen)",
        "backend: all answer (healthy again)",
        "backend: backend answers 503 (first seen)",
    ]
    assert [one.occurred_at for one in known] == [AT + timedelta(minutes=n) for n in (1, 3, 4)]


def test_the_transaction_that_others_wait_for_has_its_own_start():
    blocked = found("postgres.locks.blocked", root_transaction_seconds=600.0, root_pid=7)
    drafts = observations(analysis(blocked), [evidence("db/postgres.locks")])
    assert drafts[0].occurred_at == AT - timedelta(minutes=5)
    assert "pid 7" in drafts[0].text
    assert len(drafts) == 2
    assert observations(analysis(blocked), [evidence("db/postgres.locks")], drafts) == ()


def test_recording_twice_writes_once(tmp_path):
    declaration = Declaration(title="x", severity=IncidentSeverity.SEV2, started_at=AT)
    folder = folders.declare(tmp_path, declaration, Redactor())
    seen = analysis(found("postgres.locks.blocked", title="token=hunter2hunter2"))
    assert len(record_observed(folder, seen)) == 1
    assert record_observed(folder, seen) == ()
    (event,) = (one for one in folder.events if one.kind is EventKind.OBSERVED)
    assert "hunter2" not in event.text
    assert folder.verify() == []


def test_what_has_recovered_is_a_moment_at_its_end():
    until = AT + timedelta(minutes=2)
    over = recovered(found("logs.lines.errors", target="backend"), until)
    (draft,) = observations(analysis(over))
    assert draft.occurred_at == until
    assert "healthy since" in draft.text
    assert observations(analysis(over, snapshot="20260115T144000Z"), known=[draft]) == ()
    again = recovered(found("logs.lines.errors", target="backend"), until + timedelta(minutes=9))
    assert len(observations(analysis(again), known=[draft])) == 1


def test_an_event_at_many_targets_is_one_moment():
    names = [f"svc-{number}" for number in range(20)]
    seen = [evidence(f"{name}/http.health") for name in names]
    failing = [found("http.health.refused", since=None, target=name) for name in names]
    event = Finding(
        id="together.unexplained",
        severity=CRITICAL,
        target=EVERYTHING,
        title="20 of 22 targets fail at once",
        evidence=tuple(f"{name}/http.health" for name in names),
        data={"targets": " ".join(names)},
    )
    first = observations(analysis(*failing, event), seen)
    assert texts(first) == ["20 of 22 targets fail at once (first seen)"]
    later = [evidence(f"{name}/http.health", AT + timedelta(minutes=9)) for name in names]
    assert observations(analysis(*failing, event, snapshot="20260115T144500Z"), later, first) == ()
