"""Errors that sessions in other databases of a server leave in its log."""

from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.correlation.other_databases import judge_other_databases
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.rows import Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.logs.rows import LogErrorClass
from incident_lib.technologies.postgres.rows import PostgresConnection
from tests.unit.correlation.situations import judge_with

AT = datetime(2026, 1, 15, 14, tzinfo=UTC)
SHOP = Topology(kinds={"db": "postgres", "orders": "http"}, depends_on={"orders": ("db",)})


def _evidence(probe: str, row: Row) -> Evidence:
    return Evidence(
        probe=probe, target="db", status=EvidenceStatus.COLLECTED, rows=(row,), source="s", collected_at=AT,
        duration_seconds=0.0,
    )  # fmt: skip


def _situation(
    databases: dict[str, int], *, error_class: str = "db_schema", configured: str = "shop", unnamed: int = 0
) -> tuple[Evidence, ...]:
    connection = PostgresConnection(
        version="16.1", version_number=160001, database=configured, in_recovery=False, role="w",
        role_is_superuser=False, role_sees_everything=True, role_owns_tables=False,
        role_other_session_count=0, server_time_at=AT, clock_difference_seconds=0.0, latency_seconds=0.001,
    )  # fmt: skip
    errors = LogErrorClass(
        error_class=error_class, count=sum(databases.values()) + unnamed, first_at=AT, last_at=AT,
        example="e", databases=databases,
    )  # fmt: skip
    return (_evidence("logs.lines", errors), _evidence("postgres.connection", connection))


def _logged(error_class: str = "db_schema", target: str = "db") -> Finding:
    return Finding(
        id=f"logs.lines.class.{error_class}", target=target, severity=FindingSeverity.WARNING,
        title="the code uses a table that does not exist", detail="d",
        data={"error_class": error_class, "least_count": 10},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "severity", "place"),
    [
        (_situation({"shop_test": 40}), "INFO", "shop_test"),
        (_situation({"shop_test": 40, "shop": 3}), "INFO", "shop"),
        (_situation({"shop_test": 40, "shop": 12}), "WARNING", "shop"),
        (_situation({"shop_test": 40}, unnamed=12), "WARNING", "shop"),
        (_situation({"shop": 40}), "WARNING", None),
        (_situation({}), "WARNING", None),
        (_situation({"shop": 40}, configured="postgres"), "WARNING", None),
        (_situation({"shop": 40}, configured="template1"), "WARNING", None),
    ],
)
def test_errors_count_for_the_database_of_their_session(
    evidence: tuple[Evidence, ...], severity: str, place: str | None
) -> None:
    (found,) = judge_with(judge_other_databases, (_logged(),), topology=SHOP, evidence=evidence)
    assert (found.severity.name, found.data.get("database")) == (severity, place)


def test_what_is_of_another_database_alone_names_it() -> None:
    evidence = _situation({"a": 4, "b": 3, "c": 2, "d": 1, "e": 1})
    (found,) = judge_with(judge_other_databases, (_logged(),), topology=SHOP, evidence=evidence)
    assert found.title.startswith("In the databases a, b, c and 2 more: ")
    assert "none of it is of shop" in found.detail


def test_what_concerns_the_whole_server_keeps_its_weight() -> None:
    evidence = _situation({"shop_test": 40}, error_class="db_out_of_memory")
    before = _logged("db_out_of_memory")
    assert judge_with(judge_other_databases, (before,), topology=SHOP, evidence=evidence) == [before]


def test_what_a_service_logs_too_keeps_its_weight() -> None:
    """Its address may name another database than the one that the workbench is given."""
    findings = (_logged(), _logged(target="orders"))
    evidence = _situation({"shop_live": 40})
    assert judge_with(judge_other_databases, findings, topology=SHOP, evidence=evidence) == list(findings)


def test_without_a_session_nothing_is_known_of_databases() -> None:
    before = (_logged(),)
    logged, _ = _situation({"shop_test": 40})
    assert judge_with(judge_other_databases, before, topology=SHOP, evidence=(logged,)) == list(before)


def test_the_configured_database_counts_where_another_one_let_us_in() -> None:
    logged, connected = _situation({"shop": 40}, configured="postgres")
    row = msgspec.structs.replace(connected.rows[0], refused_database="shop_live")
    evidence = (logged, msgspec.structs.replace(connected, rows=(row,)))
    (found,) = judge_with(judge_other_databases, (_logged(),), topology=SHOP, evidence=evidence)
    assert found.severity is FindingSeverity.INFO
