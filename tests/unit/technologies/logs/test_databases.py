"""In which database an error of PostgreSQL was raised, as its log names it."""

import json

import pytest

from incident_lib.technologies.logs.probes.line import open_plain
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.rows import LogErrorClass
from tests.unit.technologies.logs.logs_of import concluded
from tests.unit.technologies.logs.test_shapes import by_scan, by_shapes, differences

ERROR = 'ERROR:  relation "vat" does not exist at character 15'
AT = "2026-01-15 14:31:05.120 UTC"
IN_JSON = {
    "timestamp": AT, "user": "app", "dbname": "shop_test", "pid": 71, "error_severity": "ERROR",
    "state_code": "42P01", "message": 'relation "vat" does not exist',
}  # fmt: skip
IN_CSV = (
    f'{AT},"app","shop_test",71,"127.0.0.1:4242",65a5.47,3,"SELECT",2026-01-15 14:31:00 UTC,4/12,0,ERROR,'
    '42P01,"relation ""vat"" does not exist",,,,,,"SELECT * FROM vat",15,,"psql","client backend",,0'
)


def _databases(*lines: str) -> dict[str, int]:
    scan = Scan(0.0, float("inf"))
    for line in lines:
        scan.feed(line)
    (row,) = [row for row in rows(scan.finish()) if isinstance(row, LogErrorClass)]
    return row.databases


@pytest.mark.parametrize(
    "line",
    [
        f"{AT} [71] app@shop_test {ERROR}",
        f"{AT} [71]: user=app,db=shop_test,app=psql,client=::1 {ERROR}",
        f'{AT} [71] database="shop_test" {ERROR}',
        f"{AT}:10.0.0.9(4242):app@shop_test:[71]:{ERROR}",
        IN_CSV,
        json.dumps(IN_JSON),
    ],
)
def test_each_form_of_the_log_names_the_database(line: str) -> None:
    assert _databases(line) == {"shop_test": 1}


@pytest.mark.parametrize(
    "prefix", ["[71]", "[71] [unknown]@[unknown]", "[71] app=ops@example.com/x", "app 71 10.0.0.9"]
)
def test_other_prefixes_name_none(prefix: str) -> None:
    assert _databases(f"{AT} {prefix} {ERROR}") == {}


def test_databases_that_differ_in_digits_are_kept_apart() -> None:
    lines = [
        f"2026-01-15 14:{number // 60:02}:{number % 60:02}.120 UTC [{number}] app@test_gw{number % 3} {ERROR}"
        for number in range(600)
    ]
    assert _databases(*lines) == {"test_gw0": 200, "test_gw1": 200, "test_gw2": 200}
    raws = [line.encode() for line in lines]
    counted, shapes = by_shapes(raws, open_plain, 100_000)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert shapes.slow_lines < len(raws) / 2


def test_a_server_is_one_however_many_lines_its_errors_have() -> None:
    """What a client sends in vain is its own trouble; DETAIL and STATEMENT make two lines more of it."""
    duplicate = 'duplicate key value violates unique constraint "orders_pkey"'
    texts = (
        f"ERROR:  {duplicate}",
        "DETAIL:  Key (id)=(1) already exists.",
        "STATEMENT:  INSERT INTO orders",
    )
    lines = [
        f"2026-01-15 14:40:{number:02}.120 UTC [71] app@shop {text}" for number in range(40) for text in texts
    ]
    found = {finding.id: finding.severity.name for finding in concluded(*lines).findings}
    assert found["logs.lines.class.db_constraint"] == "INFO"
    assert found["logs.lines.error_lines"] == "INFO"
