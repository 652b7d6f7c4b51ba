"""Logins that hang at a server that runs: what its processes say of themselves."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from incident_lib.connections.docker import open_engine, translated
from incident_lib.connections.sockets import Address, connect_any
from incident_lib.errors import ProblemKind, TargetError

# A server process says what it does in its title: "postgres: app shop 10.0.0.7(53122) startup waiting".
_WAITS = re.compile(r"postgres: .*\b(?:startup|authentication) waiting$")
_IDLE = re.compile(r"postgres: (?:.*: )?(.+) idle in transaction(?: \(aborted\))?$")
_LISTED = 5
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_GREETING_SECONDS = 1.0
_THIS_MACHINE = ("/", "@", "localhost", "127.", "::1")
_ADVICE = (
    "somebody holds a lock on what every login reads (pg_authid, pg_database): find that session on the "
    "server's machine with ps, and end it with kill -TERM of its process; never kill -9"
)
HANGS = TargetError(
    ProblemKind.BUSY,
    "the server answers and begins a session, and the login does not end",
    "a lock on what every login reads (pg_authid, pg_database), a login that asks another server (LDAP, "
    "RADIUS, PAM), or a machine that is overloaded: look at the server's processes with ps, and at its log",
)


def greets(addresses: Sequence[Address]) -> bool:
    """Return whether a server takes a connection and answers what clients ask first, before any login.

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


def explained_hang(error: TargetError, container: str, parameters: Mapping[str, Any]) -> TargetError:
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
        titles = list(_inside(container) if container else _here(str(parameters.get("user") or "")))
    except TargetError:
        return error
    waiting, idle = told(titles)
    if not waiting:
        return error
    message = (
        f"{waiting} {'login waits' if waiting == 1 else 'logins wait'} for a lock inside the server, ours "
        "among them"
    )
    if idle:
        message += f"; idle in a transaction there: {', '.join(idle[:_LISTED])}"
    return TargetError(error.kind, message, _ADVICE, numbers={"waiting_logins": waiting})


def told(titles: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Return how many logins wait for a lock, and which sessions are idle in a transaction.

    >>> told(["postgres: a b 10.0.0.7(5) startup waiting", "postgres: dba b [local] idle in transaction"])
    (1, ('dba b [local]',))
    """
    stripped = [title.strip() for title in titles]
    idle = (found[1] for title in stripped if (found := _IDLE.match(title)))
    return sum(bool(_WAITS.match(title)) for title in stripped), tuple(idle)


def _inside(container: str) -> Iterator[str]:
    engine = open_engine()
    try:
        with translated(f"container {container}"):
            answer = engine.client.api.top(container, "-eo pid,args")
    finally:
        engine.close()
    yield from (" ".join(row[1:]) for row in answer.get("Processes") or ())


def _here(role: str) -> Iterator[str]:
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
