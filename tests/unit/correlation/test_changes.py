"""What changed between two snapshots: certificates and schema, and where that stands on the timeline."""

from datetime import UTC, datetime, timedelta

from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.investigation.observed import observations
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Finding, Row, Window
from incident_lib.technologies import comparers
from incident_lib.technologies.network.findings import ANALYZERS
from incident_lib.technologies.network.rows import Certificate, TlsAnswer, Trust
from incident_lib.technologies.postgres.rows import PostgresRelation, PostgresSchema

NOW = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONTEXT = Context(window=Window(NOW - 15 * MINUTE, NOW + MINUTE))


def seen(probe: str, at: datetime, *rows: Row) -> Evidence:
    return Evidence(
        probe=probe,
        target="pay",
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=0.1,
        source="unchanged",
        rows=rows,
    )


def tls(at: datetime, sha256: str, not_before: datetime) -> Evidence:
    certificate = Certificate(
        subject="CN=pay.example.com",
        issuer="CN=authority",
        names=("pay.example.com",),
        not_before_at=not_before,
        not_after_at=not_before + timedelta(days=90),
        sha256=sha256,
    )
    row = TlsAnswer(
        name="pay.example.com",
        address="192.0.2.7:443",
        verified=True,
        protocol="TLSv1.3",
        trust=Trust.TRUSTED,
        name_matches=True,
        certificates=(certificate,),
    )
    return seen("network.tls", at, row)


def since(before: Evidence, now: Evidence, *, same_incident: bool = True) -> list[Finding]:
    return list(changes_since([before], [now], CONTEXT, comparers(), same_incident=same_incident))


def test_a_certificate_issued_in_the_window() -> None:
    found = list(ANALYZERS["network.tls"](tls(NOW, "b", NOW - 5 * MINUTE), CONTEXT))
    assert [(each.id, each.severity, each.since) for each in found] == [
        ("network.tls.renewed", "INFO", NOW - 5 * MINUTE),
        ("network.tls.ok", "OK", None),
    ]


def test_another_certificate_than_before() -> None:
    old = tls(NOW - 10 * MINUTE, "a", NOW - timedelta(days=80))
    new = tls(NOW, "b", NOW - timedelta(hours=1))  # dated back
    (found,) = since(old, new)
    assert (found.id, found.since) == ("network.tls.renewed", NOW - 10 * MINUTE)
    assert "between 2026-01-15 14:21:00" in found.title
    (found,) = since(old, new, same_incident=False)
    assert found.since is None
    assert since(old, tls(NOW, "a", NOW - timedelta(days=80))) == []


def test_what_was_reported_with_its_own_time_is_reported_once() -> None:
    old = tls(NOW - 10 * MINUTE, "a", NOW - timedelta(days=80))
    assert since(old, tls(NOW, "b", NOW - 5 * MINUTE)) == []


def test_it_is_on_the_timeline() -> None:
    (found,) = since(
        tls(NOW - 10 * MINUTE, "a", NOW - timedelta(days=80)), tls(NOW, "b", NOW - timedelta(hours=1))
    )
    (draft,) = observations(Analysis(snapshot="s", findings=(found,)))
    assert draft.occurred_at == NOW - 10 * MINUTE


def schema(
    at: datetime, next_transaction: int, *rows: Row, tables: int = 3, database: str = "shop"
) -> Evidence:
    row = PostgresSchema(
        database=database,
        next_transaction=next_transaction,
        tells_times=False,
        table_count=tables,
        index_count=2,
        view_count=0,
        column_count=20,
    )
    return seen("postgres.schema", at, row, *rows)


def relation(name: str, entry: int, columns: int | None, oid: int = 16_400) -> PostgresRelation:
    return PostgresRelation(
        oid=oid,
        schema="public",
        name=name,
        kind="table",
        entry_transaction=entry,
        columns_transaction=columns,
        committed_at=None,
    )


BEFORE = schema(NOW - 10 * MINUTE, 1_000, relation("orders", 700, 700))


def test_new_altered_and_gone() -> None:
    (found,) = since(BEFORE, schema(NOW, 1_010, relation("notes", 1_003, 1_003, oid=16_500), tables=4))
    assert "new table public.notes" in found.title
    (found,) = since(BEFORE, schema(NOW, 1_010, relation("orders", 700, 1_003)))
    assert "altered table public.orders" in found.title
    (found,) = since(BEFORE, schema(NOW, 1_010, relation("orders", 700, 700), tables=2))
    assert "fewer: 1 tables" in found.title


def test_rewriting_is_no_change_of_the_schema() -> None:
    assert since(BEFORE, schema(NOW, 1_010, relation("orders", 1_003, 700))) == []


def test_another_database_or_server_is_nothing_to_compare_with() -> None:
    changed = relation("orders", 700, 1_003)
    assert since(BEFORE, schema(NOW, 1_010, changed, database="other")) == []
    assert since(BEFORE, schema(NOW, 900, changed)) == []
