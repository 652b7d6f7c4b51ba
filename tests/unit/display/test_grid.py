"""Records as HTML: constants are said once, long text has room, moments of one day do not repeat it."""

from datetime import UTC, datetime
from functools import partial

from incident_lib.display import grid
from incident_lib.technologies.host.rows import FileSystem
from incident_lib.technologies.logs.rows import LogException

AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)

lines = partial(grid.lines, caption="A <table>")
facts = partial(grid.facts, caption="A <table>")
plain = partial(grid.plain, "A <table>")


def raised(count, example="no", *, first_at=AT, frame="orders.py:one"):
    row = LogException(
        type="ValueError", frame=frame, count=count, first_at=first_at, last_at=AT, example=example
    )
    return ("backend", row)


COLUMNS = ("count", "type", "frame", "first_at", "example")


def test_what_is_the_same_in_all_rows_is_said_once():
    html = lines([raised(1), raised(2), raised(3)], ("count", "type"), target=False)
    assert "The same for all 3: type <b>ValueError</b>" in html
    assert html.count("ValueError") == 1
    assert '<th scope="col">type</th>' not in html


def test_two_rows_are_too_few_to_call_anything_the_same():
    html = lines([raised(1), raised(2)], ("count", "type"), target=False)
    assert html.count("ValueError") == 2


def test_what_nobody_knows_of_any_row_is_said_once():
    html = lines([raised(n, first_at=None) for n in range(3)], ("count", "first_at"), target=False)
    assert "unknown: first" in html
    assert "<td class" in html


def test_rows_that_are_all_alike_need_no_table():
    html = lines([raised(1)] * 4, COLUMNS, target=False)
    assert "<table" not in html
    assert "The same for all 4: counts <b>1</b>" in html or "count <b>1</b>" in html


def test_a_table_has_its_caption_and_its_frame_the_same_name():
    for html in (lines([raised(1), raised(2)]), facts([raised(1), raised(2)]), plain(("a",), [(1,)])):
        assert "<caption>A &lt;table&gt;</caption>" in html
        assert 'aria-label="A &lt;table&gt;"' in html


def test_zero_and_no_are_not_the_same():
    assert "The same" not in plain(("a",), [(0,), (False,), (0,)])


def test_moments_of_one_day_leave_the_day_to_the_heading():
    later = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
    html = lines([raised(1), raised(2, first_at=later)], ("count", "first_at"), target=False)
    assert '<th scope="col">first <span>2026-01-15</span></th>' in html
    assert html.count("2026-01-15") == 1
    assert "15:00:00" in html


def test_moments_of_several_days_keep_theirs():
    html = plain(("when",), [(AT,), (datetime(2026, 1, 16, tzinfo=UTC),)])
    assert html.count("2026-01-15") == 1
    assert html.count("2026-01-16") == 1


def test_a_long_text_is_the_last_column_and_a_very_long_one_stands_below():
    long = lines([raised(1, "x" * 90), raised(2)], ("example", "count"), target=False)
    assert long.index("count") < long.index("example")
    html = lines(
        [raised(1, "x" * 300), raised(2, frame="y" * 300)], ("example", "frame", "count"), target=False
    )
    assert '<tr class="iw-below"><td colspan="2">' in html
    assert '<th scope="col">example</th>' not in html


def test_one_record_is_no_table():
    system = FileSystem(path="/", device="d", kind="ext4", total_bytes=1024, free_bytes=512,
                        free_inodes_count=None, total_inodes_count=None)  # fmt: skip
    html = facts([("host", system)])
    assert "<table" not in html
    assert "<dt>total</dt><dd>1 KiB</dd>" in html
    assert "inodes" not in html


def test_hostile_text_is_escaped_wherever_it_stands():
    hostile = "<script>alert(1)</script>"
    records = [raised(1, hostile * 10), raised(2, hostile, frame=hostile), raised(3, hostile, frame=hostile)]
    for html in (lines(records, COLUMNS), lines([raised(1, hostile)] * 3), plain((hostile,), [(hostile,)])):
        assert "<script" not in html
        assert "&lt;script" in html
