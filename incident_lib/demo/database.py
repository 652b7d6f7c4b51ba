"""The shop's database, wherever it runs: whether it takes connections, and what it is filled with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from incident_lib.errors import WorkbenchError


def accepts(dsn: str) -> bool:
    """Return whether a connection is made at all."""
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def first_row(dsn: str, statement: str) -> tuple[Any, ...]:
    """Return the first row of a statement's answer. Errors: WorkbenchError where there is none."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=2) as connection:
        row = connection.execute(statement.encode()).fetchone()
    if row is None:
        raise WorkbenchError(f"the database answers nothing to {statement}")
    return row


def fill(dsn: str, passwords: Mapping[str, str]) -> None:
    """Create tables, rows and roles, as the administrator, and give each role its password."""
    schema = Path(__file__).with_name("schema.sql").read_bytes()
    with psycopg.connect(dsn, autocommit=True) as connection:
        # One statement at a time, as VACUUM cannot run in the transaction of several.
        for statement in schema.split(b";\n"):
            connection.execute(statement)
        for role, password in passwords.items():
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(change.format(sql.Identifier(role), sql.Literal(password)))
