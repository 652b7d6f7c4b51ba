"""What answers at an http or https address that is no HTTP server, or not the one that the scheme says."""

from urllib.parse import SplitResult

from incident_lib.connections.peer import LOOK_SECONDS, STRANGE, Peer, look, recognise, wrong_peer
from incident_lib.connections.sockets import Address
from incident_lib.connections.tls import asks_certificate
from incident_lib.connections.urls import port_of
from incident_lib.errors import ProblemKind, TargetError

_ADVICE = {
    Peer.TLS: "write https:// for http:// in its url",
    Peer.HTTP: "write http:// for https:// in its url, or switch TLS on there",
}


def explained(
    error: TargetError, parts: SplitResult, *, reached: Address | None, first: bytes, seconds: float
) -> TargetError:
    """Return that something else than the address says answers, or the error as it is.

    `first` is what came back first. Cost: one connection where the other side is silent to a TLS greeting,
    up to four where it hung up.
    """
    if error.kind not in STRANGE or reached is None:
        return error
    found = recognise(first)
    if found is None and seconds > 0:
        waits = error.kind is ProblemKind.TIMED_OUT
        found = look((reached,), waits=waits, seconds=min(LOOK_SECONDS, seconds))
    expected = Peer.TLS if parts.scheme == "https" else Peer.HTTP
    if found is Peer.TLS is expected and error.kind is ProblemKind.RESET and seconds > 0:
        asked = asks_certificate(parts.hostname or "", reached, seconds)
        return no_certificate() if asked else error
    return error if found in {None, Peer.OTHER, expected} else wrong(parts, found)


def no_certificate() -> TargetError:
    """Return the problem of a server that asks clients for a certificate: ours, as we have none."""
    message = "it asks clients for a certificate, and the workbench has none to show"
    return TargetError(ProblemKind.PRIVILEGE, message, "look at it from a client that has one")


def wrong(parts: SplitResult, found: Peer) -> TargetError:
    """Return the problem of an address at which `found` answers."""
    where = f"{parts.hostname}:{port_of(parts)}"
    advice = _ADVICE.get(found, "correct host and port of its url")
    return wrong_peer(where, parts.scheme.upper(), found, advice)
