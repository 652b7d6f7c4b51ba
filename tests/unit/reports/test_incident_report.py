import json
from datetime import UTC, datetime

import pytest

from incident_lib.errors import UsageError
from incident_lib.model import IncidentSeverity
from incident_lib.redact import Redactor
from incident_lib.reports.incident_report import Report, as_json, check_order, place_events, render

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
END = datetime(2026, 1, 15, 15, 16, tzinfo=UTC)


def report(**changes):
    return Report(**{"title": "Checkout fails", "severity": IncidentSeverity.SEV2, "start": START, **changes})


def times(events, start, end=None):
    return [f"{moment.at:%d %H:%M}" if moment.at else "?" for moment in place_events(events, start, end)]


def test_events_are_sorted_and_may_lie_before_the_start():
    assert times(("14:50 b", "14:20 a deploy", "14:31 c"), START, END) == ["15 14:20", "15 14:31", "15 14:50"]


def test_events_behind_midnight_are_on_the_next_day():
    start, end = datetime(2026, 1, 31, 23, 50, tzinfo=UTC), datetime(2026, 2, 1, 0, 40, tzinfo=UTC)
    assert times(("00:10 b", "23:55 a", "00:39 c", "23:40 z"), start, end) == [
        "31 23:40",
        "31 23:55",
        "01 00:10",
        "01 00:39",
    ]


def test_events_may_carry_a_date_or_no_time_at_all():
    found = place_events(("2026-01-16T09:00Z review", "called the vendor"), START, END)
    assert [moment.text for moment in found] == ["review", "called the vendor"]
    assert found[1].at is None


def test_an_event_at_no_time_of_day_is_refused():
    with pytest.raises(UsageError, match="25:00"):
        place_events(("25:00 lunch",), START, END)


def test_an_end_before_the_start_is_refused():
    with pytest.raises(UsageError, match="before"):
        check_order(END, START)


def test_hostile_text_stays_in_its_cell():
    text = render(
        report(
            title="# <script>alert(1)</script> | x",
            commander="a|b\n## c",
            impact="<img src=x onerror=alert(1)>\n# not a heading\n<!-- incident:end impact -->",
            services=("a|b",),
            moments=place_events(("14:35 a | b <b>",), START, END),
        ),
        generated_at=END,
    )
    assert "<script" not in text
    assert "<img" not in text
    assert "\n# not" not in text
    assert r"| 2026-01-15 14:35:00 | a \| b &lt;b&gt; |" in text
    assert r"a\|b ## c" in text
    assert text.count("<!-- incident:end impact -->") == 1


def test_the_json_has_the_keys_that_scripts_read():
    written = as_json(report(), generated_at=END, files={"markdown": "a.md", "json": "a.json"})
    assert (
        json.loads(json.dumps(written)).items()
        >= {
            "title": "Checkout fails",
            "severity": "SEV2",
            "status": "ongoing",
            "start_time": "2026-01-15T14:31:00Z",
            "end_time": None,
            "duration": "Ongoing",
            "commander": None,
            "impact": None,
            "root_cause": None,
            "services_affected": [],
            "timeline_events": [],
        }.items()
    )
    assert as_json(report(end=END), generated_at=END, files={})["duration"] == "45m 0s"


def test_secrets_are_hidden_everywhere():
    told = report(
        title="password=hunter2 leaked",
        impact="postgresql://app:hunter2@db/shop",
        services=("token=hunter2abc",),
        moments=place_events(("14:35 set password=hunter2",), START, END),
    ).redacted(Redactor())
    everything = render(told, generated_at=END) + str(as_json(told, generated_at=END, files={}))
    assert "hunter2" not in everything
