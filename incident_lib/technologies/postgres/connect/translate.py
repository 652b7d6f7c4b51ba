"""PostgreSQL's errors -> TargetError: by SQLSTATE where there is one, else by what the message says."""

import re

from incident_lib.errors import ProblemKind, TargetError

_CANCELLED = "57014"  # by statement_timeout, or by somebody: the server answers, and says so
_BY_STATE = {
    "53300": ProblemKind.FULL,
    "28P01": ProblemKind.DENIED,
    "28000": ProblemKind.DENIED,
    "3D000": ProblemKind.NOT_FOUND,
    "57P03": ProblemKind.STARTING,
    "57P01": ProblemKind.RESET,  # ended by an administrator, or by a shutdown
    "57P02": ProblemKind.RESET,  # another process crashed
    "57P05": ProblemKind.RESET,  # idle for too long
    _CANCELLED: ProblemKind.TIMED_OUT,
    "55P03": ProblemKind.BUSY,  # lock_timeout
    "42501": ProblemKind.PRIVILEGE,
    "42P01": ProblemKind.UNSUPPORTED,
    "42703": ProblemKind.UNSUPPORTED,
    "42883": ProblemKind.UNSUPPORTED,
    "55000": ProblemKind.UNSUPPORTED,
    "0A000": ProblemKind.UNSUPPORTED,
}

# libpq gives no SQLSTATE for a connection that failed. Order matters: a refusal by pg_hba.conf ends with
# "SSL off", and several addresses that failed are reported in one message.
_BY_MESSAGE: tuple[tuple[ProblemKind, str], ...] = (
    (
        ProblemKind.FULL,
        (
            r"too many clients|connection slots are reserved|too many connections for"
            r"|no more connections allowed|53300"
        ),
    ),
    (
        ProblemKind.DENIED,
        (
            r"authentication failed|no pg_hba\.conf entry|pg_hba\.conf rejects|no password supplied"
            r"|role \".*\" does not exist|not permitted to log in|permission denied for database"
            r"|not currently accepting connections|no such user"
        ),
    ),
    (ProblemKind.NOT_FOUND, r"database \".*\" does not exist|no such database"),
    (
        ProblemKind.STARTING,
        r"database system is (?:starting up|shutting down|in recovery mode|not yet accepting)|pooler is shut",
    ),
    (
        ProblemKind.NAME_NOT_RESOLVED,
        (
            r"could not translate host name|name or service not known|name resolution|failed to resolve host"
            r"|nodename nor servname|no address associated"
        ),
    ),
    (ProblemKind.PROTOCOL, r"invalid response to SSL negotiation"),
    (ProblemKind.TLS, r"\bSSL\b|\bTLS\b|certificate"),
    (
        ProblemKind.RESET,
        (
            r"server closed the connection|connection reset|terminating connection|broken pipe"
            r"|connection is (?:closed|lost|bad)|connection was lost|consuming input failed|EOF detected"
        ),
    ),
    (ProblemKind.BUSY, r"due to lock timeout"),  # ours, met a locked catalog while the session began
    (ProblemKind.TIMED_OUT, r"timeout expired|timed out|due to statement timeout"),
    (ProblemKind.REFUSED, r"connection refused|no such file or directory"),
    (ProblemKind.DENIED, r"\bFATALE?:\s"),  # a server that speaks another language refused us
    (ProblemKind.UNREACHABLE, r"no route to host|network is unreachable|host is unreachable|host is down"),
    (
        ProblemKind.PROTOCOL,
        r"expected authentication request|invalid response|unexpected|desynchron|protocol",
    ),
)

_ADVICE = {
    ProblemKind.FULL: "see who holds the connections: the application's pools, or a role with "
    "pg_use_reserved_connections (16 and later) or superuser for the workbench",
    ProblemKind.DENIED: "check user, password and pg_hba.conf; if the application can log in, ours is wrong",
    ProblemKind.NOT_FOUND: "check the name of the database in the dsn",
    ProblemKind.STARTING: "read the server's log: recovery after a crash lasts while there is WAL to replay",
    ProblemKind.REFUSED: "nothing listens there: is the server running, is the port right?",
    ProblemKind.TIMED_OUT: "it does not answer: look at its load, its log and the firewall",
    ProblemKind.UNREACHABLE: "there is no route to it from here: check network and VPN",
    ProblemKind.NAME_NOT_RESOLVED: "check DNS, or give an address that this machine knows",
    ProblemKind.TLS: "compare sslmode of the dsn with what the server offers",
    ProblemKind.PROTOCOL: "something that is not PostgreSQL answers on this port",
    ProblemKind.RESET: "the server ended the session: restarted, crashed, terminated? Read its log",
    ProblemKind.BUSY: "a catalog is locked; see who blocks whom",
    ProblemKind.PRIVILEGE: "GRANT pg_monitor TO the role that the workbench uses",
}
_TOO_LONG = "it answers, and ended the statement after the time that ours may take: look at its load"
_PREFIX = re.compile(
    r"^(?:connection failed: |psql: error: |connection to server [^\n]*? failed: "
    r"|FATAL:\s+|ERROR:\s+|[0-9A-Z]{5}: )+"
)


def connection_error(message: str, sqlstate: str | None = None) -> TargetError:
    """Return the error of a connection that was not made, with no more of the DSN than the server named.

    >>> connection_error('connection failed: FATAL:  sorry, too many clients already').kind
    <ProblemKind.FULL: 'full'>
    >>> connection_error('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "app", SSL off').kind
    <ProblemKind.DENIED: 'denied'>
    """
    return _error(kind_of(message, sqlstate, ProblemKind.PROTOCOL), message)


def statement_error(message: str, sqlstate: str | None = None) -> TargetError:
    """Return the error of a statement that failed on an open session.

    >>> statement_error("canceling statement due to lock timeout", "55P03").kind
    <ProblemKind.BUSY: 'busy'>
    >>> statement_error("canceling statement due to statement timeout", "57014").answered
    True
    """
    kind = kind_of(message, sqlstate, ProblemKind.UNSUPPORTED)
    return _error(kind, message, answered=sqlstate == _CANCELLED)


def kind_of(message: str, sqlstate: str | None, otherwise: ProblemKind) -> ProblemKind:
    """Return the kind that SQLSTATE or message stand for.

    >>> kind_of("anything", "53300", ProblemKind.PROTOCOL)
    <ProblemKind.FULL: 'full'>
    """
    if sqlstate in _BY_STATE:
        return _BY_STATE[sqlstate]
    if sqlstate and sqlstate.startswith("08"):
        return ProblemKind.RESET
    for kind, pattern in _BY_MESSAGE:
        if re.search(pattern, message, re.IGNORECASE):
            return kind
    return otherwise


def said(message: str) -> str:
    r"""Return the line of a driver's message that says what happened.

    >>> said('connection failed: connection to server at "::1", port 1 failed: FATAL:  sorry\nDETAIL: x')
    'sorry'
    """
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    if not lines:
        return "it gave no reason"
    several = [line.partition(": ")[2] for line in lines if line.startswith("- host:")]
    return _PREFIX.sub("", _after_location(several[-1]) if several else lines[0])


def _after_location(text: str) -> str:
    """Return what follows `'localhost', port: 5432, hostaddr: '::1': ` in a report of several addresses."""
    return re.sub(r"^.*?hostaddr: '[^']*': ", "", text)


def _error(kind: ProblemKind, message: str, *, answered: bool = False) -> TargetError:
    advice = _TOO_LONG if answered else _ADVICE.get(kind, "")
    return TargetError(kind, said(message), advice, answered=answered)
