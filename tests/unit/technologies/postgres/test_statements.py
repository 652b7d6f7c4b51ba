"""What every shipped statement keeps to, and how two readings become a difference."""

import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from incident_lib.technologies.postgres.probes import PROBES
from incident_lib.technologies.postgres.probes.counters import _difference
from incident_lib.technologies.postgres.probes.reading import statement
from incident_lib.technologies.postgres.probes.statements import _worked

NAMES = sorted(
    entry.name.removesuffix(".sql")
    for entry in (files("incident_lib.technologies.postgres") / "sql").iterdir()
    if entry.name.endswith(".sql")
)
# They lock the relation that they are about, and hang behind ACCESS EXCLUSIVE.
HANG = ("pg_relation_size", "pg_table_size", "pg_total_relation_size", "pg_indexes_size", "pg_get_indexdef")
HANG += ("pg_get_expr", "pg_get_viewdef", "pg_indexes", "pgstattuple", "explain", "::regclass")
CHANGE = r"\b(insert|update|delete|truncate|lock|vacuum|notify|call|do|set|reset|pg_terminate_backend)\b"


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_one_harmless_query_that_says_what_it_costs(name: str) -> None:
    text = statement(name)
    head = " ".join(line for line in text.splitlines() if line.startswith("--"))
    for word in ("View:", "Needs:", "Versions:", "Cost:"):
        assert word in head
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).lower()
    assert body.startswith(("select", "with"))
    assert ";" not in body
    assert not re.search(CHANGE, body)
    for function in HANG:
        assert function not in body


def test_the_connection_comes_first_and_tier_0_is_small() -> None:
    assert PROBES[0].name == "postgres.connection"
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert [probe.tier for probe in PROBES] == sorted(probe.tier for probe in PROBES)
    assert sum(probe.tier == 0 for probe in PROBES) <= 8


AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


def test_a_difference_knows_what_was_reset_and_what_is_not_told() -> None:
    first = {"database": "shop", "at": AT, "commit_count": 10, "rollback_count": 9, "session_count": None}
    second = {**first, "at": AT + timedelta(seconds=1), "commit_count": 25, "rollback_count": 2}
    row = _difference(first, second)
    assert row["commit_count"] == 15
    assert row["rollback_count"] == 0
    assert row["session_count"] is None
    assert row["interval_seconds"] == 1


def test_only_statements_that_ran_in_between_count() -> None:
    totals = {"row_count": 0, "block_read_count": 0, "temporary_block_count": 0}
    before = {"1/1/1": {"key": "1/1/1", "at": AT, "call_count": 5, "total_seconds": 1.0, **totals}}
    later = AT + timedelta(seconds=1)
    after = [
        {"key": "1/1/1", "at": later, "call_count": 5, "total_seconds": 1.0, **totals},
        {"key": "1/1/2", "at": later, "call_count": 2, "total_seconds": 0.5, **totals},
    ]
    (row,) = _worked(before, after)
    assert (row["key"], row["call_count"], row["interval_seconds"]) == ("1/1/2", 2, 1)
