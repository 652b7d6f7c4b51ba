"""Calls that are tried again: no trouble where all requests are served."""

from datetime import timedelta

import pytest

from tests.unit.technologies.logs.logs_of import NOW, concluded

RETRIED = "WARNING urllib3 Retrying (Retry(total=2)) after connection broken by 'ReadTimeoutError': /v1/rates"
FAILED = "ERROR orders.rates requests.exceptions.ReadTimeout: HTTPSConnectionPool: Read timed out."


def _lines(text: str, *, statuses: tuple[int, ...]) -> list[str]:
    lines = []
    for number in range(120):
        at = NOW - timedelta(seconds=800 - 6 * number)
        if number % 10 == 0:
            lines.append(f"{at:%Y-%m-%d %H:%M:%S} {text}")
        for status in statuses:
            when = f"{at:%d/%b/%Y:%H:%M:%S +0000}"
            lines.append(f'203.0.113.9 - - [{when}] "GET /orders HTTP/1.1" {status} 812 "-" "x" 0.02')
    return lines


@pytest.mark.parametrize(
    ("text", "statuses", "severity"),
    [
        (RETRIED, (200,), "INFO"),
        (FAILED, (200,), "WARNING"),
        (RETRIED, (200, 500), "WARNING"),
        (RETRIED, (), "WARNING"),
    ],
    ids=["tried again and served", "not tried again", "requests fail", "no requests are known"],
)
def test_what_is_tried_again_is_judged_by_the_requests(
    text: str, statuses: tuple[int, ...], severity: str
) -> None:
    found = {
        finding.id: finding.severity.name for finding in concluded(*_lines(text, statuses=statuses)).findings
    }
    assert found["logs.lines.class.read_timeout"] == severity
