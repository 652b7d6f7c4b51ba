"""Names, ports and TLS of one place, as seen from this machine."""

from concurrent.futures import ThreadPoolExecutor

from incident_lib import clock
from incident_lib.connections import names
from incident_lib.connections.session import NoSession
from incident_lib.connections.sockets import Address, Attempt, connect_all, settled
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.network.probes.place import Place
from incident_lib.technologies.network.probes.tls import inspect_tls
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer

NAME_SECONDS = 5.0
ASK_SECONDS = 2.0
CONNECT_SECONDS = 3.0
SETTLE_SECONDS = 0.1  # whoever accepts only to hang up does so at once
TLS_SECONDS = 5.0
_GRACE_SECONDS = 1.0


class NetworkSession(NoSession):
    """A place whose name was resolved."""

    def __init__(self, place: Place, addresses: tuple[Address, ...], seconds: float) -> None:
        super().__init__()
        self.place = place
        self.addresses = addresses
        self.seconds = seconds  # what resolving took
        self.reached: tuple[Address, ...] | None = None  # addresses that connected, once that was tried


def open_session(place: Place) -> NetworkSession:
    """Return a session with the place's addresses, as the system resolves them.

    Errors: TargetError NAME_NOT_RESOLVED with what each resolver says.
    """
    started = clock.monotonic()
    try:
        addresses = names.resolve(place.host, place.port or 0, NAME_SECONDS)
    except TargetError as error:
        said = "; ".join(_word(answer) for answer in _ask_resolvers(place.host))
        message = f"{error.message} ({said})" if said else error.message
        raise TargetError(error.kind, message, error.advice) from error
    return NetworkSession(place, addresses, clock.monotonic() - started)


def _word(answer: NameAnswer) -> str:
    return f"{answer.asked}: {answer.code or answer.error}"


def fetch_names(session: NetworkSession, _window: Window) -> Fetched:
    """Return what the system says about the name, and beside it what each resolver does.

    Source: getaddrinfo; A and AAAA queries to each resolver, not for addresses and names of the hosts file.
    Shape: one NameAnswer a source, the system's first. Cost: a few packets to each resolver.
    """
    place = session.place
    system = NameAnswer(
        name=place.host,
        asked="system",
        decides=True,
        addresses=tuple(dict.fromkeys(address.host for address in session.addresses)),
        seconds=session.seconds,
    )
    return Fetched(rows=(system, *_ask_resolvers(place.host)), source=f"getaddrinfo {place.host}")


def _ask_resolvers(host: str) -> tuple[NameAnswer, ...]:
    if names.is_literal(host) or host.lower().rstrip(".") in names.hosts_file_names():
        return ()
    if not (servers := names.nameservers()):
        return ()
    try:
        name = names.to_ascii(host)
    except TargetError:
        return ()
    with ThreadPoolExecutor(max_workers=len(servers)) as pool:
        replies = pool.map(lambda server: names.ask(server, name, ASK_SECONDS), servers)
        return tuple(
            _name_answer(host, server, reply) for server, reply in zip(servers, replies, strict=True)
        )


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

    Source: TCP connections. Shape: one PortAnswer an address. Cost: one connection an address, no byte sent.
    """
    attempts = settled(connect_all(session.addresses, CONNECT_SECONDS), SETTLE_SECONDS)
    for attempt in attempts:
        if attempt.sock:
            attempt.sock.close()
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
    )


def fetch_tls(session: NetworkSession, _window: Window) -> Fetched:
    """Return what handshakes with the first address that connects show.

    Source: a verified handshake; where it fails, others that list why. Shape: one TlsAnswer.
    Cost: one connection, up to five where something is wrong.
    Errors: TargetError SKIPPED where no address could be connected to.
    """
    place = session.place
    if session.reached == ():
        where = f"{place.host}:{place.port}"
        raise TargetError(ProblemKind.SKIPPED, f"nothing at {where} can be connected to")
    reached = session.reached or session.addresses
    answer = inspect_tls(place.host, reached, ca=place.ca, seconds=TLS_SECONDS)
    return Fetched(rows=(answer,), source=f"TLS handshake with {answer.address} for {place.host}")


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
    cost="one connection an address",
    deadline_seconds=CONNECT_SECONDS + _GRACE_SECONDS,
)
TLS = Probe(
    name="network.tls",
    fetch=fetch_tls,
    question="Is the certificate accepted, and for how long?",
    source="TLS handshakes",
    cost="one connection, up to five where something is wrong",
    deadline_seconds=TLS_SECONDS + _GRACE_SECONDS,
)
