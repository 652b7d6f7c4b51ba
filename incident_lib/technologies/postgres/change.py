"""PostgreSQL, opened for change: its only statements signal one session. For remediation alone."""

from pathlib import Path
from string import Template

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect import PostgresSession, open_postgres
from incident_lib.technologies.postgres.roots import Session

SIGNALS = ("cancel", "terminate")


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """One session of the server, and whether we may signal it. None where our role does not see it."""

    pid: int
    kind: str | None
    application: str | None
    role: str | None
    database: str | None
    client_address: str | None
    state: str | None
    backend_started_micros: int | None  # since 1970: with the pid, it names this session and no other
    transaction_started_micros: int | None
    transaction_seconds: float | None
    state_seconds: float | None
    query: str | None
    lock_count: int
    waiter_count: int
    our_role: str
    we_are_superuser: bool
    it_is_superuser: bool | None
    we_may_signal: bool
    we_are_of_its_role: bool
    wait_type: str | None = None
    wait_event: str | None = None
    leader_pid: int | None = None  # of a parallel worker

    @property
    def facts(self) -> Session:
        """What decides whether it may be signalled at all."""
        return Session(
            pid=self.pid,
            backend_type=self.kind,
            state=self.state,
            wait_type=self.wait_type,
            wait_event=self.wait_event,
            application=self.application,
            query=self.query,
        )

    @property
    def is_ours_to_signal(self) -> bool:
        """Whether the server would let our role signal it."""
        if self.we_are_superuser:
            return True
        if self.it_is_superuser or self.role is None:
            return False
        return self.we_may_signal or self.we_are_of_its_role


class PostgresChange:
    """A bounded session that sees one backend and signals it."""

    def __init__(self, session: PostgresSession) -> None:
        self.vantage = session.vantage
        self._session = session

    def backend(self, pid: int) -> Backend | None:
        """Return the session of that process id, None when there is none. Errors: TargetError."""
        rows = self._session.rows(statement("backend", pid=pid))
        return msgspec.convert(rows[0], Backend) if rows else None

    def signal(self, how: str, backend: Backend) -> bool:
        """Return whether that very session, in that very transaction, was signalled; no other one ever is.

        Source: cancel.sql or terminate.sql. Errors: TargetError, PRIVILEGE where our role may not.
        """
        rows = self._session.rows(signal_statement(how, backend))
        return bool(rows and next(iter(rows[0].values())))

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()


def open_for_change(settings: Settings, service: Service) -> PostgresChange:
    """Return a session with `service` for signals.

    Its address is `change_dsn` where there is one, so that the probes' role need not be able to signal. It
    is as read-only as a probe's, as signals need no right to write. Needs: pg_monitor and pg_signal_backend.
    Errors: TargetError.
    """
    address = service.change_dsn or service.dsn
    return PostgresChange(open_postgres(settings, msgspec.structs.replace(service, dsn=address)))


def signal_statement(how: str, backend: Backend) -> str:
    """Return the statement that signals `backend`. Errors: TargetError where its start is not seen."""
    if how not in SIGNALS:
        raise ValueError(f"{how} is not a signal")
    if backend.backend_started_micros is None:
        raise TargetError(
            ProblemKind.PRIVILEGE,
            f"the role {backend.our_role} cannot see when process {backend.pid} began",
            f"GRANT pg_monitor TO {backend.our_role}",
        )
    return statement(
        how,
        pid=backend.pid,
        backend=backend.backend_started_micros,
        transaction=backend.transaction_started_micros or 0,
    )


def statement(name: str, **numbers: int) -> str:
    """Return a shipped statement with numbers put in, and nothing but numbers.

    >>> "pid = 4711 " in statement("cancel", pid=4711, backend=1, transaction=0)
    True
    """
    text = (Path(__file__).parent / "sql" / "change" / f"{name}.sql").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return Template(code).substitute({key.upper(): str(int(value)) for key, value in numbers.items()})
