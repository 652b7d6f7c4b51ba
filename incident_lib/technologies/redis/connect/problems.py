"""What a server or a socket reported -> TargetError."""

import socket
import ssl
from typing import TYPE_CHECKING

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.excerpt import excerpt

if TYPE_CHECKING:
    from redis.exceptions import RedisError

_ADVICE = {
    ProblemKind.REFUSED: "nothing listens there: is the server running, and is the port right?",
    ProblemKind.TIMED_OUT: "packets are lost on the way, or the server accepts but does not answer",
    ProblemKind.UNREACHABLE: "no route: check the network between here and the server",
    ProblemKind.RESET: "the server closed the connection: check its log, and whether it requires TLS "
    "(rediss://)",
    ProblemKind.NAME_NOT_RESOLVED: "check the name in the address, and the resolver",
    ProblemKind.TLS: "check the certificate and its CA (`ca` of the service)",
    ProblemKind.DENIED: "correct the user and password in the service's `url`",
    ProblemKind.PRIVILEGE: "give the workbench's user the ACL rule that `incident init` prints",
    ProblemKind.FULL: "raise maxclients, or find what holds the connections",
    ProblemKind.STARTING: "it is loading its data from disk; wait, and do not restart it",
    ProblemKind.PROTOCOL: "check what listens on that address",
}


class ReplyError(Exception):
    """An error reply, as the server wrote it: `OOM command not allowed when ...`."""

    command = ""  # what it answers, as an ACL rule names it: "slowlog|get"

    @property
    def code(self) -> str:
        """The class that the server counts it under.

        >>> ReplyError("NOPERM no permissions").code, ReplyError("strange answer").code
        ('NOPERM', 'ERR')
        """
        word = str(self).partition(" ")[0]
        return word if word.isupper() else "ERR"


def from_reply(reply: ReplyError) -> TargetError:
    """Return what an error reply to a command of ours means.

    >>> from_reply(ReplyError("LOADING Redis is loading the dataset in memory")).kind
    <ProblemKind.STARTING: 'starting'>
    """
    text = str(reply)
    if reply.code == "BUSY":
        return _busy(text)
    if reply.code == "NOPERM":
        return _not_allowed(reply)
    kind = _KINDS.get(reply.code, ProblemKind.PROTOCOL)
    if "max number of clients" in text:
        kind = ProblemKind.FULL
    elif "unknown command" in text or "unknown subcommand" in text.lower():
        kind = ProblemKind.UNSUPPORTED
    return TargetError(kind, f"the server says: {excerpt(text, 200)}", _ADVICE.get(kind, ""))


def _not_allowed(reply: ReplyError) -> TargetError:
    """Return which rule is missing. What the server says of it differs by version, and may name a key."""
    kind, text = ProblemKind.PRIVILEGE, str(reply)
    command = f"+{reply.command}" if reply.command else ""
    rule = "~*" if "permissions to access" in text else command
    if not rule:
        return TargetError(kind, f"the server says: {excerpt(text, 200)}", _ADVICE[kind])
    return TargetError(
        kind,
        f"the ACL of the workbench's user lacks {rule}",
        f"ACL SETUSER <user> {rule}; `incident init` prints the whole rule",
    )


def from_login(reply: ReplyError) -> TargetError:
    """Return what an error reply to AUTH means; its text is not quoted, as it may hold what was sent."""
    if reply.code in {"LOADING", "BUSY"} or "max number of clients" in str(reply):
        return from_reply(reply)
    kind = ProblemKind.DENIED
    return TargetError(kind, f"the server refused the login ({reply.code})", _ADVICE[kind])


_KINDS = {
    "NOAUTH": ProblemKind.DENIED,
    "WRONGPASS": ProblemKind.DENIED,
    "DENIED": ProblemKind.DENIED,  # protected mode
    "LOADING": ProblemKind.STARTING,
}


def _busy(text: str) -> TargetError:
    """Return the problem of a server that runs one thing and refuses the rest, INFO too."""
    if "FUNCTION KILL" in text:
        what, end = "a function", "FUNCTION KILL"
    elif "SCRIPT KILL" in text:
        what, end = "a script", "SCRIPT KILL"
    else:
        return TargetError(ProblemKind.BUSY, f"the server says: {excerpt(text, 200)}", "wait for it to end")
    return TargetError(
        ProblemKind.BUSY,
        f"{what} has been running for too long, and every other command is refused",
        f"end it with {end}; if it has already written, only SHUTDOWN NOSAVE works, which loses unsaved "
        f"data. Then find what calls it",
    )


def from_os(error: OSError, where: str) -> TargetError:
    """Return what an error of the socket means.

    >>> from_os(ConnectionRefusedError(), "cache:6379").message
    'cache:6379 refused the connection'
    """
    kind, message = _os_kind(error)
    return TargetError(kind, f"{where} {message}", _ADVICE[kind])


_SOCKET_KINDS: tuple[tuple[tuple[type[OSError], ...], ProblemKind, str], ...] = (
    ((ssl.SSLError,), ProblemKind.TLS, "does not complete a TLS handshake"),
    ((socket.gaierror,), ProblemKind.NAME_NOT_RESOLVED, "is a name that does not resolve"),
    ((ConnectionRefusedError, FileNotFoundError), ProblemKind.REFUSED, "refused the connection"),
    ((TimeoutError,), ProblemKind.TIMED_OUT, "did not answer in time"),
    ((ConnectionError,), ProblemKind.RESET, "ended the connection"),
)


def _os_kind(error: OSError) -> tuple[ProblemKind, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProblemKind.TLS, f"has a certificate that is not trusted: {error.verify_message}"
    for types, kind, message in _SOCKET_KINDS:
        if isinstance(error, types):
            return kind, message
    return ProblemKind.UNREACHABLE, f"cannot be reached: {error.strerror or error}"


def from_connect(error: TargetError, where: str) -> TargetError:
    """Return what is known of `where`, none of whose addresses connected, in the words used for Redis.

    >>> from_connect(TargetError(ProblemKind.REFUSED, "10.0.0.7:1 refuses connections"), "cache:1").message
    'cache:1 refused the connection (10.0.0.7:1 refuses connections)'
    """
    words = {kind: message for _, kind, message in _SOCKET_KINDS}
    message = f"{where} {words.get(error.kind, 'cannot be reached')}"
    behind = "" if where in error.message else f" ({error.message})"
    return TargetError(error.kind, message + behind, _ADVICE.get(error.kind, error.advice))


def from_library(error: "RedisError", where: str) -> TargetError:
    """Return what an error of redis-py means that is no reply: it stands in for one of the socket."""
    from redis import exceptions

    if isinstance(error, exceptions.TimeoutError):
        return from_os(TimeoutError(), where)
    if isinstance(error, exceptions.ConnectionError):
        behind = error.__cause__ or error.__context__
        return from_os(behind if isinstance(behind, OSError) else ConnectionResetError(), where)
    return protocol(where, excerpt(str(error), 80))


def protocol(where: str, what: str) -> TargetError:
    """Return the problem of something that answers, but not as a Redis server does."""
    kind = ProblemKind.PROTOCOL
    return TargetError(kind, f"{where} does not answer like Redis: {what}", _ADVICE[kind])
