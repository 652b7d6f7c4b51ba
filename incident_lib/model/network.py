"""Records of the network, TLS and HTTP probes."""

from datetime import datetime
from enum import StrEnum

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.model.row import Measurement, Row


class NameAnswer(Row, frozen=True, kw_only=True):
    """What one source says about a name: the system's own resolution, or one resolver asked directly."""

    name: str
    asked: str  # "system", or the resolver's address
    decides: bool = False  # whether this is what a connection uses
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # CNAMEs, in order
    ttl_seconds: int | None = None
    code: str | None = None  # NOERROR, NXDOMAIN, SERVFAIL, ...; None when nothing came back
    seconds: float | None = None
    error: str = ""
    dependency: str = ""  # whose name it is, where that is not the target itself


class PortAnswer(Row, frozen=True, kw_only=True):
    """What happened when one address was connected to. `kind` is None where it connected."""

    address: str
    port: int
    kind: ProblemKind | None = None
    message: str = ""
    seconds: float | None = None
    name: str = ""  # what was asked for, where it was asked inside a container
    asked: str = ""  # from where: "container app-backend"; this machine if empty
    dependency: str = ""  # whose port it is, where that is not the target itself


class Trust(StrEnum):
    """Whether the chain that a server sends leads to an authority that is trusted here."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self_signed"
    MISSING_INTERMEDIATE = "missing_intermediate"
    UNKNOWN_AUTHORITY = "unknown_authority"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate as the server sent it."""

    subject: str
    issuer: str
    names: tuple[str, ...] = ()  # subject alternative names
    not_before_at: datetime
    not_after_at: datetime
    sha256: str


class TlsAnswer(Row, frozen=True, kw_only=True):
    """What one address showed in TLS handshakes: a verified one, and where it failed, one that lists why."""

    name: str  # what was asked for
    address: str
    verified: bool
    message: str = ""  # why not, in the library's words
    protocol: str | None = None
    old_protocol: bool = False  # nothing newer than TLS 1.1 is spoken
    plain_http: bool = False  # HTTP without TLS answers on that port
    silent: bool = False  # connected, and no answer to the greeting
    asks_certificate: bool = False  # of its clients, and ends the handshake of one that has none
    peer: str = ""  # what answers there instead, in words: "a Redis server"
    trust: Trust | None = None
    name_matches: bool | None = None
    certificates: tuple[Certificate, ...] = ()  # the server's own first
    seconds: float | None = None
    asked: str = ""  # from where: "container app-backend"; this machine if empty
    dependency: str = ""  # whose certificate it is, where that is not the target itself
    store: str = ""  # what it was verified with inside a container: own, declared, certifi
    verify_code: int | None = None  # OpenSSL's number for why not


class HealthPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part that a readiness answer names."""

    name: str
    ok: bool
    text: str = ""  # the status in the application's own words


class HttpAnswer(Row, frozen=True, kw_only=True):
    """What came of one GET. Phases are None where they were not reached or not needed."""

    url: str  # without credentials and query
    path: str
    status: int | None = None
    http_version: str | None = None
    name_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    first_byte_seconds: float | None = None
    body_seconds: float | None = None
    total_seconds: float | None = None
    sample_seconds: tuple[float, ...] = ()  # totals of every request, the first one included
    error_kind: ProblemKind | None = None
    error: str = ""
    silent: bool = False  # connected, and not one byte came back
    parts: tuple[HealthPart, ...] = ()
    redirects: tuple[str, ...] = ()
    server: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)  # those that proxies and caches leave
    content_type: str | None = None
    body_bytes: int | None = None
    body_truncated: bool = False
    body_start: str = ""  # of an answer that is not 2xx
    clock_difference_seconds: float | None = None  # its clock less ours, by its Date header
    clock_error_seconds: float | None = None  # how far that may be off either way

    @property
    def typical_seconds(self) -> float | None:
        """The middle one of the totals, None where there was no answer."""
        if self.status is None or not self.sample_seconds:
            return None
        return sorted(self.sample_seconds)[len(self.sample_seconds) // 2]

    @property
    def is_well(self) -> bool:
        """Whether it answered in the 2xx range."""
        return self.status is not None and self.error_kind is None and 200 <= self.status < 300


NetworkRow = Measurement | NameAnswer | PortAnswer | TlsAnswer | HttpAnswer
