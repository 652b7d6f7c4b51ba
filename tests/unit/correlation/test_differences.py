"""What differs between two snapshots, and what of it becomes a finding."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.correlation.baseline import compare_findings
from incident_lib.correlation.differences import differences
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.comparison import judge_change
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Measurement, Problem, Row, Window
from incident_lib.model.difference import Difference
from incident_lib.model.series import Point, Series
from incident_lib.technologies import comparers
from incident_lib.technologies.deploys.rows import Deployment
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.rows import LogException, LogTemplate
from incident_lib.technologies.network.rows import Certificate, TlsAnswer
from incident_lib.technologies.postgres.rows import PostgresCapacity, PostgresSetting, PostgresTable
from incident_lib.technologies.redis.rows import RedisSetting

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
CONTEXT = Context(window=Window(AT, AT))
W, INFO, OK, UNKNOWN = (
    FindingSeverity.WARNING,
    FindingSeverity.INFO,
    FindingSeverity.OK,
    FindingSeverity.UNKNOWN,
)


def seen(probe: str, *rows: Row, target: str = "backend", at: datetime = AT) -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=0.1,
        source="literal",
        rows=rows,
    )


def blind(probe: str, target: str = "backend") -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.FAILED,
        collected_at=AT,
        duration_seconds=0.1,
        source="literal",
        problem=Problem(kind=ProblemKind.REFUSED, message="connection refused"),
    )


def answer(seconds: float, status: int = 200) -> HttpAnswer:
    return HttpAnswer(
        url="http://b/health", path="/health", status=status, total_seconds=seconds, sample_seconds=(seconds,)
    )


def template(text: str, count: int = 5, level: str = "ERROR") -> LogTemplate:
    return LogTemplate(template=text, level=level, count=count, first_at=AT, last_at=AT, example=text)


def setting(name: str, value: str | None) -> PostgresSetting:
    return PostgresSetting(
        name=name, value=value, unit=None, source=None, is_default=False, pending_restart=False
    )


def table(scans: int, index_scans: int, size: int = 64 * 2**20) -> PostgresTable:
    return PostgresTable(
        schema="public",
        table="orders",
        live_row_count=1,
        dead_row_count=0,
        vacuum_threshold_rows=None,
        autovacuum_is_on=True,
        last_vacuum_at=None,
        last_analyze_at=None,
        sequential_scan_count=scans,
        sequential_row_count=0,
        index_scan_count=index_scans,
        size_bytes=size,
        estimated_row_count=None,
        transaction_age=0,
    )


def certificate(days: int, at: datetime = AT) -> TlsAnswer:
    leaf = Certificate(
        subject="a",
        issuer="b",
        not_before_at=AT - timedelta(days=60),
        not_after_at=at + timedelta(days=days),
        sha256="0",
    )
    return TlsAnswer(name="pay", address="10.0.0.1", verified=True, certificates=(leaf,))


def changed(before: Evidence, now: Evidence) -> list[tuple[str, str, object, object, FindingSeverity]]:
    found = differences([before], [now], Thresholds(), comparers())
    worse = {each.id for each in found if each.severity in {W, INFO} and each.name != "templates"}
    assert worse <= {each.id for each in compare_findings([now], [before], CONTEXT, comparers())}
    return [(each.name, each.what, each.before, each.now, each.severity) for each in found]


def test_an_answer_that_takes_much_longer_is_worse():
    found = changed(seen("http.health", answer(0.02)), seen("http.health", answer(4.0)))
    assert found == [("latency", "GET /health", 0.02, 4.0, W)]


@pytest.mark.parametrize(("seconds", "severity"), [(0.03, None), (0.15, INFO), (4.0, W), (0.0001, None)])
def test_small_changes_of_latency_are_no_differences(seconds, severity):
    found = changed(seen("http.health", answer(0.02)), seen("http.health", answer(seconds)))
    assert [each[-1] for each in found] == ([severity] if severity else [])


def test_an_address_that_fails_has_no_latency_but_an_error_rate():
    found = changed(seen("http.health", answer(0.02)), seen("http.health", answer(0.02, status=None)))
    assert found == [
        ("errors", "health addresses that fail", 0.0, 1.0, W),
        ("latency", "GET /health", 0.02, None, UNKNOWN),
    ]


def test_connections_are_compared_as_a_share_of_the_room():
    def capacity(used: int) -> Evidence:
        row = PostgresCapacity(
            connection_count=used,
            max_connections=100,
            reserved_count=3,
            usable_count=100,
            lock_count=0,
            lock_slot_count=1,
        )
        return seen("postgres.saturation", row, target="db")

    assert changed(capacity(10), capacity(90)) == [("connections", "connections in use", 0.1, 0.9, W)]
    assert changed(capacity(90), capacity(10)) == [("connections", "connections in use", 0.9, 0.1, OK)]


def test_an_error_that_was_never_logged_is_new_and_an_old_one_is_not():
    before = seen("logs.lines", template("timeout after {n} ms"))
    now = seen("logs.lines", template("timeout after {n} ms", 500), template("no such column", 7))
    assert changed(before, now) == [("templates", "ERROR no such column", 0, 7, W)]


def test_a_cut_log_may_have_held_the_line():
    old = seen("logs.lines")
    cut = Evidence(
        probe="logs.lines",
        target="backend",
        status=EvidenceStatus.PARTIAL,
        collected_at=AT,
        duration_seconds=0.1,
        source="literal",
        problem=Problem(kind=ProblemKind.DEADLINE, message="not all was read"),
    )
    assert changed(old, seen("logs.lines", template("x")))[0][2] == 0
    assert changed(cut, seen("logs.lines", template("x")))[0][2] is None


def test_new_exceptions_are_reported_by_type_and_place():
    row = LogException(
        type="KeyError", frame="shop/a.py:f", count=4, first_at=AT, last_at=AT, example="'loyalty'"
    )
    assert changed(seen("logs.lines"), seen("logs.lines", row)) == [
        ("exceptions", "KeyError in shop/a.py:f", 0, 4, W)
    ]


def test_settings_of_both_kinds_of_servers_are_compared():
    before = seen("postgres.settings", setting("work_mem", "4MB"), setting("gone", "1"), target="db")
    now = seen("postgres.settings", setting("work_mem", "1GB"), target="db")
    assert changed(before, now) == [
        ("settings", "gone", "1", None, UNKNOWN),
        ("settings", "work_mem", "4MB", "1GB", INFO),
    ]
    old = seen("redis.settings", RedisSetting(name="maxmemory-policy", value="noeviction"))
    new = seen("redis.settings", RedisSetting(name="maxmemory-policy", value="allkeys-lru"))
    assert changed(old, new) == [("settings", "maxmemory-policy", "noeviction", "allkeys-lru", INFO)]


def test_the_newest_deployment_of_a_service_is_its_version():
    def log(*versions: str) -> Evidence:
        rows = [Deployment(at=AT, service="backend", version=version) for version in versions]
        return seen("deploys.log", *rows, target="deploys")

    assert changed(log("1.0"), log("1.0", "1.1")) == [("version", "version of backend", "1.0", "1.1", INFO)]


def test_a_large_table_that_is_now_read_from_end_to_end():
    def tables(row: PostgresTable) -> Evidence:
        return seen("postgres.tables", row, target="db")

    name = "looks at public.orders that read all of it"
    assert changed(tables(table(1, 1_000)), tables(table(501, 1_500))) == [("scans", name, 1 / 1001, 0.5, W)]
    assert changed(tables(table(500, 500)), tables(table(900, 900))) == []  # as ever
    assert changed(tables(table(900, 900)), tables(table(20, 0))) == []  # counters were reset
    assert changed(tables(table(0, 9, size=8_192)), tables(table(500, 9, size=8_192))) == []


def test_a_certificate_loses_days_as_expected_until_there_are_few():
    def tls(days: int) -> Evidence:
        return seen("network.tls", certificate(days), target="payments")

    assert [each[-1] for each in changed(tls(90), tls(60))] == [OK]
    assert [each[-1] for each in changed(tls(60), tls(10))] == [W]
    assert changed(tls(60), tls(60)) == []


@pytest.mark.parametrize("pair", [(True, False), (False, True)])
def test_what_one_side_did_not_see_is_unknown_and_never_zero(pair):
    first, second = (seen("http.health", answer(1)) if well else blind("http.health") for well in pair)
    (found,) = differences([first], [second], Thresholds(), comparers())
    assert (found.id, found.severity) == ("baseline.unknown", UNKNOWN)
    (alone,) = differences([], [seen("http.health", answer(1))], Thresholds(), comparers())
    assert (alone.before, alone.severity) == (None, UNKNOWN)
    assert differences([blind("http.health")], [blind("http.health")], Thresholds(), comparers()) == ()


def number(value: float | None, name: str = "latency", unit: str = "seconds") -> Series:
    points = () if value is None else (Point(AT, value),)
    return Series(name=name, unit=unit, points=points)


KINDS = st.sampled_from(
    [("latency", "seconds"), ("errors", "ratio"), ("memory", "bytes"), ("disk", "ratio"), ("files", "ratio")]
)
VALUES = st.floats(min_value=0, max_value=1e12) | st.none()


@given(VALUES, KINDS)
def test_nothing_differs_from_itself(value, kind):
    assert judge_change(number(value, *kind), number(value, *kind), Thresholds()) is None


@given(VALUES, VALUES, KINDS)
def test_a_missing_side_is_unknown_and_a_fall_is_never_bad(before, now, kind):
    severity = judge_change(number(before, *kind), number(now, *kind), Thresholds())
    if (before is None) != (now is None):
        assert severity is UNKNOWN
    elif before is not None and now is not None and now < before:
        assert severity in {None, OK}


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), KINDS)
def test_a_higher_rise_is_never_judged_as_less(before, first, second, kind):
    low, high = sorted((first, second))
    ranks = {UNKNOWN: -1, None: 0, OK: 0, INFO: 1, W: 2}
    first, second = (
        judge_change(number(before, *kind), number(now, *kind), Thresholds()) for now in (low, high)
    )
    assert ranks[first] <= ranks[second]


def titles(now: list[Evidence], baseline: list[Evidence]) -> list[tuple[str, str, FindingSeverity, str]]:
    return [
        (each.id, each.target, each.severity, each.title)
        for each in compare_findings(now, baseline, CONTEXT, comparers())
    ]


def test_findings_say_now_and_normally():
    found = titles([seen("http.health", answer(4.0))], [seen("http.health", answer(0.02))])
    assert found == [("baseline.latency", "backend", W, "GET /health takes 4 s, normally 20 ms")]


def test_findings_of_a_kind_are_gathered():
    now = seen("logs.lines", *(template(f"error {letter}") for letter in "abcdefghijklm"))
    (found,) = compare_findings([now], [seen("logs.lines")], CONTEXT, comparers())
    assert found.title == "13 kinds of lines were never logged before"
    assert "and 3 more" in found.detail
    assert found.evidence == ("backend/logs.lines",)


def test_a_long_line_is_cut_in_the_title_and_whole_in_the_detail():
    now = seen("logs.lines", template("x" * 500))
    (found,) = compare_findings([now], [seen("logs.lines")], CONTEXT, comparers())
    assert len(found.title) < 130
    assert found.title.endswith("…")
    assert "x" * 500 in found.detail


def test_an_ordinary_line_that_is_new_is_a_difference_and_no_finding():
    now = seen("logs.lines", template("shutting down", level="INFO"))
    assert changed(seen("logs.lines"), now) == [("templates", "INFO shutting down", 0, 5, INFO)]
    assert [each[0] for each in titles([now], [seen("logs.lines")])] == ["baseline.ok"]


def test_a_target_as_it_was_is_ok_and_one_that_was_not_seen_is_unknown():
    well = seen("http.health", answer(0.02))
    assert [each[0::2][:2] for each in titles([well], [well])] == [("baseline.ok", OK)]
    assert [each[0::2][:2] for each in titles([blind("http.health")], [well])] == [
        ("baseline.unknown", UNKNOWN)
    ]
    assert [each[0::2][:2] for each in titles([well], [blind("http.health")])] == [
        ("baseline.unknown", UNKNOWN)
    ]


def test_without_a_baseline_nothing_is_said():
    assert titles([seen("http.health", answer(9))], []) == []


def test_a_difference_names_the_evidence_of_both_sides():
    (found,) = differences(
        [seen("http.health", answer(0.1))], [seen("http.health", answer(3))], Thresholds(), comparers()
    )
    assert isinstance(found, Difference)
    assert found.evidence_before == found.evidence_now == ("backend/http.health",)


def queue(value: float | None) -> Evidence:
    row = Measurement(name="shop.queue", value=value, unit="orders", labels={"queue": "mail"})
    return seen("shop.queue", row, target="shop")


@pytest.mark.parametrize(
    ("before", "now", "severity"),
    [(10, 19, None), (10, 20, INFO), (20, 10, INFO), (10, None, UNKNOWN), (None, None, None), (0, 1, INFO)],
)
def test_a_number_of_a_team_is_compared_and_never_an_alarm(before, now, severity):
    found = changed(queue(before), queue(now))
    what = "shop.queue (queue mail)"
    assert found == ([("number", what, before, now, severity)] if severity else [])


def test_a_number_of_a_team_is_reported_in_its_unit():
    assert titles([queue(4_000)], [queue(12)]) == [
        ("baseline.number", "shop", INFO, "shop.queue (queue mail): 4,000 orders, normally 12 orders")
    ]
    assert titles([queue(12)], [queue(12)]) == [
        ("baseline.ok", "shop", OK, "shop matches the baseline in 1 probe")
    ]
