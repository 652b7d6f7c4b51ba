"""An endpoint that takes many times as long as before: seen in the lines, and not in healthy ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.rows import LogLatency

START = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
END = 600
WINDOW = Window(START, START + timedelta(seconds=END))
QUICK, SLOW = (0.0018, 0.0020, 0.0023, 0.0031, 0.0019), (0.66, 0.7, 0.72, 0.68, 0.91)


def requests(
    path: str, seconds: Callable[[int, int], float], begin: int = 0, end: int = END, every: int = 1
) -> list[str]:
    """Return the lines of one request each so many seconds."""
    return [
        f'{at(second)} INFO access "GET {path} HTTP/1.1" 200 {seconds(second, number) * 1000:.3f}ms'
        for number, second in enumerate(range(begin, end, every))
    ]


def at(second: int) -> str:
    return f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def quick(_second: int, number: int) -> float:
    return QUICK[number % 5]


def slow_from(onset: int, until: int = END) -> Callable[[int, int], float]:
    return lambda second, number: (SLOW if onset <= second < until else QUICK)[number % 5]


def judge(lines: list[str]) -> dict[str, Finding]:
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    for line in sorted(lines):
        scan.feed(line)
    evidence = Evidence(
        probe="logs.lines",
        target="backend",
        status=EvidenceStatus.COLLECTED,
        collected_at=WINDOW.end,
        duration_seconds=0.1,
        source="read backend.log",
        rows=rows(scan.finish()),
    )
    found = ANALYZERS["logs.lines"](evidence, Context(window=WINDOW))
    return {finding.id.removeprefix("logs.lines."): finding for finding in found}


def test_an_endpoint_that_takes_longer_is_reported_with_its_numbers():
    found = judge([*requests("/orders", slow_from(540)), *requests("/", quick)])
    finding = found["latency"]
    assert finding.severity is FindingSeverity.WARNING
    assert finding.title == "GET /orders takes 645 ms since 14:09:00 UTC, 1.8 ms before (median)"
    assert finding.since == START + timedelta(seconds=540)
    assert finding.data["endpoint"] == "GET /orders"
    assert (finding.data["slower_endpoints_count"], finding.data["endpoints_count"]) == (1, 2)
    assert (finding.data["before_count"], finding.data["after_count"]) == (540, 60)
    assert finding.data["after_seconds"] == pytest.approx(0.7, rel=0.1)
    assert "ok" not in found


def test_a_fifth_of_requests_that_takes_longer_shows_in_the_ninetieth_percentile():
    found = judge(requests("/", lambda s, number: 0.8 if s > 300 and number % 5 == 0 else QUICK[number % 5]))
    assert found["latency"].data["statistic"] == "p90"


def test_a_handful_of_slow_requests_is_enough_where_there_were_many_before():
    assert "latency" in judge(requests("/", slow_from(560), every=4))


def healthy() -> Iterator[tuple[str, list[str]]]:
    yield "cold start", requests("/", lambda s, n: (SLOW if s < 20 else QUICK)[n % 5])
    yield "restart", requests("/", slow_from(300, until=312))
    yield "over", requests("/", slow_from(300, until=500))
    yield "a pause at the end", requests("/", slow_from(585))
    yield "few", requests("/", slow_from(300), every=60)
    yield "under the floor", requests("/", lambda s, n: 0.09 if s > 300 else QUICK[n % 5])
    yield "twice as long", requests("/", lambda s, n: (0.4 if s > 300 else 0.2) * (1 + QUICK[n % 5]))
    yield "now and then", requests("/", lambda s, n: 0.7 if n % 12 == 0 else QUICK[n % 5])
    yield "asked no more", requests("/", slow_from(200), end=300) + requests("/b", quick)


@pytest.mark.parametrize(("_name", "lines"), [pytest.param(*case, id=case[0]) for case in healthy()])
def test_nothing_is_reported_of(_name: str, lines: list[str]):
    assert "latency" not in judge(lines)


def test_a_new_process_may_be_slow_for_a_minute():
    started = f"{at(560)} INFO:     Application startup complete."
    slow = requests("/", slow_from(562))
    assert "latency" in judge(slow)
    assert "latency" not in judge([*slow, started])


def test_load_that_begins_explains_the_slowness():
    lines = requests("/", quick, end=300, every=2)
    lines += 5 * requests("/", slow_from(300), begin=300)
    finding = judge(lines)["latency"]
    assert finding.severity is FindingSeverity.INFO
    assert "times the requests of any time before" in finding.title
    assert finding.data["load_factor"] == pytest.approx(10)


def test_an_endpoint_that_is_as_it_was_has_no_record():
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    for line in requests("/", quick):
        scan.feed(line)
    assert not [row for row in rows(scan.finish()) if isinstance(row, LogLatency)]
