"""Of several services in one stream, the one that writes the errors is named, whatever envelope names it."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.probes import Scan, merge, rows
from incident_lib.technologies.logs.probes.digest import Digest

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def at(number: int) -> datetime:
    return NOW - timedelta(seconds=400 - number)


def compose(service: str, number: int, text: str) -> str:
    return f"{service}-1  | {at(number):%Y-%m-%d %H:%M:%S,000} {text}"


def prefixed(service: str, number: int, text: str) -> str:
    return f"[pod/{service}-6f7c9d/{service}] {at(number):%Y-%m-%dT%H:%M:%S.000Z} {text}"


def journald(service: str, number: int, text: str) -> str:
    return f"{at(number):%b %d %H:%M:%S} web1 {service}[{700 + len(service)}]: {text}"


def scan(lines: list[str], since: datetime = NOW - timedelta(minutes=15)) -> Digest:
    found = Scan(since.timestamp(), NOW.timestamp())
    for line in lines:
        found.feed(line)
    return found.finish()


def judge(digest: Digest) -> dict[str, Finding]:
    evidence = Evidence(
        probe="logs.lines",
        target="stack",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="read stack.log",
        rows=rows(digest),
    )
    context = Context(window=Window(NOW - timedelta(minutes=15), NOW))
    return {finding.id: finding for finding in ANALYZERS["logs.lines"](evidence, context)}


def mixed(envelope, failing: str) -> list[str]:
    """Return a minute of three services, one of which logs an error every ten seconds."""
    return [
        envelope(service, number, "ERROR no stock left" if bad else "INFO all is well")
        for number in range(0, 60, 2)
        for service in ("shop", "ledger", "mailer")
        for bad in (service == failing and number % 10 == 0,)
    ]


@pytest.mark.parametrize("envelope", [compose, prefixed, journald])
@pytest.mark.parametrize("failing", ["shop", "ledger", "mailer"])
def test_the_service_with_the_errors_is_named(envelope, failing):
    digest = scan(mixed(envelope, failing))
    assert sum(digest.services.values()) == 90
    found = judge(digest)["logs.lines.service"]
    assert failing in str(found.data["service"])
    assert found.data["errors_count"] == 6


def test_a_traceback_counts_once_and_its_lines_are_of_its_service():
    lines = [compose("shop", 1, "ERROR order failed"), compose("ledger", 1, "INFO booked")]
    frames = ["Traceback (most recent call last):", '  File "/srv/a.py", line 3, in pay', "KeyError: 'eur'"]
    digest = scan([*lines, *(f"shop-1  | {frame}" for frame in frames)])
    assert sorted(digest.services.values()) == [1, 4]
    assert list(digest.service_errors.values()) == [1]


def test_requests_that_failed_are_errors_of_their_service():
    lines = [
        f'shop-1  | {at(number):%Y-%m-%d %H:%M:%S,000} INFO 10.0.0.4:4100 - "GET /a HTTP/1.1" {status}'
        for number, status in enumerate((200, 500, 503, 404, 502))
    ]
    assert list(scan(lines).service_errors.values()) == [3]


def test_lines_outside_the_window_are_of_no_service():
    lines = [compose("shop", 0, "ERROR no"), compose("ledger", 300, "INFO yes")]
    digest = scan(lines, since=at(200))
    assert list(digest.services.values()) == [1]
    assert digest.service_errors == {}


def test_parts_of_a_log_add_up():
    lines = mixed(compose, "ledger")
    parts = merge(scan(lines[:41]), scan(lines[41:]))
    whole = scan(lines)
    assert (parts.services, parts.service_errors) == (whole.services, whole.service_errors)
