"""Records of the network and TLS probes."""

from datetime import datetime
from enum import StrEnum

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.model.rows import Row


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
    unsent: bool = False  # this machine has no route there, or may not send, so nothing left it


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
