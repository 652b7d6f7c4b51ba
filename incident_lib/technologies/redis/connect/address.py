"""A Redis URL -> where to connect and as whom."""

import ssl
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

from incident_lib.connections.tls import context_for
from incident_lib.errors import ProblemKind, TargetError

PORT = 6379
_TLS_SCHEMES = frozenset({"rediss", "valkeys"})
_SCHEMES = frozenset({"redis", "valkey", "unix"}) | _TLS_SCHEMES


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is. Its text never shows the password."""

    host: str = "127.0.0.1"
    port: int = PORT
    path: str = ""  # of a Unix socket, instead of host and port
    user: str = ""
    password: str = ""
    database: int | None = None
    tls: bool = False
    verify: bool = True
    ca: str = ""

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext:
        """Return how the server's certificate is verified.

        Errors: TargetError NOT_CONFIGURED where `ca` cannot be read.
        """
        if self.verify:
            return context_for(Path(self.ca) if self.ca else None)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def parse_url(url: str, ca: str = "") -> Address:
    """Return the address in `url`: redis://, rediss:// (TLS), valkey://, valkeys:// or unix://.

    Errors: TargetError NOT_CONFIGURED, whose message does not show the URL, as it may hold a password.

    >>> str(parse_url("redis://:hunter2@cache:6380/1"))
    'cache:6380'
    """
    try:
        parts = urlsplit(url.strip())
        return _address(parts, ca)
    except ValueError as error:
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            "the Redis URL cannot be read",
            "write redis://[user:password@]host[:port][/database], rediss:// for TLS, or unix:///path",
        ) from error


def _address(parts: SplitResult, ca: str) -> Address:
    if parts.scheme not in _SCHEMES:
        raise ValueError(parts.scheme)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    on_socket = parts.scheme == "unix"
    database = query.get("db", "" if on_socket else parts.path.strip("/"))
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or PORT,
        path=unquote(parts.path) if on_socket else "",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=int(database) if database else None,
        tls=parts.scheme in _TLS_SCHEMES,
        verify=query.get("ssl_cert_reqs", "required") != "none",
        ca=ca or query.get("ssl_ca_certs", ""),
    )
