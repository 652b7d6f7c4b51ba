"""What answers at the address of a PostgreSQL server, where that is something else."""

from collections.abc import Mapping
from typing import Any

from incident_lib.connections.names import resolve
from incident_lib.connections.peer import LOOK_SECONDS, STRANGE, Peer, look, wrong_peer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect import limits
from incident_lib.technologies.postgres.connect.logins import HANGS, greets

_PLAIN_ADVICE = "correct host and port of the dsn; PostgreSQL speaks TLS only after its own greeting"


def can_be_asked(parameters: Mapping[str, Any]) -> bool:
    """Return whether `parameters` lead to one port, which can be asked what it is before any login."""
    host, port = _place(parameters)
    return bool(host) and not host.startswith(("/", "@")) and "," not in host and port.isdigit()


def _place(parameters: Mapping[str, Any]) -> tuple[str, str]:
    host = str(parameters.get("hostaddr") or parameters.get("host") or "")
    return host, str(parameters.get("port") or limits.PORT)


def explained(error: TargetError, parameters: Mapping[str, Any]) -> TargetError:
    """Return that something else answers where `parameters` lead, or a server that lets nobody in.

    Otherwise the error as it is.

    Cost: one connection where the other side is silent, up to three where it hung up; none else.
    """
    if error.kind not in STRANGE or not can_be_asked(parameters):
        return error
    host, port = _place(parameters)
    try:
        addresses = resolve(host, int(port), LOOK_SECONDS)
    except TargetError:
        return error
    if error.kind is ProblemKind.TIMED_OUT and greets(addresses):
        return HANGS
    found = look(addresses, waits=error.kind is ProblemKind.TIMED_OUT)
    if found in {None, Peer.POSTGRES}:
        return error
    advice = _PLAIN_ADVICE if found is Peer.TLS else "correct host and port of the dsn"
    return wrong_peer("", "PostgreSQL", found, advice)  # the caller says where
