"""TLS handshakes: contexts, verified connections, and what a handshake shows."""

import contextlib
import functools
import os
import socket
import ssl
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections.names import to_ascii
from incident_lib.connections.sockets import Address, kind_of
from incident_lib.errors import ProblemKind, TargetError

_CERTIFICATE_REQUEST = 13  # the message of a handshake, RFC 5246 and 8446
_ADVICE = "see the network page for the certificate; set `ca` for a private CA"


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
            f"the CA file {ca} cannot be read: {reason}",
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
        return TargetError(ProblemKind.TLS, f"{host} closes the connection during the TLS handshake", _ADVICE)
    if isinstance(error, ssl.SSLError):
        return TargetError(
            ProblemKind.TLS, f"the TLS handshake with {host} failed: {reason_of(error)}", _ADVICE
        )
    kind = kind_of(error)
    words = {
        ProblemKind.TIMED_OUT: "connects but does not answer the TLS handshake",
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


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """What one handshake showed: the chain and protocol, or the error."""

    chain: tuple[bytes, ...] = ()
    protocol: str | None = None
    error: OSError | None = None


def asks_certificate(host: str, address: Address, seconds: float) -> bool:
    """Return whether a server asks clients for a certificate. Cost: one connection."""
    return Handshakes(host, address, clock.monotonic() + seconds).asks_certificate()


class Handshakes:
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

    def shake(self, context: ssl.SSLContext) -> Handshake:
        """Return what a handshake under `context` shows."""
        name = to_ascii(self.host)
        try:
            with self.connect() as sock, context.wrap_socket(sock, server_hostname=name) as secured:
                return Handshake(chain=_chain(secured), protocol=secured.version())
        except OSError as error:
            return Handshake(error=error)

    def asks_certificate(self) -> bool:
        """Return whether the server asks clients for a certificate, which ends a handshake of ours."""
        context, seen = unverified(), []
        if not hasattr(context, "_msg_callback"):
            return False
        context._msg_callback = lambda *fields: seen.append((fields[1], fields[4]))  # noqa: SLF001 - no other way
        self.shake(context)
        return ("read", _CERTIFICATE_REQUEST) in seen


def _chain(secured: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates as the server sent them, its own first, in DER."""
    if hasattr(secured, "get_unverified_chain"):  # Python 3.13
        return tuple(secured.get_unverified_chain())
    inner = secured._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - the only way before 3.13
    return tuple(
        ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
        for certificate in inner.get_unverified_chain() or ()
    )


def unverified() -> ssl.SSLContext:
    """Return a context for looking only: nothing but a greeting is ever sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ancient() -> ssl.SSLContext:
    """Return a context that speaks what no client of today does, to name what the server speaks."""
    context = unverified()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
