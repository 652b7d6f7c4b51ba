"""TLS of an address: a verified handshake as clients make it, and others that list why it failed."""

import ssl
from collections.abc import Sequence
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections import peer as peers
from incident_lib.connections.peer import Peer
from incident_lib.connections.sockets import Address, connect_any
from incident_lib.connections.tls import Handshake, Handshakes, ancient, context_for, error_of, unverified
from incident_lib.technologies.network.certificates import matches_name, names_its_issuer, parse_certificate
from incident_lib.technologies.network.rows import TlsAnswer, Trust

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name
_HANDSHAKE_SHARE = 0.6  # of the time, for the first handshake: the rest is for finding out why it failed
_PRIVATE_STORE = 5  # authorities in a store that was made for a team's services, at most
_OLD_REASONS = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
)


def inspect_tls(
    host: str, addresses: Sequence[Address], *, ca: Path | None = None, seconds: float
) -> TlsAnswer:
    """Return what the first address that connects shows in a verified handshake, and all that is wrong.

    Cost: one connection, up to five if something is wrong. Errors: TargetError where nothing connects.
    """
    started = clock.monotonic()
    attempt = connect_any(addresses, seconds)
    if attempt.sock:
        attempt.sock.close()
    handshakes = Handshakes(host, attempt.address, started + seconds * _HANDSHAKE_SHARE)
    verified = handshakes.shake(context_for(ca))
    handshakes.deadline = started + seconds
    took = clock.monotonic() - started
    answer = TlsAnswer(name=host, address=attempt.address.text, verified=verified.error is None, seconds=took)
    if verified.error is None:
        return _with_chain(answer, verified, Trust.TRUSTED)
    message = error_of(verified.error, host).message
    answer = msgspec.structs.replace(answer, message=message)
    if isinstance(verified.error, ssl.SSLCertVerificationError):
        seen = handshakes.shake(unverified())
        return _with_chain(answer, seen, _trust(handshakes, ca, seen.chain))
    return _without_certificate(answer, handshakes, verified.error)


def _without_certificate(answer: TlsAnswer, handshakes: Handshakes, error: OSError) -> TlsAnswer:
    if isinstance(error, TimeoutError):  # HTTP servers wait for the end of a line that never comes
        return _with_peer(answer, handshakes, waits=True)
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    if handshakes.asks_certificate():
        return msgspec.structs.replace(answer, asks_certificate=True)
    seen = handshakes.shake(ancient())
    if seen.protocol:
        old = seen.protocol in {"SSLv3", "TLSv1", "TLSv1.1"} or reason in _OLD_REASONS
        answer = msgspec.structs.replace(answer, old_protocol=old)
        return _with_chain(answer, seen, None)
    if reason in _OLD_REASONS:
        return msgspec.structs.replace(answer, old_protocol=True)
    return _with_peer(answer, handshakes, waits=False)


def _with_peer(answer: TlsAnswer, handshakes: Handshakes, *, waits: bool) -> TlsAnswer:
    """Return what answers in place of TLS; silent is what answers nothing to a line of text either."""
    left = handshakes.deadline - clock.monotonic()
    peer = peers.detect_peer(
        (handshakes.address,), waits=waits, seconds=min(peers.DETECT_SECONDS, max(0.1, left))
    )
    if peer is Peer.HTTP:
        return msgspec.structs.replace(answer, plain_http=True)
    if peer in {None, Peer.TLS}:
        return msgspec.structs.replace(answer, silent=waits)
    return msgspec.structs.replace(answer, peer=peer.words)


def _with_chain(answer: TlsAnswer, seen: Handshake, trust: Trust | None) -> TlsAnswer:
    certificates = tuple(parse_certificate(der) for der in seen.chain)
    matches = matches_name(answer.name, certificates[0].names) if certificates else None
    return msgspec.structs.replace(
        answer,
        protocol=seen.protocol,
        certificates=certificates,
        name_matches=matches,
        trust=trust,
    )


def _trust(handshakes: Handshakes, ca: Path | None, chain: Sequence[bytes]) -> Trust:
    """Return whether the chain is trusted, apart from dates and names."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.check_hostname = False
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    if handshakes.shake(context).error is None:
        return Trust.TRUSTED
    certificates = [parse_certificate(der) for der in chain]
    if not certificates:
        return Trust.UNKNOWN_AUTHORITY
    if certificates[0].issuer == certificates[0].subject:
        return Trust.SELF_SIGNED
    # A chain that ends at the server's own certificate lacks an intermediate wherever the issuer is not
    # the authority itself. That cannot be seen from the certificate; one that says where its issuer's is
    # to be had, or a store of few authorities, as teams have for their own services, says so well enough.
    private_store = 0 < len(context.get_ca_certs()) <= _PRIVATE_STORE
    if len(certificates) == 1 and (private_store or names_its_issuer(chain[0])):
        return Trust.MISSING_INTERMEDIATE
    return Trust.UNKNOWN_AUTHORITY
