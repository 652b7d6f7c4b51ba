"""Names -> addresses: the system's own resolution, bounded, and each resolver asked directly."""

import ipaddress
import socket
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
_ADVICE = "look at the spelling, the zone, and whether the resolvers of this machine answer"


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
        raise TargetError(ProblemKind.NAME_NOT_RESOLVED, f"{host!r} is no valid name: {error}") from error


def resolve(host: str, port: int, seconds: float) -> tuple[Address, ...]:
    """Return the addresses that the system connects to for `host`, in its order.

    Source: getaddrinfo, in a thread that is left behind at the deadline, because nothing can break it off.
    Errors: TargetError NAME_NOT_RESOLVED.
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
    return tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


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
    return Reply(code=None, error="it cannot be asked: nothing listens there")
