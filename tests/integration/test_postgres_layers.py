"""Limits of connections come in layers, on real servers: the full one is named, the others are not."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from incident_lib.model import FindingSeverity
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_case import Look, look, settings_with_log
from tests.integration.postgres_clients import Clients
from tests.integration.postgres_service import PASSWORD, Server

pytestmark = pytest.mark.postgres
clients = postgres_clients.clients
server = postgres_service.any_server
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO


@pytest.fixture(autouse=True)
def _unlimited(server: Server) -> Iterator[None]:
    (server.data / "log").write_text("")
    yield
    with server.connect(database="postgres") as admin:
        admin.execute("ALTER ROLE app CONNECTION LIMIT -1; ALTER ROLE workbench CONNECTION LIMIT -1")
        admin.execute("ALTER DATABASE shop CONNECTION LIMIT -1")


def change(server: Server, statement: str) -> None:
    with server.connect(database="postgres") as admin:
        admin.execute(statement.encode())


def refused(server: Server, times: int = 4) -> None:
    """Let the application be refused."""
    for _ in range(times):
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(server.dsn("app", "shop", PASSWORD)).close()
            raise AssertionError("it was let in")


def seen(server: Server, role: str = "workbench") -> Look:
    return look(settings_with_log(server, role=role), "saturation", "activity", "databases")


def test_a_role_at_its_own_limit(clients: Clients, server: Server) -> None:
    change(server, "ALTER ROLE app CONNECTION LIMIT 3")
    held = [psycopg.connect(server.dsn("app")) for _ in range(3)]
    refused(server)
    found = seen(server)
    for each in held:
        each.close()
    limit = found.finding("postgres.saturation.role_limit")
    assert (limit.severity, limit.data["role"], limit.data["connections"]) == (WARNING, "app", 3)
    assert found.finding("postgres.saturation.ok").data["limit"] == 37
    assert found.first.id == "db-own-limit"
    assert "the role app has all of its own connections" in found.first.title
    assert found.hypothesis("db-connections-exhausted") is None


def test_a_database_at_its_own_limit(clients: Clients, server: Server) -> None:
    held = [psycopg.connect(server.dsn("app")) for _ in range(3)]
    change(server, "ALTER DATABASE shop CONNECTION LIMIT 3")
    refused(server)
    found = seen(server)
    for each in held:
        each.close()
    assert found.finding("postgres.connection.database_limit").severity is CRITICAL
    assert found.finding("postgres.databases.limit").data["limit"] == 3
    assert found.first.id == "db-own-limit"
    assert "the database shop" in found.first.title


def test_our_own_role_at_its_limit_says_nothing_of_others(clients: Clients, server: Server) -> None:
    change(server, "ALTER ROLE workbench CONNECTION LIMIT 1")
    with psycopg.connect(server.dsn("workbench")):
        found = seen(server)
    own = found.finding("postgres.connection.role_limit")
    assert own.severity is WARNING
    assert "the role workbench" in found.first.title


def test_a_limit_that_is_near_is_no_trouble(clients: Clients, server: Server) -> None:
    change(server, "ALTER ROLE app CONNECTION LIMIT 5")
    held = [psycopg.connect(server.dsn("app")) for _ in range(4)]
    found = seen(server)
    for each in held:
        each.close()
    assert found.finding("postgres.saturation.role_limit").severity is INFO
    assert found.analysis.hypotheses == ()


def test_max_connections_is_named_where_that_is_full(clients: Clients, server: Server) -> None:
    change(server, "ALTER ROLE app CONNECTION LIMIT 39")
    held = []
    with contextlib.suppress(psycopg.OperationalError):
        while len(held) < 40:
            held.append(psycopg.connect(server.dsn("app")))
    found = seen(server, role="postgres")
    for each in held:
        each.close()
    assert found.finding("postgres.saturation.high").severity is CRITICAL
    assert found.first.id == "db-connections-exhausted"
    assert found.hypothesis("db-own-limit") is None


def test_a_database_that_was_dropped_in_part(clients: Clients, server: Server) -> None:
    if server.installation.major < 16:
        pytest.skip("this version does not mark such databases")
    change(server, "CREATE DATABASE half")
    change(server, "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half'")
    found = seen(server)
    change(server, "DROP DATABASE half")
    assert "DROP DATABASE was interrupted" in found.finding("postgres.databases.invalid").title
