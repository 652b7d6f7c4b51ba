"""TLS handshakes: a verified one as clients make it, and those that list what is wrong when it fails."""

import contextlib
import functools
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections import peer as peers
from incident_lib.connections.certificates import matches_name, names_its_issuer, parse_certificate
from incident_lib.connections.names import to_ascii
from incident_lib.connections.peer import Peer
from incident_lib.connections.sockets import Address, connect_any, kind_of
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model.network import TlsAnswer, Trust

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name
_HANDSHAKE_SHARE = 0.6  # of the time, for the first handshake: the rest is for finding out why it failed
_CERTIFICATE_REQUEST = 13  # the message of a handshake, RFC 5246 and 8446
_OWN_STORE = 5  # authorities in a store that somebody made for their own services, at most
_ADVICE = "see the network page for the certificate; a private authority is named with `ca`"
_OLD_REASONS = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
)


def context_for(ca: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies against `ca`, else the system's store, SSL_CERT_FILE and SSL_CERT_DIR.

    Errors: TargetError NOT_CONFIGURED where `ca` cannot be read.
    """
    changed = 0
    if ca:
        with contextlib.suppress(OSError):
            changed = ca.stat().st_mtime_ns
    return _context(ca, changed, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=32)
def _context(ca: Path | None, _changed: int, _file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Make a context once: reading the system's store takes some 20 ms."""
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            f"the authority {ca} cannot be read: {reason}",
            "correct `ca` in workbench.toml",
        ) from error


def wrap(sock: socket.socket, host: str, context: ssl.SSLContext, seconds: float) -> ssl.SSLSocket:
    """Return `sock` after a handshake for `host`. Closes it, and raises TargetError, where that fails."""
    sock.settimeout(max(0.001, seconds))
    try:
        return context.wrap_socket(sock, server_hostname=to_ascii(host))
    except OSError as error:
        sock.close()
        raise error_of(error, host) from error


def error_of(error: OSError, host: str) -> TargetError:
    """Return what a failed handshake with `host` says."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the certificate of {host} is not accepted: {error.verify_message}"
        return TargetError(ProblemKind.TLS, message, _ADVICE)
    if isinstance(error, ssl.SSLEOFError):
        return TargetError(ProblemKind.TLS, f"{host} hangs up during the TLS handshake", _ADVICE)
    if isinstance(error, ssl.SSLError):
        return TargetError(
            ProblemKind.TLS, f"the TLS handshake with {host} failed: {reason_of(error)}", _ADVICE
        )
    kind = kind_of(error)
    words = {
        ProblemKind.TIMED_OUT: "connects and does not answer the TLS greeting",
        ProblemKind.RESET: "resets the connection during the TLS handshake",
    }
    return TargetError(kind, f"{host} {words.get(kind, 'broke off the TLS handshake')}")


def reason_of(error: ssl.SSLError) -> str:
    """Return the library's reason in words people read.

    >>> reason_of(ssl.SSLError(1, "unknown error"))
    'unknown error'
    """
    reason = getattr(error, "reason", None)  # not there on errors made by hand
    return str(reason).replace("_", " ").lower() if reason else str(error.args[-1])


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one handshake showed: the chain and protocol, or the error."""

    chain: tuple[bytes, ...] = ()
    protocol: str | None = None
    error: OSError | None = None


def inspect(host: str, addresses: Sequence[Address], *, ca: Path | None = None, seconds: float) -> TlsAnswer:
    """Return what the first address that connects shows in a verified handshake, and all that is wrong.

    Cost: one connection, up to five where something is wrong. Errors: TargetError where nothing connects.
    """
    started = clock.monotonic()
    attempt = connect_any(addresses, seconds)
    if attempt.sock:
        attempt.sock.close()
    look = _Look(host, attempt.address, started + seconds * _HANDSHAKE_SHARE)
    verified = look.shake(context_for(ca))
    look.deadline = started + seconds
    took = clock.monotonic() - started
    answer = TlsAnswer(name=host, address=attempt.address.text, verified=verified.error is None, seconds=took)
    if verified.error is None:
        return _with_chain(answer, verified, Trust.TRUSTED)
    message = error_of(verified.error, host).message
    answer = msgspec.structs.replace(answer, message=message)
    if isinstance(verified.error, ssl.SSLCertVerificationError):
        seen = look.shake(_unverified())
        return _with_chain(answer, seen, _trust(look, ca, seen.chain))
    return _without_certificate(answer, look, verified.error)


def asks_certificate(host: str, address: Address, seconds: float) -> bool:
    """Return whether a server asks clients for a certificate. Cost: one connection."""
    return _Look(host, address, clock.monotonic() + seconds).asks_certificate()


class _Look:
    """Handshakes with one address, all within one deadline."""

    def __init__(self, host: str, address: Address, deadline: float) -> None:
        self.host = host
        self.address = address
        self.deadline = deadline

    def connect(self) -> socket.socket:
        """Return a fresh connection that waits no longer than the deadline."""
        left = max(0.001, self.deadline - clock.monotonic())
        sock = socket.socket(self.address.family, socket.SOCK_STREAM)
        sock.settimeout(left)
        try:
            sock.connect(self.address.sockaddr)
        except OSError:
            sock.close()
            raise
        return sock

    def shake(self, context: ssl.SSLContext) -> _Seen:
        """Return what a handshake under `context` shows."""
        name = to_ascii(self.host)
        try:
            with self.connect() as sock, context.wrap_socket(sock, server_hostname=name) as secured:
                return _Seen(chain=_chain(secured), protocol=secured.version())
        except OSError as error:
            return _Seen(error=error)

    def asks_certificate(self) -> bool:
        """Return whether the server asks clients for a certificate, which ends a handshake of ours."""
        context, seen = _unverified(), []
        if not hasattr(context, "_msg_callback"):
            return False
        context._msg_callback = lambda *told: seen.append((told[1], told[4]))  # noqa: SLF001 - nothing else tells
        self.shake(context)
        return ("read", _CERTIFICATE_REQUEST) in seen


def _chain(secured: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates as the server sent them, its own first, in DER."""
    if hasattr(secured, "get_unverified_chain"):  # Python 3.13
        return tuple(secured.get_unverified_chain())
    inner = secured._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - the only way before 3.13
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain() or ())


def _unverified() -> ssl.SSLContext:
    """Return a context for looking only: nothing but a greeting is ever sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _ancient() -> ssl.SSLContext:
    """Return a context that speaks what no client of today does, to name what the server speaks."""
    context = _unverified()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _without_certificate(answer: TlsAnswer, look: _Look, error: OSError) -> TlsAnswer:
    if isinstance(error, TimeoutError):  # HTTP servers wait for the end of a line that never comes
        return _with_peer(answer, look, waits=True)
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    if look.asks_certificate():
        return msgspec.structs.replace(answer, asks_certificate=True)
    seen = look.shake(_ancient())
    if seen.protocol:
        old = seen.protocol in {"SSLv3", "TLSv1", "TLSv1.1"} or reason in _OLD_REASONS
        answer = msgspec.structs.replace(answer, old_protocol=old)
        return _with_chain(answer, seen, None)
    if reason in _OLD_REASONS:
        return msgspec.structs.replace(answer, old_protocol=True)
    return _with_peer(answer, look, waits=False)


def _with_peer(answer: TlsAnswer, look: _Look, *, waits: bool) -> TlsAnswer:
    """Return what answers in place of TLS; silent is who says nothing to a line of text either."""
    left = look.deadline - clock.monotonic()
    peer = peers.look((look.address,), waits=waits, seconds=min(peers.LOOK_SECONDS, max(0.1, left)))
    if peer is Peer.HTTP:
        return msgspec.structs.replace(answer, plain_http=True)
    if peer in {None, Peer.TLS}:
        return msgspec.structs.replace(answer, silent=waits)
    return msgspec.structs.replace(answer, peer=peer.words)


def _with_chain(answer: TlsAnswer, seen: _Seen, trust: Trust | None) -> TlsAnswer:
    certificates = tuple(parse_certificate(der) for der in seen.chain)
    matches = matches_name(answer.name, certificates[0].names) if certificates else None
    return msgspec.structs.replace(
        answer,
        protocol=seen.protocol,
        certificates=certificates,
        name_matches=matches,
        trust=trust,
    )


def _trust(look: _Look, ca: Path | None, chain: Sequence[bytes]) -> Trust:
    """Return whether the chain is trusted, apart from dates and names."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.check_hostname = False
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    if look.shake(context).error is None:
        return Trust.TRUSTED
    certificates = [parse_certificate(der) for der in chain]
    if not certificates:
        return Trust.UNKNOWN_AUTHORITY
    if certificates[0].issuer == certificates[0].subject:
        return Trust.SELF_SIGNED
    # A chain that ends at the server's own certificate lacks an intermediate wherever the issuer is not
    # the authority itself. That cannot be seen from the certificate; one that says where its issuer's is
    # to be had, or a store of few authorities, as teams have for their own services, says it well enough.
    own_store = 0 < len(context.get_ca_certs()) <= _OWN_STORE
    if len(certificates) == 1 and (own_store or names_its_issuer(chain[0])):
        return Trust.MISSING_INTERMEDIATE
    return Trust.UNKNOWN_AUTHORITY
