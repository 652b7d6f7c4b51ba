"""Whose limit it is that statements ran into."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from incident_lib.correlation.limits import judge_limits
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.rows import Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.postgres.rows import PostgresConnection, PostgresOwnSetting, PostgresSetting
from tests.unit.correlation.situations import judge_with

AT = datetime(2026, 1, 15, 14, tzinfo=UTC)
SHOP = Topology(
    kinds={"db": "postgres", "other": "postgres", "orders": "http", "both": "http"},
    depends_on={"orders": ("db",), "both": ("db", "other")},
)
READ = PostgresSetting(
    name="port", value="5432", unit=None, source="default", is_default=True, pending_restart=False
)
CONNECTION = PostgresConnection(
    version="16.1", version_number=160001, database="shop", in_recovery=False, role="w",
    role_is_superuser=False, role_sees_everything=True, role_owns_tables=False,
    role_other_session_count=0, server_time_at=AT, clock_difference_seconds=0.0, latency_seconds=0.001,
)  # fmt: skip


def _evidence(probe: str, *rows: Row, target: str = "db") -> Evidence:
    return Evidence(
        probe=probe, target=target, status=EvidenceStatus.COLLECTED, rows=rows, source="s", collected_at=AT,
        duration_seconds=0.0,
    )  # fmt: skip


def _own(name: str, value: str, *, role: str | None = None, database: str | None = None) -> Row:
    return PostgresOwnSetting(role=role, database=database, name=name, value=value)


def _logged(error_class: str, target: str = "db", **data: Any) -> Finding:
    return Finding(
        id=f"logs.lines.class.{error_class}", target=target, severity=FindingSeverity.WARNING, title="t",
        detail="d", data={"error_class": error_class, "advice": "Look.", **data},
    )  # fmt: skip


def _advice(finding: Finding, *settings: Row, database: str = "shop") -> str:
    connection = msgspec.structs.replace(CONNECTION, database=database)
    evidence = (_evidence("postgres.connection", connection), _evidence("postgres.settings", READ, *settings))
    (found,) = judge_with(judge_limits, (finding,), topology=SHOP, evidence=evidence)
    return str(found.data["advice"])


@pytest.mark.parametrize(
    ("error_class", "name"),
    [
        ("db_statement_timeout", "statement_timeout"),
        ("db_lock_timeout", "lock_timeout"),
        ("db_idle_timeout", "idle_in_transaction_session_timeout"),
        ("db_temp_limit", "temp_file_limit"),
    ],
)
@pytest.mark.parametrize(
    ("owner", "whose", "undo"),
    [
        ({"role": "app"}, "the role app", "ALTER ROLE app RESET"),
        ({"database": "shop"}, "the database shop", "ALTER DATABASE shop RESET"),
        ({"role": "app", "database": "shop"}, "the role app in the database shop",
         "ALTER ROLE app IN DATABASE shop RESET"),
        ({}, "all roles", "ALTER ROLE ALL RESET"),
    ],
)  # fmt: skip
def test_a_limit_is_named_with_who_has_it_and_how_to_undo_it(
    error_class: str, name: str, owner: dict[str, str], whose: str, undo: str
) -> None:
    advice = _advice(_logged(error_class), _own(name, "50ms", **owner))
    assert advice.startswith("Look. ")
    assert f"{name} = 50ms of {whose};" in advice
    assert f"{undo} {name}" in advice


def test_what_makes_a_database_read_only_is_looked_into_before_it_is_undone() -> None:
    advice = _advice(_logged("db_read_only"), _own("default_transaction_read_only", "on", database="shop"))
    assert advice == (
        "Find out who set default_transaction_read_only = on of the database shop, and why; then SET "
        "default_transaction_read_only = off; ALTER DATABASE shop RESET default_transaction_read_only, and "
        "make the application reconnect: open sessions keep the setting."
    )


def test_a_role_that_may_be_another_one_is_a_condition() -> None:
    """A reporting role is read-only on purpose."""
    advice = _advice(_logged("db_read_only"), _own("default_transaction_read_only", "on", role="reporting"))
    assert "if the failing statements are of that role, ALTER ROLE reporting RESET" in advice


@pytest.mark.parametrize(
    "setting",
    [
        _own("default_transaction_read_only", "off", database="shop"),
        _own("default_transaction_read_only", "on", database="billing"),
        _own("statement_timeout", "50ms", database="shop"),
    ],
)
def test_what_no_role_and_no_database_has_is_of_the_server_or_the_application(setting: Row) -> None:
    advice = _advice(_logged("db_read_only"), setting)
    assert "Neither a role nor the database shop has its own default_transaction_read_only" in advice
    assert "ALTER DATABASE" not in advice


def test_who_looks_at_the_whole_server_is_given_the_limits_of_all_databases() -> None:
    setting = _own("statement_timeout", "50ms", database="billing")
    assert "the database billing" in _advice(_logged("db_statement_timeout"), setting, database="postgres")


def test_an_application_is_told_of_the_limits_of_its_database() -> None:
    setting = _own("statement_timeout", "50ms", role="app")
    assert "of the role app" in _advice(_logged("db_statement_timeout", "orders"), setting)


@pytest.mark.parametrize(
    "finding",
    [
        _logged("db_statement_timeout", reason="pooler"),
        _logged("db_statement_timeout", reason="client"),
        _logged("db_deadlock"),
        _logged("db_statement_timeout", "elsewhere"),
    ],
)
def test_a_limit_of_another_program_is_none_of_the_database(finding: Finding) -> None:
    assert _advice(finding, _own("statement_timeout", "50ms", role="app")) == "Look."


def test_of_several_databases_it_is_not_known_which() -> None:
    evidence = tuple(_evidence("postgres.settings", READ, target=target) for target in ("db", "other"))
    before = _logged("db_statement_timeout", "both")
    assert judge_with(judge_limits, (before,), topology=SHOP, evidence=evidence) == [before]


def test_where_the_settings_were_not_read_nothing_is_concluded() -> None:
    before = _logged("db_statement_timeout")
    assert judge_with(judge_limits, (before,), topology=SHOP) == [before]
