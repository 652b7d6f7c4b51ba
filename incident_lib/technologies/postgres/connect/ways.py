"""Which ways are tried, in which order, and what is remembered of those that failed."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from incident_lib.config import Service, Settings
from incident_lib.connections.places.container import Container, container_of
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect.container import Found, inspect, open_exec
from incident_lib.technologies.postgres.connect.problems import explain_hang, explain_peer, leads_to_one_port
from incident_lib.technologies.postgres.connect.session import (
    CONNECT_SECONDS,
    FALLBACK_DATABASE,
    Attempt,
    PostgresSession,
    Transport,
)

if TYPE_CHECKING:
    from incident_lib.technologies.postgres.connect.direct import PoolerSession

# The address is no way from here, which says little about the server: another way may lead to it.
_NO_WAY = {
    ProblemKind.REFUSED,
    ProblemKind.UNREACHABLE,
    ProblemKind.TIMED_OUT,
    ProblemKind.NAME_NOT_RESOLVED,
    ProblemKind.RESET,
}
# The server answered, and another way would hear the same.
_ANSWERED = {ProblemKind.FULL, ProblemKind.STARTING, ProblemKind.BUSY}
# The database is the trouble, or may be: with one catalog of it locked, a session hangs before it begins.
_OTHER_DATABASE = {ProblemKind.NOT_FOUND, ProblemKind.TIMED_OUT, ProblemKind.BUSY}
_CONNECT_AGAIN_SECONDS = 2


def open_postgres(settings: Settings, service: Service) -> PostgresSession:
    """Return a session with `service`: its configured address, else what its container gives.

    Cost: one connection at a time. Errors: TargetError of the first way that says something about the server.
    """
    if not service.dsn and not service.container:
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            f"no address is configured for {service.name}",
            'set dsn = "env:NAME" or container = "NAME" in workbench.toml',
        )
    if service.dsn:
        session = _open_configured(settings, service)
    else:
        session = _open_found(service, credentials=settings.document.workbench.discover_credentials)
    session.container = service.container
    return session


def open_pooler(settings: Settings, service: Service) -> "PoolerSession":
    """Return a session with the console of PgBouncer at the service's `pooler_dsn`.

    Needs: a name in admin_users or stats_users. Cost: one connection. Errors: TargetError.
    """
    from incident_lib.technologies.postgres.connect.direct import open_console

    return open_console(settings.resolve(service.pooler_dsn))


def _open_configured(settings: Settings, service: Service) -> PostgresSession:
    from incident_lib.technologies.postgres.connect.direct import parse_dsn

    parameters = parse_dsn(settings.resolve(service.dsn))
    if service.ca:
        parameters.setdefault("sslrootcert", str(settings.file(service.ca)))
    try:
        return _direct(parameters, way="configured")
    except TargetError as error:
        if not service.container or error.kind not in _NO_WAY:
            raise explain_hang(error, service.container, parameters) from error
        failed = Attempt(way="the configured address", error=error)
    try:
        return _exec(service.container, parameters, attempts=(failed,))
    except TargetError as error:
        advice = "; ".join(filter(None, (failed.error.advice, error.message)))
        raise TargetError(failed.error.kind, failed.error.message, advice) from error


def _open_found(service: Service, *, credentials: bool) -> PostgresSession:
    found = inspect(container_of(service), credentials=credentials)
    attempts: list[Attempt] = []
    way = f"the address found by inspecting {service.container}"
    for host, port in found.addresses if credentials else ():
        try:
            session = _direct(found.parameters(host, port), way="discovered", attempts=tuple(attempts))
        except TargetError as error:
            if error.kind in _ANSWERED:
                raise explain_hang(error, service.container, found.parameters(host, port)) from error
            attempts.append(Attempt(way=way, error=error))
            if error.kind is ProblemKind.TIMED_OUT:
                break
        else:
            session.notes = (
                *session.notes,
                f"address and login were found by inspecting {service.container}",
            )
            return session
    return _exec_last(service.container, found, tuple(attempts))


def _exec_last(container: str, found: Found, attempts: tuple[Attempt, ...]) -> PostgresSession:
    login = {"user": found.user, "dbname": found.database, "password": found.password}
    try:
        return _exec(container, login, attempts=attempts)
    except TargetError as error:
        if not attempts or not error.kind.is_ours:
            raise
        # psql is not there: what the wire reported is what is known about the server.
        raise attempts[0].error from error


def _direct(
    parameters: Mapping[str, Any], *, way: str, attempts: tuple[Attempt, ...] = ()
) -> PostgresSession:
    from incident_lib.technologies.postgres.connect.direct import open_direct, place

    def connect(chosen: Mapping[str, Any], seconds: int) -> Transport:
        """Return the way over the wire. Errors: TargetError that names what answers."""
        try:
            return open_direct(chosen, seconds=seconds)
        except TargetError as error:
            raise explain_peer(error, chosen) from error

    # A server that hangs in one database has greeted us and was reported as BUSY; a silent one is so in all.
    silent = {ProblemKind.TIMED_OUT} if leads_to_one_port(parameters) else set[ProblemKind]()
    try:
        transport, used, refused = _or_other_database(connect, parameters, _OTHER_DATABASE - silent)
    except TargetError as error:
        raise TargetError(error.kind, f"{place(parameters)}: {error.message}", error.advice) from error
    vantage = f"{place(used)} from this machine"
    return PostgresSession(transport, vantage, way=way, attempts=attempts, refused_database=refused)


def _exec(container: str, login: Mapping[str, Any], *, attempts: tuple[Attempt, ...]) -> PostgresSession:
    inside = Container(container).open()

    def connect(chosen: Mapping[str, Any], _seconds: int) -> Transport:
        """Return the way through psql in the container. Errors: TargetError."""
        return open_exec(inside, dict(chosen))

    try:
        transport, used, refused = _or_other_database(connect, login, _OTHER_DATABASE)
    except TargetError as error:
        inside.close()
        raise TargetError(error.kind, f"psql in {container}: {error.message}", error.advice) from error
    vantage = f"psql inside the container {container}, database {used.get('dbname') or FALLBACK_DATABASE}"
    return PostgresSession(transport, vantage, way="exec", attempts=attempts, refused_database=refused)


def _or_other_database(
    connect: Callable[[Mapping[str, Any], int], Transport],
    parameters: Mapping[str, Any],
    kinds: Collection[ProblemKind],
) -> tuple[Transport, Mapping[str, Any], Attempt | None]:
    """Return a transport, the parameters that led to it, and the database that refused before it.

    Errors: TargetError of the first database, when the second one does not let us in either.
    """
    try:
        return connect(parameters, CONNECT_SECONDS), parameters, None
    except TargetError as error:
        database = str(parameters.get("dbname") or parameters.get("user") or "")
        refuses = error.kind in kinds or _names_database(error)
        if not refuses or database == FALLBACK_DATABASE:
            raise
        first = error
    other = {**parameters, "dbname": FALLBACK_DATABASE}
    try:
        transport = connect(other, _CONNECT_AGAIN_SECONDS)
    except TargetError:
        raise first from None
    return transport, other, Attempt(way=f"the database {database}", error=first)


def _names_database(error: TargetError) -> bool:
    """Return whether the refusal is about one database and not about the server."""
    return any(
        text in error.message
        for text in ("too many connections for database", "not currently accepting", "denied for database")
    )
