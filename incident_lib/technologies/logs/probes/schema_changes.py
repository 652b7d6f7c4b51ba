"""Lines that tell of a changed schema: PostgreSQL's with log_statement = ddl, and migration tools' own."""

import re

_STATEMENT = re.compile(
    r"(?:^|\s)(?:statement|execute [^:]{1,80}): (?:\s|/\*.{0,500}?\*/|--[^\n]{0,500}\n)*"
    r"(?:alter|drop|create(?:\s+or\s+replace)?)\s+(?:unique\s+|unlogged\s+|materialized\s+|foreign\s+)?"
    r"(?:table|index|view|schema|type|trigger|function|procedure|sequence|domain|policy|extension)\s",
    re.IGNORECASE | re.DOTALL,
)
_MIGRATIONS = (  # words that must stand there, and how the whole reads
    ("Running upgrade ", re.compile(r"Running upgrade +(?:[\w.]+ +)?-> [\w.]+")),  # Alembic
    ("Running downgrade ", re.compile(r"Running downgrade [\w.]+ -> ")),
    ("Applying ", re.compile(r"Applying \w+\.\d{4}_\w+")),  # Django
    ("Migrating schema ", re.compile(r"Migrating schema \S+ to version ")),  # Flyway
    (
        "ran successfully",
        re.compile(r"(?:ChangeSet|changeset) \S+ ran successfully", re.IGNORECASE),
    ),  # Liquibase
    (": migrating =", re.compile(r"== +\d+ \w+: migrating =")),  # Rails
    ("Applying migration `", re.compile(r"Applying migration `\d{8,}")),  # Prisma
)


def is_schema_change(message: str) -> bool:
    """Return whether a line tells of a change of the schema; what a statement quotes elsewhere is none.

    >>> is_schema_change("statement: ALTER TABLE orders ADD COLUMN note text")
    True
    >>> is_schema_change("statement: SELECT 'alter table orders'"), is_schema_change("Applying discount")
    (False, False)
    """
    if ("statement: " in message or "execute " in message) and _STATEMENT.search(message[:4_000]):
        return True
    return any(words in message and pattern.search(message) for words, pattern in _MIGRATIONS)
