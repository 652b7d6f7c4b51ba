"""Page or chat, by signal; and the severity that the same measurements speak for."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.investigation.severity import propose_severity
from incident_lib.model import Analysis, Finding, FindingSeverity, IncidentSeverity, NotAssessed
from incident_lib.model.topology import Topology
from incident_lib.notify.paging import Signals, page_or_chat, signals_of

NOW = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
CRITICAL, WARNING, OK, UNKNOWN, INFO = (
    FindingSeverity.CRITICAL,
    FindingSeverity.WARNING,
    FindingSeverity.OK,
    FindingSeverity.UNKNOWN,
    FindingSeverity.INFO,
)


def found(target, name, severity=CRITICAL, since=None, **data):
    return Finding(id=name, severity=severity, target=target, title=f"{name} is bad", since=since, data=data)


def analysis(*findings):
    return Analysis(snapshot="s", findings=findings)


WELL = found("frontend", "http.health.ok", OK)
DOWN = found("backend", "http.health.refused")
ERRORS = {"name": "logs.lines.errors", "severity": CRITICAL}


@pytest.mark.parametrize(
    ("signals", "call"),
    [
        (Signals(down=("backend",)), "page"),
        (Signals(stores_down=("db",)), "page"),
        (Signals(error_ratio=0.051), "page"),
        (Signals(error_ratio=0.05), "incidents"),
        (Signals(error_ratio=0.01), "incidents"),
        (Signals(slower_times=2.5, slow_ratio=0.2, slow_for=timedelta(minutes=6)), "page"),
        (Signals(slower_times=2.5, slow_ratio=0.2, slow_for=timedelta(minutes=4)), "incidents"),
        (Signals(user_reports=1), "investigate"),
        (Signals(user_reports=2), "page"),
        (Signals(maintenance=True), "incidents_low"),
    ],
)
def test_each_signal_calls_as_loudly_as_the_table_says(signals, call):
    (advice,) = page_or_chat(signals)
    assert advice.call == call
    assert advice.reason


@pytest.mark.parametrize(
    "signals",
    [Signals(), Signals(error_ratio=0.009), Signals(slower_times=1.9, slow_for=timedelta(hours=1))],
)
def test_little_calls_nobody(signals):
    assert page_or_chat(signals) == ()


def test_the_loudest_comes_first():
    calls = [one.call for one in page_or_chat(Signals(maintenance=True, user_reports=1, down=("a",)))]
    assert calls == ["page", "incidents_low", "investigate"]


def test_signals_are_read_from_findings():
    slow = found(
        "backend",
        "logs.lines.slow_onset",
        INFO,
        NOW - timedelta(minutes=6),
        before_ratio=0.1,
        after_ratio=0.5,
    )
    errors = found("backend", **ERRORS, error_ratio=0.02, error_ratio_since_onset=0.09)
    signals = signals_of(
        analysis(DOWN, WELL, slow, errors, found("db", "postgres.connection.refused")), at=NOW
    )
    assert (signals.down, signals.well, signals.stores_down) == (("backend",), ("frontend",), ("db",))
    assert signals.error_ratio == 0.09
    assert signals.slower_times == pytest.approx(5)
    assert signals.slow_for == timedelta(minutes=6)


def test_what_is_not_known_is_none_and_calls_nobody():
    signals = signals_of(None, at=NOW)
    assert (signals.error_ratio, signals.slower_times, signals.slow_for) == (None, None, None)
    unknown = analysis(found("db", "postgres.connection.not_configured", UNKNOWN))
    assert page_or_chat(signals_of(unknown, at=NOW)) == ()


def test_a_login_of_ours_that_is_refused_is_no_database_that_is_down():
    assert signals_of(analysis(found("db", "postgres.connection.denied")), at=NOW).stores_down == ()


@pytest.mark.parametrize(
    ("findings", "severity", "reason"),
    [
        ((DOWN,), "SEV1", "no service answers: backend"),
        ((DOWN, found("web", "http.health.timed_out")), "SEV1", "backend, web"),
        ((found("backend", "http.health.status", count=3, total=3),), "SEV1", "no service answers"),
        ((DOWN, WELL), "SEV2", "1 of 2 services fail their health checks: backend"),
        ((found("backend", "http.health.status", count=1, total=3), WELL), "SEV2", "1 of 2 services"),
        ((WELL, found("backend", "container.state.restarting")), "SEV2", "1 of 2 services"),
        ((WELL, found("worker", "container.state.unhealthy")), "SEV2", "1 of 2 services"),
        ((WELL, found("frontend", "container.state.unhealthy")), "SEV2", "1 of 1 services"),
        ((WELL, found("worker", "container.state.not_running")), "SEV2", "1 of 2 services"),
        ((WELL, found("backend", "container.events.restart_loop")), "SEV3", "backend: container.events"),
        ((WELL, found("backend", **ERRORS, error_ratio=0.6)), "SEV1", "60 % of requests fail"),
        ((WELL, found("backend", **ERRORS, error_ratio=0.09)), "SEV2", "9 % of requests fail"),
        ((WELL, found("backend", **ERRORS, error_ratio=0.02)), "SEV3", "2 % of requests fail"),
        ((WELL, found("db", "postgres.connection.refused")), "SEV2", "db cannot be used"),
        ((DOWN, found("db", "postgres.connection.refused")), "SEV1", "no service answers"),
        (
            (found("backend", "http.health.status", count=1), found("db", "postgres.connection.full")),
            "SEV1",
            "no service that could be checked is healthy",
        ),
        ((WELL, found("db", "postgres.counters.checksums")), "SEV1", "data may be lost"),
        ((WELL, found("host", "host.disk.full")), "SEV3", "host: host.disk.full"),
        (
            (WELL, found("host", "host.disk.space", WARNING)),
            "SEV4",
            ("one warning, and no measured effect on users"),
        ),
        ((WELL,), "SEV4", "nothing measured is wrong"),
        ((found("db", "postgres.connection.not_configured", UNKNOWN),), "SEV2", "in doubt"),
    ],
)
def test_a_severity_is_proposed_with_its_reason(findings, severity, reason):
    proposed, why = propose_severity(analysis(*findings))
    assert proposed == severity
    assert reason in why


def test_what_others_run_is_no_service_of_ours():
    topology = Topology(kinds={"payments": "outside", "backend": "http"})
    findings = analysis(found("payments", "http.health.refused"), found("backend", "http.health.ok", OK))
    proposed, why = propose_severity(findings, topology)
    assert proposed is IncidentSeverity.SEV3
    assert "payments" in why
    both = analysis(found("payments", "http.health.ok", OK), DOWN)
    assert propose_severity(both, topology)[0] is IncidentSeverity.SEV1


def test_what_could_not_be_seen_is_said():
    blind = Analysis(
        snapshot="s", findings=(WELL,), not_assessed=(NotAssessed(target="db", probe="p", reason="r"),)
    )
    assert "1 probe could not be judged" in propose_severity(blind)[1]
