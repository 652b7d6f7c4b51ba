"""Numbers that ran out, on a real server: sequences, the columns they fill, and those that refer to them."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from incident_lib.model import FindingSeverity
from tests import services
from tests.integration import postgres_service
from tests.integration.postgres_case import Look, look, settings_with_log
from tests.integration.postgres_service import Server

pytestmark = pytest.mark.postgres
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO
END = 2**31 - 1


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server whose log begins each line as Debian's does."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    with postgres_service.running(postgres_service.INSTALLATIONS[-1], log_line_prefix="%m [%p] ") as started:
        yield started


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection]:
    """Yield an administrator in an empty database and with an empty log."""
    (server.data / "log").write_text("")
    with server.connect() as connection:
        connection.execute(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO workbench"
        )
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO workbench")
        yield connection


def fail(admin: psycopg.Connection, statement: str, times: int = 12) -> None:
    """Send a statement that the server refuses, so that its log says so."""
    for _ in range(times):
        with contextlib.suppress(psycopg.Error):
            admin.execute(statement.encode())


def seen(server: Server) -> Look:
    return look(settings_with_log(server), "sequences")


def test_a_sequence_past_its_column_has_no_number_left(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE SEQUENCE loose")
    admin.execute("CREATE TABLE trips (id int DEFAULT nextval('loose'), n int)")
    admin.execute(f"SELECT setval('loose', {END - 2})")
    fail(admin, "INSERT INTO trips (n) VALUES (1)")
    found = seen(server)
    high = found.finding("postgres.sequences.high")
    assert (high.severity, high.data["left"]) == (CRITICAL, 0)
    assert "no numbers are left" in high.title
    assert found.first.id == "sequence-exhausted"
    assert "logs.lines.class.db_out_of_range" in found.first.support
    assert "trips.id" in found.first.first_action


@pytest.mark.parametrize(
    ("column", "last", "expected"),
    [
        ("bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 1000)", 1000, (CRITICAL, "NO MAXVALUE")),
        ("smallint GENERATED ALWAYS AS IDENTITY", 31_500, (CRITICAL, "to bigint")),
        ("bigint GENERATED ALWAYS AS IDENTITY (INCREMENT -5 MINVALUE -100)", -91, (WARNING, "NO MINVALUE")),
    ],
)
def test_what_helps_depends_on_whose_limit_it_is(
    admin: psycopg.Connection, server: Server, column: str, last: int, expected: tuple[FindingSeverity, str]
) -> None:
    admin.execute(f"CREATE TABLE parcels (id {column})".encode())
    admin.execute(f"SELECT setval('parcels_id_seq', {last})".encode())
    found = seen(server)
    high = found.finding("postgres.sequences.high")
    severity, remedy = expected
    assert high.severity is severity
    assert remedy in str(high.data["remedy"])
    assert found.first.first_action == high.data["remedy"]


def test_a_remedy_is_one_that_the_server_takes(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE TABLE parcels (id serial PRIMARY KEY, n int)")
    admin.execute(f"SELECT setval('parcels_id_seq', {END})")
    remedy = str(seen(server).finding("postgres.sequences.high").data["remedy"])
    admin.execute(remedy[remedy.index("ALTER SEQUENCE") :].rstrip(".").encode())
    admin.execute("INSERT INTO parcels (n) VALUES (1)")
    admin.execute("CREATE SEQUENCE own AS int MAXVALUE 7; SELECT setval('own', 7)")
    remedy = str(seen(server).finding("postgres.sequences.high").data["remedy"])
    admin.execute(remedy[remedy.index("ALTER SEQUENCE") :].partition(": ")[0].rstrip(".").encode())
    assert admin.execute("SELECT nextval('own')").fetchone() == (8,)


def test_a_foreign_key_without_room_for_its_key(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE TABLE orders (id bigserial PRIMARY KEY)")
    admin.execute("CREATE TABLE lines (order_id int REFERENCES orders, n smallint)")
    assert "postgres.sequences.reference" not in seen(server).ids()
    admin.execute(f"SELECT setval('orders_id_seq', {END - 9})")
    near = seen(server).finding("postgres.sequences.reference")
    assert (near.severity, near.data["column"]) == (CRITICAL, "lines.order_id")
    assert "near the end" in near.title
    admin.execute(f"SELECT setval('orders_id_seq', {END + 9})")
    fail(admin, f"INSERT INTO lines VALUES ({END + 9})")
    found = seen(server)
    assert "past the end" in found.finding("postgres.sequences.reference").title
    assert found.first.id == "sequence-exhausted"
    assert "lines.order_id" in found.first.title
    assert "lines.order_id" in found.first.first_action


def test_a_column_that_only_its_name_connects_with_a_key(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE TABLE users (id serial PRIMARY KEY)")
    admin.execute(
        "CREATE TABLE readings (id bigserial PRIMARY KEY, previous_id int, paid int, "
        "user_id int REFERENCES users)"
    )
    admin.execute(f"SELECT setval('readings_id_seq', {END + 9})")
    maybe = seen(server).finding("postgres.sequences.maybe_reference")
    assert (maybe.severity, maybe.data["column"]) == (INFO, "readings.previous_id")
    assert "user_id" not in maybe.detail
    assert "paid" not in maybe.detail
    assert seen(server).analysis.hypotheses == ()
    fail(admin, f"INSERT INTO readings (previous_id) VALUES ({END + 9})")
    found = seen(server)
    assert found.first.id == "sequence-exhausted"
    assert "postgres.sequences.maybe_reference" in found.first.support
