"""Moments as programs write them: every form, day first and month first, 12 hours, zones, epochs."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import open_plain
from incident_lib.technologies.logs.probes.moments import zone_shift
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Shapes
from incident_lib.technologies.logs.probes.times import (
    UNDECIDED,
    DateOrder,
    from_value,
    leading,
    order_of,
)

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC).timestamp()
MINUTE = AT - 5
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "moment", "zoned"),
    [
        ("2026-01-15T14:31:05Z", AT, True),
        ("2026-01-15T14:31:05.250+01:00", AT + 0.25 - 3600, True),
        ("2026-01-15T14:31:05,250", AT + 0.25, False),
        ("2026-01-15 14:31:05.250000 UTC", AT + 0.25, True),
        ("2026-01-15 14:31:05 -0530", AT + 5.5 * 3600, True),
        ("2026-01-15 14:31:05 -03", AT + 3 * 3600, True),
        ("2026-01-15 14:31:05:250", AT + 0.25, False),
        ("2026-01-15 02:31:05 PM", AT, False),
        ("2026-01-15 02:31:05 PM EST", AT + 5 * 3600, True),
        ("2026-01-15 14:31", MINUTE, False),
        ("2026-01-15 9:31:05", AT - 5 * 3600, False),
        ("2026-01-15  9:31:05", AT - 5 * 3600, False),
        ("2026-01-15\t14:31:05", AT, False),
        ("2026.01.15 14:31:05", AT, False),
        ("2026/01/15 14:31:05.000250", AT + 0.00025, False),
        ("2026-01-15 14:31:05.25 +0000 UTC m=+0.000000001", AT + 0.25, True),
        ("2026-01-15T14:31:05+01:00[Europe/Berlin]", AT - 3600, True),
        ("2026-01-15 14:31:05 Europe/Berlin", AT - 3600, True),
        ("2026-07-15 14:31:05 America/New_York", AT + 181 * 86_400 + 4 * 3600, True),
        ("20260115T143105Z", AT, True),
        ("20260115T143105.250", AT + 0.25, False),
        ("20260115 143105", AT, False),
        ("20260115 14:31:05", AT, False),
        ("15/Jan/2026:14:31:05 +0100", AT - 3600, True),
        ("15/Jan/2026 14:31:05", AT, False),
        ("15 Jan 2026 14:31:05.250", AT + 0.25, False),
        ("15-Jan-2026 14:31:05.250", AT + 0.25, False),
        ("15-Jan-2026::14:31:05.250", AT + 0.25, False),
        ("15-Jan-2026 14:31:05 Europe/Berlin", AT - 3600, True),
        ("15-JAN-26 14:31:05", AT, False),
        ("15-Jan-26 14:31:05", AT, False),
        ("15 January 2026 2:31:05 pm", AT, False),
        ("15 Jan 26 14:31 UTC", MINUTE, True),
        ("Thursday, 15-Jan-26 14:31:05 UTC", AT, True),
        ("Thu, 15 Jan 2026 14:31:05 GMT", AT, True),
        ("Thu, 15 Jan 2026 14:31:05 -0700", AT + 7 * 3600, True),
        ("Jan 15, 2026 2:31:05 PM", AT, False),
        ("Jan 15, 2026 2:31:05\u202fPM", AT, False),
        ("January 15, 2026 14:31:05", AT, False),
        ("Jan 15, 2026 @ 14:31:05.250", AT + 0.25, False),
        ("Jan 15 2026 14:31:05", AT, False),
        ("Thu Jan 15 14:31:05 2026", AT, False),
        ("Thu Jan 15 14:31:05.250000 2026", AT + 0.25, False),
        ("Thu Jan 15 14:31:05 CET 2026", AT - 3600, True),
        ("Thu Jan 15 14:31:05 +0100 2026", AT - 3600, True),
        ("Thu 2026-01-15 14:31:05 UTC", AT, True),
        ("01/15/2026 02:31:05 PM", AT, False),
        ("1/15/2026 2:31:05 PM", AT, False),
        ("01/15/2026, 2:31:05 PM", AT, False),
        ("1/15/26 14:31:05:250 CET", AT + 0.25 - 3600, True),
        ("15/01/2026 14:31:05", AT, False),
        ("15.01.2026 14:31:05", AT, False),
        ("15.01.26 14:31:05,250", AT + 0.25, False),
        ("15-01-2026 14:31:05", AT, False),
        ("26/01/15 14:31:05", AT, False),
        ("260115 14:31:05", AT, False),
        ("1768487465.250 ", AT + 0.25, True),
        ("1768487465 INFO", AT, True),
        ("1768487465250 [main]", AT + 0.25, True),
        ("1768487465250000 WARN", AT + 0.25, True),
        ("1768487465250000000 | error", AT + 0.25, True),
    ],
)
def test_a_time_is_read_in_each_form(text, moment, zoned):
    found = leading(text)
    assert found
    assert found[0] == pytest.approx(moment, abs=1e-3)
    assert found[1] == len(text) or text[found[1] :].strip()[:1] in "[IW|"
    assert found[2] == zoned


@pytest.mark.parametrize(
    "zone", [("CEST", 2), ("EDT", -4), ("PST", -8), ("IST", 5.5), ("JST", 9), ("+0330", 3.5)]
)
@pytest.mark.parametrize(
    "form", ["2026-01-15 14:31:05.000 {}", "15 Jan 2026 14:31:05 {}", "01/15/2026 14:31:05 {}"]
)
def test_zones_are_read_by_name_and_by_offset(zone, form):
    name, hours = zone
    assert leading(form.format(name)) == (AT - hours * 3600, len(form) - 2 + len(name), True)


@pytest.mark.parametrize("word", ["INFO", "ERR", "GET", "WARN", "EAT", "DEBUG"])
def test_a_word_behind_a_time_is_no_zone(word):
    assert leading(f"2026-01-15 14:31:05 {word} /x") == (AT, 20, False)


@pytest.mark.parametrize(
    ("text", "hour"), [("12:05:00 AM", 0), ("12:05:00 PM", 12), ("1:05:00 AM", 1), ("11:05:00 PM", 23)]
)
def test_twelve_hours_begin_at_twelve(text, hour):
    found = leading(f"01/15/2026 {text}")
    assert found
    assert found[0] == datetime(2026, 1, 15, hour, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("form", ["%b %d %H:%M:%S", "%d %b %H:%M:%S", "%m-%d %H:%M:%S", "%b %e %H:%M:%S.000"])
def test_a_time_without_year_is_the_last_such(form):
    recent = (NOW - timedelta(hours=3)).replace(microsecond=0)
    found = leading(f"{recent.strftime(form)} host")
    assert found
    assert found[0] == recent.timestamp()
    ahead = (NOW + timedelta(days=40)).replace(microsecond=0)
    found = leading(f"{ahead.strftime(form)} host")
    assert found
    assert found[0] < NOW.timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "17 rows were read",
        "10.0.0.7 is gone",
        "1768487465 rows",
        "123456 123456",
        "99/99/2026 14:31:05",
        "May the force be with you",
        "Marina Jan 15 14:31:05",
        "15 Foo 2026 14:31:05",
        "3/4 of 12:30",
        "2026-13-45 14:31:05",
        "",
    ],
)
def test_what_is_no_time_is_none(text):
    assert leading(text) is None


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        (["01/02/2026 10:00:00 a", "13/02/2026 10:00:00 b"], DateOrder.DAY_FIRST),
        (["web | 01/02/2026 10:00:00 a", "web | 02/14/2026 10:00:00 b"], DateOrder.MONTH_FIRST),
        (
            ["03/02/2026 10:00 a", "04/02/2026 10:00 b", "01/03/2026 10:00 c"],
            DateOrder.DAY_FIRST,
        ),  # backwards
        (["[02/03/26 10:00:00] a", "[02/14/26 10:00:00] b"], DateOrder.MONTH_FIRST),
        (["25/12/31 10:00:00 INFO a", "26/01/01 10:00:00 INFO b"], DateOrder.YEAR_FIRST),
        (["2026-01-02 10:00:00 a"], UNDECIDED),
        (["02/02/2026 10:00:00 a"], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_the_order_of_dates_is_decided_from_the_log(lines, order):
    assert order_of(lines, datetime(2026, 6, 1, tzinfo=UTC).timestamp()) == order


@pytest.mark.parametrize(
    ("form", "order"),
    [("%d/%m/%Y %H:%M:%S", DateOrder.DAY_FIRST), ("%m/%d/%Y %I:%M:%S %p", DateOrder.MONTH_FIRST)],
)
def test_dates_do_not_lie_in_the_future_and_end_near_the_present(form, order):
    for end in (datetime(2026, 3, 9, 8, tzinfo=UTC), datetime(2026, 9, 3, 8, tzinfo=UTC)):
        lines = [f"{(end - timedelta(minutes=left)).strftime(form)} ready" for left in (9, 5, 0)]
        assert order_of(lines, end.timestamp()) == order
        assert parse(lines[-1], order).at == end.timestamp()


def test_a_line_is_read_in_the_order_of_its_log():
    first, second = (datetime(2026, *day, 14, 31, 5, tzinfo=UTC).timestamp() for day in ((1, 2), (2, 1)))
    text = "01/02/2026 14:31:05 - ERROR - order failed"
    assert [parse(text, order).at for order in list(DateOrder)[:3]] == [first, second, first]
    assert parse('{"ts": "01/02/2026 14:31:05", "msg": "x"}', DateOrder.DAY_FIRST).at == second
    assert parse(text).message == "order failed"
    # a date that is impossible in the order of the log is read in the other
    assert parse("01/15/2026 14:31:05 x", DateOrder.DAY_FIRST).at == AT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1768487465, (AT, True)),
        (1768487465000, (AT, True)),
        ("1768487465000000", (AT, True)),
        (1768487465000000000, (AT, True)),
        ("15/Jan/2026:14:31:05 +0000", (AT, True)),
        ("Thu Jan 15 14:31:05 2026", (AT, False)),
        ("01/15/2026 02:31:05 PM", (AT, False)),
        ("soon", None),
        (True, None),
        (None, None),
    ],
)
def test_a_field_holds_a_moment(value, expected):
    assert from_value(value) == expected


@pytest.mark.parametrize(
    ("text", "zoned"),
    [
        ("2026-01-15 14:31:05,000 INFO app ready", False),
        ("2026-01-15 14:31:05.000 CET [9] LOG:  ready", True),
        ('10.0.0.1 - - [15/Jan/2026:14:31:05 +0000] "GET / HTTP/1.1" 200 5', True),
        ('{"time": "2026-01-15T14:31:05", "msg": "x"}', False),
        ('{"time": 1768487465, "msg": "x"}', True),
        ("1:M 15 Jan 2026 14:31:05.000 * Ready", False),
        ("ready", False),
    ],
)
def test_a_line_says_whether_it_names_its_zone(text, zoned):
    assert parse(text).zoned == zoned


IIS = "{day} {time} 10.1.1.1 GET /till/{n} a=1 443 - 10.0.0.7 Mozilla/5.0+(X11) - 200 0 0 25{n}"
CLOUDFRONT = (
    "{day}\t{time}\tFRA6-C1\t392\t10.0.0.7\tGET\td1.cloudfront.net\t/till/{n}\t200\t-\tcurl\t-\t-\tHit\tid=="
    "\ttill.example\thttps\t23\t0.25{n}\t-\tTLSv1.3"
)
LOCAL = "{day} {time} INFO till: order {n} paid"
HOUR = 3_600.0


@pytest.mark.parametrize(("form", "added"), [(IIS, 0.0), (CLOUDFRONT, 0.0), (LOCAL, HOUR)])
def test_times_that_are_in_utc_by_definition_are_not_shifted(form, added):
    lines = [
        form.format(day=f"{at:%Y-%m-%d}", time=f"{at:%H:%M:%S}", n=number)
        for number, at in enumerate(datetime.fromtimestamp(AT + n, UTC) for n in range(30))
    ]
    text = "\n".join(lines).encode() + b"\n"
    assert zone_shift(text, AT + 29 + HOUR) == added  # the file was written an hour after its last time
    by_line, by_shape = (Scan(float("-inf"), float("inf"), 1, shift=HOUR) for _ in range(2))
    for line in lines:
        by_line.feed(line)
    shapes = Shapes(by_shape, open_plain)
    shapes.feed_block(text)
    for digest in (by_line.finish(), shapes.finish()):
        assert (digest.first_at, digest.last_at) == (AT + added, AT + 29 + added)
