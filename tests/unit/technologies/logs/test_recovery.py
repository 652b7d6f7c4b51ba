"""Logs that still hold the errors of what is well again: reported as over, and only where that is known."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from incident_lib.investigation.severity import propose_severity
from incident_lib.model import Analysis, Finding, Holds, IncidentSeverity
from tests.unit.technologies.logs.logs_of import NOW, concluded

_REFUSED = "redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused."
_LOST = "psycopg.OperationalError: server closed the connection unexpectedly"


def _line(ago: float, text: str, level: str = "INFO", logger: str = "shop") -> str:
    at = NOW - timedelta(seconds=ago)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z {level} {logger} {text}"


def _request(ago: float, status: int = 200, path: str = "/orders") -> str:
    return _line(ago, f'10.0.0.7:53122 - "GET {path} HTTP/1.1" {status} 12.3ms', logger="uvicorn.access")


def _served(begin: float, end: float, *, every: float = 1.0, path: str = "/orders") -> Iterator[str]:
    for number in range(int((begin - end) / every)):
        yield _request(begin - number * every, path=path)


def _failing(begin: float, end: float, error: str = _REFUSED, *, path: str = "/orders") -> Iterator[str]:
    for number in range(int(begin - end)):
        yield _line(begin - number, error, "ERROR")
        yield _request(begin - number, 500, path)


def _of(analysis: Analysis, prefix: str) -> list[Finding]:
    found = [finding for finding in analysis.findings if finding.id.startswith(f"logs.lines.{prefix}")]
    assert found, f"nothing of {prefix}"
    return found


def _bad(analysis: Analysis) -> list[str]:
    return [f"{finding.id}: {finding.title}" for finding in analysis.findings if finding.severity.is_bad]


@pytest.mark.parametrize("error", [_REFUSED, _LOST], ids=["redis", "database"])
def test_a_fault_of_a_minute_with_requests_served_since_is_over(error: str) -> None:
    analysis = concluded(*_served(600, 300), *_failing(300, 240, error), *_served(240, 1))
    assert not _bad(analysis)
    assert analysis.hypotheses == ()
    assert propose_severity(analysis)[0] is IncidentSeverity.SEV4
    (errors,) = _of(analysis, "errors")
    assert errors.holds is Holds.PAST
    assert errors.until
    assert abs(errors.until - (NOW - timedelta(seconds=241))) < timedelta(seconds=2)
    assert "failing from 14:40:00 to 14:40:59 UTC, healthy since" in errors.title
    assert "since 14:40" not in errors.title.partition(";")[0]
    assert all(finding.holds is Holds.PAST for finding in _of(analysis, "class."))
    assert "nothing unusual" not in _of(analysis, "ok")[0].title


def test_while_it_fails_it_holds() -> None:
    analysis = concluded(*_served(600, 60), *_failing(60, 1))
    assert all(finding.holds is Holds.NOW for finding in (*_of(analysis, "errors"), *_of(analysis, "class.")))
    assert analysis.hypotheses


def test_ten_seconds_without_an_error_show_nothing_yet() -> None:
    analysis = concluded(*_served(600, 60), *_failing(60, 11), *_served(10, 0, every=0.2))
    assert _of(analysis, "errors")[0].holds is Holds.NOW


def test_too_few_requests_since_leave_it_unknown_and_that_is_said() -> None:
    analysis = concluded(*_served(600, 300), *_failing(300, 240), _request(120), _request(60))
    for finding in (*_of(analysis, "errors"), *_of(analysis, "class.")):
        assert finding.holds is Holds.UNKNOWN
        assert finding.severity.is_bad
        assert "too little activity since then to know whether it is over" in finding.title
        assert (
            "2 requests to GET /orders since then: too few to know" in finding.detail
            or "2 requests since then: too few" in finding.detail
        )
    assert analysis.hypotheses


def test_how_many_are_enough_depends_on_how_many_failed_before() -> None:
    every_fiftieth = [_request(600 - number / 5, 500 if number % 50 == 0 else 200) for number in range(1500)]
    few = concluded(*every_fiftieth, *_served(300, 200))
    assert _of(few, "errors")[0].holds is Holds.UNKNOWN
    many = concluded(*every_fiftieth, *_served(290, 1, every=0.5))
    assert _of(many, "errors")[0].holds is Holds.PAST


def test_what_comes_and_goes_holds_in_a_pause_no_longer_than_the_others() -> None:
    bursts = [_failing(begin, begin - 10) for begin in (590, 480, 370, 260, 150)]
    lines = sorted(line for part in (_served(600, 1, every=0.5), *bursts) for line in part)
    analysis = concluded(*lines)
    assert _of(analysis, "errors")[0].holds is Holds.NOW
    assert _of(analysis, "class.")[0].holds is Holds.NOW
    bursts = [_failing(begin, begin - 5) for begin in (870, 840, 810)]
    ended = concluded(*sorted(line for part in (_served(880, 1, every=0.5), *bursts) for line in part))
    assert _of(ended, "class.")[0].holds is Holds.PAST


def test_one_endpoint_that_still_fails_keeps_it() -> None:
    lines = [*_failing(300, 240), *_failing(300, 240, path="/pay"), *_served(240, 1)]
    lines += [_request(ago, 500, "/pay") for ago in range(240, 1, -5)]
    analysis = concluded(*_served(600, 300), *sorted(lines))
    (errors,) = _of(analysis, "errors")
    assert errors.holds is Holds.NOW
    assert errors.data["error_ratio_since_onset"] < 0.3  # of now, and not of the height
    (endpoint,) = _of(analysis, "endpoint")
    assert (endpoint.data["endpoint"], endpoint.holds) == ("GET /pay", Holds.NOW)


def test_one_endpoint_that_nobody_requested_since_is_not_known_to_be_well() -> None:
    failing = sorted([*_failing(300, 240, path="/pay"), *_served(300, 240)])
    analysis = concluded(*_served(600, 300), *failing, *_served(240, 1))
    (errors,) = _of(analysis, "errors")
    assert errors.holds is Holds.UNKNOWN
    assert _of(analysis, "class.")[0].holds is Holds.UNKNOWN


def test_a_log_that_went_silent_shows_no_recovery() -> None:
    analysis = concluded(*_served(600, 400), *_failing(400, 340))
    (errors,) = _of(analysis, "errors")
    assert errors.holds is Holds.UNKNOWN
    assert "nothing at all has been logged since" in errors.detail
    later = concluded(*_served(850, 600), *_failing(600, 540), *_served(540, 480))
    assert _of(later, "errors")[0].holds is Holds.UNKNOWN


def test_a_worker_that_logs_no_requests_is_judged_by_its_lines() -> None:
    done = [_line(ago, f"job {ago} done") for ago in range(600, 300, -1)]
    lost = [_line(ago, _LOST, "ERROR") for ago in range(300, 240, -1)]
    again = [_line(ago, f"job {ago} done") for ago in range(240, 1, -1)]
    analysis = concluded(*done, *lost, *again)
    assert not _bad(analysis)
    assert {finding.holds for finding in _of(analysis, "error_lines")} == {Holds.PAST}
    goes_on = [*again, *(_line(ago, _LOST, "ERROR") for ago in range(240, 1, -20))]
    assert _of(concluded(*done, *lost, *sorted(goes_on)), "class.")[0].holds is Holds.NOW


def test_another_error_in_its_place_is_no_recovery() -> None:
    lines = [*_served(600, 300), *_failing(300, 200), *_failing(200, 1, _LOST)]
    analysis = concluded(*lines)
    assert not [finding for finding in _of(analysis, "class.") if finding.holds is Holds.PAST]


def test_a_worker_that_was_killed_once_is_over_when_the_service_serves() -> None:
    killed = _line(
        200, "[1] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?", "ERROR", "gunicorn.error"
    )
    analysis = concluded(
        *sorted(
            [*_served(600, 1), killed, _line(199, "Booting worker with pid: 10", logger="gunicorn.error")]
        )
    )
    (event,) = _of(analysis, "server.worker_killed")
    assert event.holds is Holds.PAST
    assert not analysis.hypotheses
    often = [killed.replace("14:41:40", f"14:{minute}:30") for minute in (35, 37, 39, 41, 43)]
    analysis = concluded(*sorted([*_served(600, 1), *often]))
    assert _of(analysis, "server.worker_killed")[0].holds is Holds.NOW


def test_requests_that_took_long_are_over_when_the_same_are_quick() -> None:
    def took(ago: float, milliseconds: float, path: str = "/orders") -> str:
        return _line(
            ago, f'10.0.0.7:53122 - "GET {path} HTTP/1.1" 200 {milliseconds}ms', logger="uvicorn.access"
        )

    before = [took(ago, 12.0) for ago in range(600, 300, -1)]
    slow = [took(ago, 3200.0) for ago in range(300, 240, -1)]
    analysis = concluded(*before, *slow, *(took(ago, 12.0) for ago in range(240, 1, -1)))
    assert not _bad(analysis)
    assert {finding.holds for finding in _of(analysis, "slow")} == {Holds.PAST}
    often = [took(ago, 1400.0 if ago % 50 == 0 else 12.0) for ago in range(240, 1, -1)]
    assert {finding.holds for finding in _of(concluded(*before, *slow, *often), "slow")} == {Holds.PAST}
    still = [took(ago, 1400.0 if ago % 5 == 0 else 12.0) for ago in range(240, 1, -1)]
    assert Holds.NOW in {finding.holds for finding in _of(concluded(*before, *slow, *still), "slow")}
    untried = concluded(*before, *slow, *(took(ago, 12.0, "/other") for ago in range(240, 1, -1)))
    assert _of(untried, "slow")[0].holds is Holds.UNKNOWN


def _spells(*ends: float) -> Iterator[str]:
    """Yield requests of ten minutes, of which those of twenty seconds before each of `ends` failed."""
    begin = 600.0
    for end in ends:
        yield from _served(begin, end + 20)
        yield from _failing(end + 20, end)
        begin = end
    yield from _served(begin, 1)


def test_what_comes_and_goes_is_called_that_and_is_not_over_in_a_pause() -> None:
    analysis = concluded(*_spells(480, 330, 180, 60))
    (errors,) = _of(analysis, "errors")
    assert errors.holds is Holds.NOW
    assert "intermittent: back 3 times after pauses of about 2m" in errors.title
    assert "quiet now for 1m" in errors.title
    (logged,) = _of(analysis, "class.")
    assert "intermittent: back 3 times" in logged.detail
    assert logged.data["returns_count"] == 3
    assert all(finding.holds is Holds.NOW for finding in _of(analysis, "template"))
    assert "intermittent" in analysis.hypotheses[0].reason


@pytest.mark.parametrize("ends", [(300,), (400, 120), (590, 560, 530, 500)])
def test_what_is_over_or_came_back_once_does_not_come_and_go(ends: tuple[float, ...]) -> None:
    analysis = concluded(*_spells(*ends))
    assert not [f for f in analysis.findings if "intermittent" in f"{f.title} {f.detail}"]
