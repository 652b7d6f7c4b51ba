"""The ways to a server, in order: the configured address, what its container says, redis-cli inside it."""

from collections.abc import Callable
from functools import partial

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.connections.places.container import OpenContainer, container_of
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.redis.connect import container
from incident_lib.technologies.redis.connect.address import Address, parse_url
from incident_lib.technologies.redis.connect.problems import ReplyError, from_login, from_reply
from incident_lib.technologies.redis.connect.session import NAME, RedisSession, Transport
from incident_lib.technologies.redis.connect.wire import Wire, connect
from incident_lib.units import format_guess

_NO_PASSWORD = "without any password configured"  # noqa: S105 - what a server without one says

# What a server says that is there: worth more than that its address cannot be reached from here.
_ANSWERED = frozenset(
    {
        ProblemKind.DENIED,
        ProblemKind.FULL,
        ProblemKind.STARTING,
        ProblemKind.BUSY,
        ProblemKind.PRIVILEGE,
    }
)


def open_session(settings: Settings, service: Service) -> RedisSession:
    """Return a session with `service`, whose first INFO has been read.

    Each way is tried once, two seconds to connect and two for each answer. What was tried is in `notes`.
    Errors: TargetError of the first way that was open to us, or NOT_CONFIGURED where there was none.
    """
    session = _open(settings, service)
    if service.memory_limit_bytes:
        session.memory_limit = partial(int, service.memory_limit_bytes)
    elif service.container:
        session.memory_limit = partial(container.memory_limit, container_of(service))
    return session


def _open(settings: Settings, service: Service) -> RedisSession:
    if service.url:
        return _configured(settings, service)
    if not service.container:
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            f"no address of {service.name} is configured",
            'set `url = "env:REDIS_URL"` or `container` of that service',
        )
    discover = settings.document.workbench.discover_credentials
    place = container_of(service).open()
    return _with(place, lambda: _inspect_and_open(place, credentials=discover))


def _configured(settings: Settings, service: Service) -> RedisSession:
    ca = str(settings.file(service.ca)) if service.ca else ""
    address = parse_url(settings.resolve(service.url), ca)
    notes = (f"configured address {address}",)
    try:
        wire = connect(address)
    except TargetError as error:
        if not service.container:
            raise
        return _or_inside(service, address, (f"{notes[0]}: {error.message}",), error)
    return greet(wire, address, notes)


def _or_inside(
    service: Service, address: Address, notes: tuple[str, ...], cause: TargetError
) -> RedisSession:
    """Return a session through the container, with the configured login. Errors: the one that says most."""
    try:
        place = container_of(service).open()
        return _with(place, lambda: _exec(place, notes, login=address))
    except TargetError as error:
        message = f"{cause.message}; inside container {service.container}: {error.message}"
        shown = error if error.kind in _ANSWERED else cause
        raise TargetError(shown.kind, message, shown.advice) from error


def _with(place: OpenContainer, action: Callable[[], RedisSession]) -> RedisSession:
    """Return what `action` opens; the engine is closed where no session needs it any longer."""
    try:
        session = action()
    except TargetError:
        place.close()
        raise
    if session.is_quick:
        place.close()
    return session


def _inspect_and_open(place: OpenContainer, *, credentials: bool) -> RedisSession:
    found = container.find(place)
    notes: tuple[str, ...] = (f"inspected container {place.name}",)
    if credentials and found.inside.password:
        notes = (*notes, "used the password that the container is started with, in memory only")
    address = found.address if credentials or not found.address else _without_login(found.address)
    if address is not None:
        try:
            wire = connect(address)
        except TargetError as error:
            notes = (*notes, f"{address}: {error.message}")
        else:
            return greet(wire, address, (*notes, str(address)))
    login = found.inside if credentials else _without_login(found.inside)
    return _exec(place, notes, login=login, found=found)


def _without_login(address: Address) -> Address:
    return msgspec.structs.replace(address, user="", password="")


def _exec(
    place: OpenContainer,
    notes: tuple[str, ...],
    *,
    login: Address,
    found: container.Found | None = None,
) -> RedisSession:
    found = found or container.find(place)
    inside = msgspec.structs.replace(
        found.inside, user=login.user, password=login.password, tls=login.tls, database=login.database
    )
    cli = container.ContainerCli(place, inside)
    notes = (*notes, f"redis-cli inside container {place.name}")
    return greet(cli, inside, notes)


def greet(transport: Transport, address: Address, notes: tuple[str, ...]) -> RedisSession:
    """Return the session behind an open transport: log in, read INFO, say who we are.

    Errors: TargetError DENIED, FULL, STARTING, BUSY, PRIVILEGE and those of the connection; closes it then.
    """
    try:
        if isinstance(transport, Wire):
            notes = (*notes, *_log_in(transport, address))
        here = " from this machine" if isinstance(transport, Wire) else ""
        session = RedisSession(transport, f"{transport.where}{here}", notes)
        session.user = address.user or session.user
        session.read_first()
        _require(session)
    except TargetError:
        transport.close()
        raise
    return session


def _log_in(wire: Wire, address: Address) -> tuple[str, ...]:
    """Log in and return what there is to note. Nothing is quoted of a reply, which may hold the password."""
    notes = () if address.verify or not address.tls else ("the certificate was not verified, as configured",)
    if not address.password:
        return notes
    login = (address.user, address.password) if address.user else (address.password,)
    reply = wire.exchange([("AUTH", *login)])[0]
    if not isinstance(reply, ReplyError):
        return notes
    if _NO_PASSWORD in str(reply):
        return (*notes, "the server needs no password, so the configured password was not used")
    raise from_login(reply)


def _require(session: RedisSession) -> None:
    """Raise what makes the whole session useless; a refused INFO alone leaves the other probes their work."""
    refused = session.info_refused
    if refused is None:
        if session.info().flag("loading"):
            raise _loading(session)
        if session.is_quick:
            session.exchange([("CLIENT", "SETNAME", NAME)])  # refused or not: it only names us to others
        return
    if refused.code != "NOPERM" or isinstance(session.exchange([("PING",)])[0], ReplyError):
        raise from_reply(refused)


def _loading(session: RedisSession) -> TargetError:
    info = session.info()
    done, left = info.number("loading_loaded_perc"), info.number("loading_eta_seconds")
    left = None if left is None or left < 0 else left  # -1: it does not know yet
    estimate = "" if done is None else f", {done:.0f} % read"
    estimate += "" if left is None else f", {format_guess(left)} left"
    numbers = {"loaded_ratio": None if done is None else done / 100, "loading_eta_seconds": left}
    return TargetError(
        ProblemKind.STARTING,
        f"the server is loading its data{estimate}",
        "wait for it, and do not restart it: loading would start over",
        numbers={name: value for name, value in numbers.items() if value is not None},
    )
