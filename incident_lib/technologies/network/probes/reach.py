"""Names, ports and TLS of one endpoint, as seen from this machine."""

import functools

from incident_lib import clock
from incident_lib.connections import bounded, names
from incident_lib.connections.session import NoSession
from incident_lib.connections.sockets import Address, Attempt, try_all
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.network.probes.endpoint import Endpoint
from incident_lib.technologies.network.probes.tls import inspect_tls
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer

NAME_SECONDS = 5.0
ASK_SECONDS = 2.0
CONNECT_SECONDS = 3.0
TLS_SECONDS = 5.0
_GRACE_SECONDS = 1.0


class NetworkSession(NoSession):
    """An endpoint whose name was resolved."""

    def __init__(self, endpoint: Endpoint, addresses: tuple[Address, ...], seconds: float) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.addresses = addresses
        self.seconds = seconds  # what resolving took
        self.reached: tuple[Address, ...] | None = None  # addresses that connected, once that was tried


def open_session(endpoint: Endpoint) -> NetworkSession:
    """Return a session with the endpoint's addresses, as the system resolves them.

    Errors: TargetError NAME_NOT_RESOLVED with what each resolver says.
    """
    started = clock.monotonic()
    try:
        addresses = names.resolve(endpoint.host, endpoint.port or 0, NAME_SECONDS)
    except TargetError as error:
        asked = _ask_resolvers(endpoint.host)
        answers = "; ".join(f"{answer.asked}: {answer.code or answer.error}" for answer in asked)
        message = f"{error.message} ({answers})" if answers else error.message
        silent = sum(answer.code is None for answer in asked)
        numbers = {"resolver_count": len(asked), "silent_count": silent}
        raise TargetError(error.kind, message, error.advice, numbers=numbers) from error
    return NetworkSession(endpoint, addresses, clock.monotonic() - started)


def fetch_names(session: NetworkSession, _window: Window) -> Fetched:
    """Return what the system says about the name, and beside it what each resolver does.

    Source: getaddrinfo; A and AAAA queries to each resolver, not for addresses and names of the hosts file.
    Shape: one NameAnswer a source, the system's first. Cost: a few packets to each resolver.
    """
    endpoint = session.endpoint
    system = NameAnswer(
        name=endpoint.host,
        asked="system",
        decides=True,
        addresses=tuple(dict.fromkeys(address.host for address in session.addresses)),
        seconds=session.seconds,
    )
    return Fetched(rows=(system, *_ask_resolvers(endpoint.host)), source=f"getaddrinfo {endpoint.host}")


def _ask_resolvers(host: str) -> tuple[NameAnswer, ...]:
    if names.is_literal(host) or host.lower().rstrip(".") in names.hosts_file_names():
        return ()
    if not (servers := names.nameservers()):
        return ()
    try:
        name = names.to_ascii(host)
    except TargetError:
        return ()
    ask = functools.partial(names.ask, name=name, seconds=ASK_SECONDS)
    replies = bounded.call_each(ask, servers, ASK_SECONDS + _GRACE_SECONDS)
    return tuple(_name_answer(host, server, reply) for server, reply in zip(servers, replies, strict=True))


def _name_answer(host: str, server: names.Nameserver, reply: names.Reply) -> NameAnswer:
    return NameAnswer(
        name=host,
        asked=server.address,
        addresses=reply.addresses,
        aliases=reply.aliases,
        ttl_seconds=reply.ttl_seconds,
        code=reply.code,
        seconds=reply.seconds,
        error=reply.error,
    )


def fetch_ports(session: NetworkSession, _window: Window) -> Fetched:
    """Return what happened at each address, all connected to at once and closed again.

    Source: TCP connections. Shape: one PortAnswer an address. Cost: one connection per address, no byte sent.
    """
    attempts = try_all(session.addresses, CONNECT_SECONDS)
    session.reached = tuple(attempt.address for attempt in attempts if attempt.kind is None)
    tried = ", ".join(address.text for address in session.addresses)
    return Fetched(rows=tuple(_port_answer(attempt) for attempt in attempts), source=f"connect {tried}")


def _port_answer(attempt: Attempt) -> PortAnswer:
    return PortAnswer(
        address=attempt.address.host,
        port=attempt.address.port,
        kind=attempt.kind,
        message=attempt.message,
        seconds=attempt.seconds,
        unsent=attempt.unsent,
    )


def fetch_tls(session: NetworkSession, _window: Window) -> Fetched:
    """Return what handshakes with the first address that connects show.

    Source: a verified handshake; where it fails, others that list why. Shape: one TlsAnswer.
    Cost: one connection, up to five if something is wrong.
    Errors: TargetError SKIPPED where no address could be connected to.
    """
    endpoint = session.endpoint
    if session.reached == ():
        where = f"{endpoint.host}:{endpoint.port}"
        raise TargetError(ProblemKind.SKIPPED, f"{where} cannot be connected to")
    reached = session.reached or session.addresses
    answer = inspect_tls(endpoint.host, reached, ca=endpoint.ca, seconds=TLS_SECONDS)
    return Fetched(rows=(answer,), source=f"TLS handshake with {answer.address} for {endpoint.host}")


NAMES = Probe(
    name="network.names",
    fetch=fetch_names,
    question="Does the name resolve, to what, and do the resolvers agree?",
    source="getaddrinfo; A and AAAA queries to each resolver",
    cost="a few packets to each resolver",
    deadline_seconds=2 * ASK_SECONDS + _GRACE_SECONDS,
)
PORTS = Probe(
    name="network.ports",
    fetch=fetch_ports,
    question="Which addresses accept connections?",
    source="TCP connections to every address",
    cost="one connection per address",
    deadline_seconds=CONNECT_SECONDS + _GRACE_SECONDS,
)
TLS = Probe(
    name="network.tls",
    fetch=fetch_tls,
    question="Is the certificate accepted, and for how long?",
    source="TLS handshakes",
    cost="one connection, up to five if something is wrong",
    deadline_seconds=TLS_SECONDS + _GRACE_SECONDS,
)
