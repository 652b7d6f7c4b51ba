"""One statement that keeps the server busy, and large tables that are read from end to end."""

from incident_lib.model import FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresRunningStatement, PostgresTableScan
from tests.unit.technologies.postgres.records import evidence, judge

SEARCH = "SELECT id FROM parcels WHERE lower(city) = ?"


def running(sessions: float, share: float, longest: float | None = None) -> PostgresRunningStatement:
    return PostgresRunningStatement(
        query=SEARCH,
        session_count=int(sessions * 20),
        sample_count=20,
        mean_session_count=sessions,
        share_ratio=share,
        longest_seconds=longest,
    )


def scanned(rows: int, scans: int = 3) -> PostgresTableScan:
    return PostgresTableScan(
        schema="public",
        table="parcels",
        size_bytes=64 << 20,
        estimated_row_count=400_000.0,
        interval_seconds=2.0,
        sequential_scan_count=scans,
        sequential_row_count=rows,
        indexed_row_count=12,
    )


def test_one_statement_that_makes_most_of_what_runs() -> None:
    found = judge(evidence("counters", running(1.4, 0.9)))["statement"]
    assert found.severity is FindingSeverity.INFO  # reports do that too: by itself it is no alarm
    assert found.title == f"90 % of the running work is one statement: {SEARCH}"
    assert found.data["sessions"] == 1.4


def test_a_statement_among_many_or_on_an_idle_server() -> None:
    assert "statement" not in judge(evidence("counters", running(3.0, 0.2)))
    assert "statement" not in judge(evidence("counters", running(0.1, 1.0)))


def test_a_rare_statement_that_somebody_waits_for() -> None:
    found = judge(evidence("counters", running(0.3, 0.8, longest=1.2)))["statement"]
    assert "one for 1.2 s" in found.detail
    assert "statement" not in judge(evidence("counters", running(0.3, 0.8, longest=0.2)))
    assert "statement" not in judge(evidence("counters", running(0.05, 1.0, longest=1.2)))  # seen once


def test_a_large_table_that_is_read_from_end_to_end() -> None:
    found = judge(evidence("counters", scanned(1_200_000)))["scans"]
    assert found.severity is FindingSeverity.INFO
    assert found.title == "public.parcels is scanned sequentially 3 times in 2 s"
    assert "600,000 rows a second" in found.detail


def test_a_look_at_the_first_rows_is_no_scan() -> None:
    assert "scans" not in judge(evidence("counters", scanned(40)))
