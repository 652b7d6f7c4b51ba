"""Names -> addresses: the system's own resolution, bounded, and each resolver asked directly."""

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from incident_lib import clock
from incident_lib.connections import bounded
from incident_lib.connections.sockets import Address
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

if TYPE_CHECKING:
    import dns.resolver

DNS_PORT = 53
# What clouds answer credentials and settings of a machine at, next to the link-local addresses.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23",
                    "fd20:ce::254")
)  # fmt: skip
_METADATA_V4 = ipaddress.ip_network("169.254.169.0/24")
_CONTAINER_METADATA = ipaddress.ip_network("169.254.170.0/24")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_CALLED_ADVICE = (
    "find out who changed that name: a link-local address may hand out credentials of this machine; if it "
    "is intended, configure the address itself"
)
_ADVICE = "check the spelling, the zone, and whether the resolvers of this machine answer"


class Nameserver(msgspec.Struct, frozen=True):
    """A resolver that can be asked directly."""

    address: str
    port: int = DNS_PORT


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What one resolver says about a name, A and AAAA together. `code` is None when nothing came back."""

    code: str | None
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ttl_seconds: int | None = None
    seconds: float = 0.0
    error: str = ""


def is_literal(host: str) -> bool:
    """Return whether `host` is an address already.

    >>> is_literal("::1"), is_literal("db.example.com")
    (True, False)
    """
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def reserved(address: str) -> str:
    """Return what an address is that no name of a service leads to, "" where it is an ordinary one.

    Also where it is wrapped in an address of version 6.

    >>> reserved("169.254.169.254"), reserved("fe80::1%eth0"), reserved("10.0.0.7")
    ("the address of a cloud's metadata service", 'a link-local address', '')
    >>> reserved("::ffff:169.254.169.254"), reserved("fd00:ec2::254") == reserved("64:ff9b::a9fe:a9fe")
    ("the address of a cloud's metadata service", True)
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour
        if known in _NAT64:
            inner = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
        known = inner or known
    networks = (_METADATA_V4, _CONTAINER_METADATA)
    if known in _METADATA or any(
        known in network for network in networks if network.version == known.version
    ):
        return "the address of a cloud's metadata service"
    return "a link-local address" if known.is_link_local else ""


def check_addresses(host: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses that may be called for `host`: all of one that was configured as an address.

    A machine's own name often has its link-local address of version 6 next to others: just these are called.
    Errors: TargetError NOT_CALLED where a name leads to a reserved address.
    """
    found = tuple(addresses)
    if is_literal(host):
        return found
    wrong = {address: what for address in found if (what := reserved(address))}
    ordinary = tuple(address for address in found if address not in wrong)
    if ordinary and all(address.lower().startswith("fe80:") for address in wrong):
        return ordinary
    for address, what in wrong.items():
        message = f"the name {host} resolves to {address}, {what}: it was not contacted"
        raise TargetError(ProblemKind.NOT_CALLED, message, _NOT_CALLED_ADVICE)
    return found


def to_ascii(host: str) -> str:
    """Return `host` as it goes over the wire. Errors: TargetError NAME_NOT_RESOLVED for what is no name.

    >>> to_ascii("bücher.example")
    'xn--bcher-kva.example'
    """
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise TargetError(ProblemKind.NAME_NOT_RESOLVED, f"{host!r} is not a valid name: {error}") from error


def resolve(host: str, port: int, seconds: float) -> tuple[Address, ...]:
    """Return the addresses that the system connects to for `host`, in its order.

    Source: getaddrinfo, in a thread that is left behind at the deadline, because nothing can break it off.
    Errors: TargetError NAME_NOT_RESOLVED, NOT_CALLED where a name leads to a reserved address.
    """
    name = to_ascii(host)
    try:
        found = bounded.call(lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM), seconds)
    except TargetError as error:
        waited = format_duration(seconds)
        message = f"the name {host} was not resolved within {waited}: no resolver answers"
        raise TargetError(ProblemKind.NAME_NOT_RESOLVED, message, _ADVICE) from error
    except (OSError, UnicodeError, OverflowError) as error:
        raise TargetError(ProblemKind.NAME_NOT_RESOLVED, _reason(host, error), _ADVICE) from error
    addresses = tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))
    called = check_addresses(host, (address.host for address in addresses))
    return tuple(address for address in addresses if address.host in called)


def _reason(host: str, error: Exception) -> str:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return f"the name {host} does not resolve: no resolver gave an answer"
    if isinstance(error, socket.gaierror):
        return f"the name {host} does not resolve: no such name"
    return f"the name {host} does not resolve: {error}"


def hosts_file_names(path: Path = Path("/etc/hosts")) -> frozenset[str]:
    """Return the names that this machine's hosts file decides, in small letters."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset({"localhost"})
    names = {name.lower() for line in lines for name in line.partition("#")[0].split()[1:]}
    return frozenset(names | {"localhost"})


def nameservers() -> tuple[Nameserver, ...]:
    """Return the resolvers that this machine is configured with. Source: /etc/resolv.conf."""
    import dns.exception
    import dns.resolver

    try:
        configured = dns.resolver.Resolver().nameservers
    except dns.exception.DNSException:
        return ()
    return tuple(Nameserver(str(address)) for address in configured)


def ask(server: Nameserver, name: str, seconds: float) -> Reply:
    """Return what `server` says about `name`, with the search domains of this machine.

    Source: A and AAAA queries over UDP, TCP where the answer is too long. Cost: two packets or a few more.
    """
    started = clock.monotonic()
    replies = []
    for record in ("A", "AAAA"):
        left = seconds - (clock.monotonic() - started)
        replies.append(_ask_for(server, name, record, max(0.1, left)))
        if replies[-1].code in {None, "NXDOMAIN"}:
            break
    codes = [reply.code for reply in replies]
    ttls = [reply.ttl_seconds for reply in replies if reply.ttl_seconds is not None]
    return Reply(
        code=next((code for code in codes if code != "NOERROR"), "NOERROR"),
        addresses=tuple(address for reply in replies for address in reply.addresses),
        aliases=next((reply.aliases for reply in replies if reply.aliases), ()),
        ttl_seconds=min(ttls) if ttls else None,
        seconds=clock.monotonic() - started,
        error=next((reply.error for reply in replies if reply.error), ""),
    )


def _ask_for(server: Nameserver, name: str, record: str, seconds: float) -> Reply:
    import dns.exception
    import dns.rcode
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server.address], server.port
    try:
        answer = resolver.resolve(name, record, search=True, lifetime=seconds, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Reply(code="NXDOMAIN")
    except dns.resolver.LifetimeTimeout:
        return Reply(code=None, error=f"no answer within {format_duration(seconds)}")
    except dns.resolver.NoNameservers as error:
        return _refusal(error)
    except (dns.exception.DNSException, OSError) as error:
        return Reply(code=None, error=str(error))
    return _reply(answer)


def _reply(answer: "dns.resolver.Answer") -> Reply:
    import dns.rcode

    chain = answer.chaining_result
    return Reply(
        code=dns.rcode.to_text(answer.response.rcode()),
        addresses=tuple(str(item) for item in answer.rrset) if answer.rrset else (),
        aliases=tuple(str(item.target).rstrip(".") for rrset in chain.cnames for item in rrset),
        ttl_seconds=chain.minimum_ttl if answer.rrset else None,
    )


def _refusal(error: "dns.resolver.NoNameservers") -> Reply:
    import dns.rcode

    for *_, response in error.kwargs.get("errors", ()):
        if response is not None:
            return Reply(code=dns.rcode.to_text(response.rcode()))
    return Reply(code=None, error="it cannot be queried: nothing listens there")
