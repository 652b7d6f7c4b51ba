"""Logs whose times have no date: read by the file's time of change, or not at all."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib.model import Window
from incident_lib.technologies.logs.probes.clocks import NO_DATES, dated_line, newest_clock
from incident_lib.technologies.logs.probes.file import FileReader
from incident_lib.technologies.logs.redaction import Redaction
from incident_lib.technologies.logs.sources.find import find
from incident_lib.technologies.logs.summary import Scope, merge_parts, summarize

END = datetime(2026, 3, 7, 0, 20, tzinfo=UTC)
SERILOG = "[{:%H:%M:%S} {}] {}"
ELIXIR = "{:%H:%M:%S.000} [{}] {}"


def written(
    folder: Path,
    form: str = SERILOG,
    *,
    lines: int = 120,
    east: int = 0,
    touched: float = 0.0,
    step: int = 60,
) -> Path:
    """Return a log with a line each minute up to END, the last ten of them errors."""
    path = folder / "app.log"
    texts = []
    for number in range(lines):
        at = END - timedelta(seconds=(lines - 1 - number) * step) + timedelta(hours=east)
        is_bad = number >= lines - 10
        level = ("ERR", "INF") if form is SERILOG else ("error", "info")
        texts.append(
            form.format(at, level[not is_bad], "Order failed" if is_bad else f"Order {number} stored")
        )
    path.write_text("\n".join(texts) + "\n")
    os.utime(path, (END.timestamp() + touched,) * 2)
    return path


def summary_of(path: Path):
    found = find([str(path)])
    scope = Scope(start=float("-inf"), end=float("inf"), slot_seconds=60, redaction=Redaction())
    return merge_parts(summarize(found.sources, scope, processes=1)), found


@pytest.mark.parametrize("form", [SERILOG, ELIXIR])
@pytest.mark.parametrize("east", [0, 1, -5])
def test_the_files_time_of_change_dates_them_across_midnight_and_in_local_time(form, east, tmp_path):
    summary, found = summary_of(written(tmp_path, form, east=east))
    digest = summary.digest
    assert (digest.timed_lines, digest.lines) == (120, 120)
    assert digest.last_at == END.timestamp()
    assert digest.first_at == END.timestamp() - 119 * 60
    assert any(NO_DATES in note for note in found.notes)


@pytest.mark.parametrize(
    "more",
    [
        {"lines": 3_000},  # two days
        {"touched": 5_000.0},  # copied later
        {"touched": 9 * 86_400.0 + 4_000},
        {"lines": 2},
    ],
)
def test_no_date_is_guessed_where_it_may_be_another(more, tmp_path):
    summary, found = summary_of(written(tmp_path, **more))
    assert summary.digest.timed_lines == 0
    assert found.notes == []


def test_a_log_with_dates_in_other_lines_is_left_alone(tmp_path):
    path = written(tmp_path)
    path.write_text("2026-03-06 22:00:00 INFO started\n" + path.read_text())
    os.utime(path, (END.timestamp(),) * 2)
    assert summary_of(path)[1].notes == []


def test_a_window_counts_only_its_lines_and_the_excerpt_stays_as_it_was_written(tmp_path):
    path = written(tmp_path, east=1)
    window = Window(END - timedelta(minutes=15), END)
    reading, timed = FileReader(path).open().count(window)
    assert timed
    assert reading.digest.timed_lines == reading.digest.lines == 16
    assert NO_DATES in reading.source
    assert all(line.startswith("[") for line in reading.newest)


def test_only_what_stands_first_on_a_line_is_a_time_of_it():
    newest = newest_clock(b"10:00:00 a\n10:00:01 b\n10:00:02 c\n", 36_002.0)
    assert newest == 36_002.0
    assert dated_line("  at 10:00:00 it began", newest) == "  at 10:00:00 it began"
    assert dated_line("10:00:00", newest) == "10:00:00"
    assert dated_line("(10:00:01.250) \u00e9", newest) == "(1970-01-01 10:00:01.250) \u00e9"


def test_a_colon_may_stand_behind_the_time():
    newest = newest_clock(b"10:00:00: a\n10:00:01: b\n10:00:02:   0.50s \xe2\x86\x92 c\n", 36_002.0)  # of arq
    assert newest == 36_002.0
    assert dated_line("10:00:00:   0.50s", newest) == "1970-01-01 10:00:00:   0.50s"
