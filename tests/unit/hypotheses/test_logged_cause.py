"""A cause that a service logs for most of its failed requests comes before the failed requests."""

from datetime import timedelta

import pytest

from incident_lib.hypotheses import rank
from incident_lib.model import Finding, FindingSeverity, Hypothesis
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue
from tests.unit.technologies.logs.logs_of import NOW, PATTERNS, concluded

GRAPH = Topology(
    kinds={"shop": "process", "ledger": "postgres", "keys": "redis", "bank": "outside"},
    depends_on={"shop": ("ledger", "keys", "bank")},
    addresses={"bank": ("bank:443",), "ledger": ("ledger:5432",), "keys": ("keys:6379",)},
)
ERRORS = {
    "logged-error": "psycopg.errors.InsufficientPrivilege: permission denied for table invoices",
    "redis-credentials": "redis.exceptions.NoPermissionError: this user has no permissions to access one of "
    "the keys used as arguments",
}


def _found(finding_id: str, target: str, severity: FindingSeverity, **data: str | int) -> Finding:
    since = NOW - timedelta(minutes=2)
    return Finding(id=finding_id, severity=severity, target=target, title="t", since=since, data=data)


def _ranked(logged: int, failed: int | None = 400) -> tuple[Hypothesis, ...]:
    data = {} if failed is None else {"failed_count": failed}
    requests = _found("logs.lines.errors", "shop", FindingSeverity.CRITICAL, endpoint="GET /", **data)
    line = _found(
        "logs.lines.class.tls_verify", "shop", FindingSeverity.WARNING, peers="bank:443", address="bank:443",
        count=logged,
    )  # fmt: skip
    well = _found("network.tls.ok", "bank", FindingSeverity.OK)
    return rank((requests, line, well), GRAPH, PATTERNS, catalogue())


def test_an_application_that_lacks_an_authority_comes_before_its_failed_requests() -> None:
    first, second = _ranked(390)
    assert (first.id, second.id, second.symptom_of) == ("tls-chain", "endpoint-error", "bank:tls-chain")
    assert "but it verifies from here" in first.title


@pytest.mark.parametrize(("logged", "failed"), [(20, 400), (390, None)])
def test_lines_that_do_not_account_for_the_failed_requests_explain_none(
    logged: int, failed: int | None
) -> None:
    assert _ranked(logged, failed)[0].id == "endpoint-error"


@pytest.mark.parametrize(("cause", "error"), ERRORS.items())
@pytest.mark.parametrize("topology", [GRAPH, None], ids=["configured", "alone"])
def test_a_missing_right_comes_before_the_requests_that_fail_for_it(
    cause: str, error: str, topology: Topology | None
) -> None:
    lines = []
    for second in range(240):
        at = NOW - timedelta(seconds=300 - second)
        fails = second > 120
        if fails:
            lines.append(f"{at:%Y-%m-%d %H:%M:%S,000} ERROR [shop.store] {error}")
        status = 500 if fails else 200
        lines.append(f'203.0.113.9 - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /orders HTTP/1.1" {status} 812')
    first = concluded(*lines, topology=topology).hypotheses[0]
    assert first.id == cause
    assert "rivilege" in first.title or "denies" in first.title
