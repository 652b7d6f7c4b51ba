"""Lines in which a server tells of its own life -> events."""

from incident_lib.technologies.logs.probes.schema_changes import is_schema_change

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
_SIGNS = tuple((words, name) for name, all_words in EVENTS for words in all_words)


def event_of(message: str) -> str:
    """Return the event that `message` tells of, "" if none.

    >>> event_of("Booting worker with pid: 12"), event_of("order 12 paid")
    ('worker_start', '')
    """
    found = next((name for words, name in _SIGNS if words in message), "")
    return found or ("schema_change" if is_schema_change(message) else "")
