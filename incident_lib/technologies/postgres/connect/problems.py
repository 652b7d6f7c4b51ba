"""Why a session cannot be had, or a statement fails, as a TargetError.

By SQLSTATE where there is one, else by what the message says; by what answers at the address, where that is
no PostgreSQL; by what the server's processes say of themselves, where a login hangs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from incident_lib.connections.names import resolve
from incident_lib.connections.peer import DETECT_SECONDS, NOT_UNDERSTOOD, Peer, detect_peer, wrong_peer
from incident_lib.connections.places.container import Container
from incident_lib.connections.sockets import Address, connect_any
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect.session import (
    PORT,
)

_CANCELLED = "57014"  # by statement_timeout, or by a person: the server answers, and says so
_POOLER_WAIT = "query_wait_timeout"  # PgBouncer gave up the wait for a server connection
_BY_STATE = {
    "53300": ProblemKind.FULL,
    "28P01": ProblemKind.DENIED,
    "28000": ProblemKind.DENIED,
    "3D000": ProblemKind.NOT_FOUND,
    "57P03": ProblemKind.STARTING,
    "57P01": ProblemKind.RESET,  # ended by an administrator, or by a shutdown
    "57P02": ProblemKind.RESET,  # another process crashed
    "57P05": ProblemKind.RESET,  # idle for too long
    "25P03": ProblemKind.DEADLINE,  # by our own idle_in_transaction_session_timeout
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
        (
            r"database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)"
            r"|pooler is shut"
        ),
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
    ProblemKind.FULL: "find what holds the connections (the application's pools); to get in anyway, give "
    "the workbench's role pg_use_reserved_connections (16 and later) or superuser",
    ProblemKind.DENIED: "check user, password and pg_hba.conf; if the application can log in, the "
    "workbench's login is wrong",
    ProblemKind.NOT_FOUND: "check the name of the database in the dsn",
    ProblemKind.STARTING: "read the server's log: crash recovery lasts until all WAL is replayed",
    ProblemKind.REFUSED: "nothing listens there: is the server running, is the port right?",
    ProblemKind.TIMED_OUT: "it does not answer: check its load, its log and the firewall",
    ProblemKind.UNREACHABLE: "there is no route to it from here: check the network and VPN",
    ProblemKind.NAME_NOT_RESOLVED: "check DNS, or give an address that this machine knows",
    ProblemKind.TLS: "compare sslmode in the dsn with what the server offers",
    ProblemKind.PROTOCOL: "something other than PostgreSQL answers on this port",
    ProblemKind.RESET: "the server ended the session (restart, crash, or termination): read its log",
    ProblemKind.BUSY: "a catalog is locked; check who blocks whom",
    ProblemKind.DEADLINE: "a limit that the workbench sets for itself ended its session: collect again",
    ProblemKind.PRIVILEGE: "GRANT pg_monitor TO the role that the workbench uses",
}
_TOO_LONG = "it answers, but ended the workbench's statement at its time limit: check its load"
_PREFIX = re.compile(
    r"^(?:connection failed: |psql: error: |connection to server [^\n]*? failed: "
    r"|FATAL:\s+|ERROR:\s+|[0-9A-Z]{5}: )+"
)
_PLAIN_ADVICE = "correct host and port in the dsn; PostgreSQL speaks TLS only after its own greeting"

# A server process says what it does in its title: "postgres: app shop 10.0.0.7(53122) startup waiting".
_WAITS = re.compile(r"postgres: .*\b(?:startup|authentication) waiting$")
_IDLE = re.compile(r"postgres: (?:.*: )?(.+) idle in transaction(?: \(aborted\))?$")
_LISTED = 5
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_GREETING_SECONDS = 1.0
_THIS_MACHINE = ("/", "@", "localhost", "127.", "::1")
_LOCKED_OUT_ADVICE = (
    "a session holds a lock on a catalog that every login reads (pg_authid, pg_database): find that session "
    "on the server's machine with ps, and end it with kill -TERM, never kill -9"
)
LOGIN_HANGS = TargetError(
    ProblemKind.BUSY,
    "the server answers and starts a session, but the login never completes",
    "possible causes: a lock on a catalog that every login reads (pg_authid, pg_database), a login that "
    "depends on another server (LDAP, RADIUS, PAM), or an overloaded machine: check the server's processes "
    "with ps, and its log",
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
    if _POOLER_WAIT in message:
        return ProblemKind.BUSY
    if sqlstate and sqlstate.startswith("08"):
        return ProblemKind.RESET
    for kind, pattern in _BY_MESSAGE:
        if re.search(pattern, message, re.IGNORECASE):
            return kind
    return otherwise


def reason_in(message: str) -> str:
    r"""Return the line of a driver's message that says what happened.

    >>> reason_in('connection failed: connection to server at "::1", port 1 failed: FATAL:  sorry\nDETAIL: x')
    'sorry'
    """
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    if not lines:
        return "it gave no reason"
    several = [line.partition(": ")[2] for line in lines if line.startswith("- host:")]
    # In a report of several addresses each begins with `'localhost', port: 5432, hostaddr: '::1': `.
    return _PREFIX.sub("", re.sub(r"^.*?hostaddr: '[^']*': ", "", several[-1]) if several else lines[0])


def _error(kind: ProblemKind, message: str, *, answered: bool = False) -> TargetError:
    advice = _TOO_LONG if answered else _ADVICE.get(kind, "")
    if _POOLER_WAIT in message:
        advice = (
            "the pooler had no free server connection in time: check its pools, the server itself may "
            "be healthy"
        )
    return TargetError(kind, reason_in(message), advice, answered=answered)


def leads_to_one_port(parameters: Mapping[str, Any]) -> bool:
    """Return whether `parameters` lead to one port, whose server can be recognized before any login."""
    host, port = _address_of(parameters)
    return bool(host) and not host.startswith(("/", "@")) and "," not in host and port.isdigit()


def _address_of(parameters: Mapping[str, Any]) -> tuple[str, str]:
    host = str(parameters.get("hostaddr") or parameters.get("host") or "")
    return host, str(parameters.get("port") or PORT)


def explain_peer(error: TargetError, parameters: Mapping[str, Any]) -> TargetError:
    """Return that something else answers where `parameters` lead, or a server that lets no client in.

    Otherwise the error as it is. Cost: one connection where the other side is silent, up to three where it
    hung up; none else.
    """
    if error.kind not in NOT_UNDERSTOOD or not leads_to_one_port(parameters):
        return error
    host, port = _address_of(parameters)
    try:
        addresses = resolve(host, int(port), DETECT_SECONDS)
    except TargetError:
        return error
    if error.kind is ProblemKind.TIMED_OUT and greets(addresses):
        return LOGIN_HANGS
    found = detect_peer(addresses, waits=error.kind is ProblemKind.TIMED_OUT)
    if found in {None, Peer.POSTGRES}:
        return error
    advice = _PLAIN_ADVICE if found is Peer.TLS else "correct host and port in the dsn"
    return wrong_peer("", "PostgreSQL", found, advice)  # the caller says where


def greets(addresses: Sequence[Address]) -> bool:
    """Return whether a server takes a connection and answers what clients send first, before any login.

    A process of the server does that, so it runs and can begin sessions. Cost: one connection.
    """
    attempt = connect_any(addresses, _GREETING_SECONDS)
    if attempt.sock is None:
        return False
    with attempt.sock as sock:
        sock.settimeout(_GREETING_SECONDS)
        try:
            sock.sendall(_SSL_REQUEST)
            return sock.recv(1) in {b"S", b"N"}
        except OSError:
            return False


def explain_hang(error: TargetError, container: str, parameters: Mapping[str, Any]) -> TargetError:
    """Return that logins wait for a lock, where the server's processes say so, else the error as it is.

    Source: GET /containers/NAME/top; without a container the titles of this machine's processes, if the
    address is of this machine. Cost: one request.
    """
    if error.kind is not ProblemKind.BUSY:
        return error
    host = str(parameters.get("hostaddr") or parameters.get("host") or "/")
    if not container and not host.startswith(_THIS_MACHINE):
        return error
    try:
        titles = list(
            _container_titles(container) if container else _local_titles(str(parameters.get("user") or ""))
        )
    except TargetError:
        return error
    waiting, idle = parse_titles(titles)
    if not waiting:
        return error
    message = (
        f"{waiting} {'login waits' if waiting == 1 else 'logins wait'} for a lock inside the server, "
        f"including the workbench's"
    )
    if idle:
        message += f"; idle in a transaction there: {', '.join(idle[:_LISTED])}"
    return TargetError(error.kind, message, _LOCKED_OUT_ADVICE, numbers={"waiting_logins": waiting})


def parse_titles(titles: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Return how many logins wait for a lock, and which sessions are idle in a transaction.

    >>> parse_titles(["postgres: a b 10.0.0.7(5) startup waiting", "postgres: d [local] idle in transaction"])
    (1, ('d [local]',))
    """
    stripped = [title.strip() for title in titles]
    idle = (found[1] for title in stripped if (found := _IDLE.match(title)))
    return sum(bool(_WAITS.match(title)) for title in stripped), tuple(idle)


def _container_titles(container: str) -> Iterator[str]:
    yield from (" ".join(row[1:]) for row in Container(container).processes("-eo pid,args"))


def _local_titles(role: str) -> Iterator[str]:
    """Yield the titles of the server at which our role waits: more than one may run on this machine."""
    ours = re.compile(rf"postgres: (?:.*: )?{re.escape(role)} \S+ \S+ (?:startup|authentication) waiting$")
    known = list(_processes())
    servers = {parent for parent, title in known if ours.match(title)}
    yield from (title for parent, title in known if parent in servers)


def _processes() -> Iterator[tuple[str, str]]:
    """Yield the parent and the title of each process of a PostgreSQL server."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            title = (path / "cmdline").read_bytes()
            about = (path / "stat").read_text(errors="replace") if title.startswith(b"postgres: ") else ""
        except OSError:
            continue  # it has ended
        if about:
            parent = about.rpartition(")")[2].split()[1]
            yield parent, title.rstrip(b"\0 ").decode("utf-8", "replace")
