"""Lines in which a server reports its starts, stops, crashes and changes of schema -> events."""

import re

EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "startup_failed",
        (
            "Application startup failed. Exiting.",
            "Worker failed to boot.",
            "error while attempting to bind on address",
            "Error loading ASGI app",
            "could not bind IPv4 address",
            "could not create any TCP/IP sockets",
            "Could not create server TCP listening socket",
            "Failed listening on port",
            "emerg] bind() to ",
        ),
    ),
    (
        "worker_killed",
        ("was sent SIGKILL! Perhaps out of memory?", "was terminated due to signal 9"),
    ),
    (
        "worker_died",
        (
            "Child process [",
            "exited on signal",
            "was terminated due to signal",
            "Worker exited prematurely: ",
        ),
    ),
    ("worker_timeout", ("WORKER TIMEOUT (pid:",)),
    # "all server processes terminated; reinitializing" comes a moment before it and is the same crash.
    ("crash_recovery", ("database system was not properly shut down; automatic recovery in progress",)),
    (
        "start",
        (
            "Started server process [",
            "starting PostgreSQL ",
            "Redis is starting",
            "Valkey is starting",
            "Starting gunicorn",
        ),
    ),
    (
        "ready",
        (
            "Application startup complete.",
            "database system is ready to accept",
            "Ready to accept connections",
            "The server is now ready to accept connections",
        ),
    ),
    (
        "stop",
        (
            "Finished server process [",
            "Shutting down: Master",
            "database system is shut down",
            "is now ready to exit, bye bye",
        ),
    ),
    ("worker_start", ("Booting worker with pid: ", "Started child process [", "Started parent process [")),
    ("failover", ("MASTER MODE enabled", "received promote request", "selected new timeline ID")),
    ("replica_start", ("REPLICAOF ", "MASTER <-> REPLICA sync started", "entering standby mode")),
    ("reload", ("received SIGHUP, reloading configuration files", "Handling signal: hup")),
)
_BY_WORDS = tuple((words, name) for name, all_words in EVENTS for words in all_words)


def event_of(message: str) -> str:
    """Return the event that `message` reports, "" if none.

    >>> event_of("Booting worker with pid: 12"), event_of("order 12 paid")
    ('worker_start', '')
    """
    found = next((name for words, name in _BY_WORDS if words in message), "")
    return found or ("schema_change" if is_schema_change(message) else "")


# Changes of a schema: PostgreSQL's lines with log_statement = ddl, and those of migration tools.

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
    """Return whether a line reports a change of the schema; what a statement quotes is none.

    >>> is_schema_change("statement: ALTER TABLE orders ADD COLUMN note text")
    True
    >>> is_schema_change("statement: SELECT 'alter table orders'"), is_schema_change("Applying discount")
    (False, False)
    """
    if ("statement: " in message or "execute " in message) and _STATEMENT.search(message[:4_000]):
        return True
    return any(words in message and pattern.search(message) for words, pattern in _MIGRATIONS)
