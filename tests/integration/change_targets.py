"""For each action a target that it changes for real, and how often it was changed, by the target itself."""

import gzip
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import psycopg
from docker.errors import APIError, NotFound

from tests import services
from tests.integration import docker_image, docker_service, postgres_service, redis_service

_SECONDS = 20.0
_LINES = {"cancel": "canceling statement due to user request", "terminate": "terminating connection due"}
_KEYS = 700  # more than a batch of UNLINK


class Target:
    """What one action changes: `renew` makes it as new, `again` so that it could be changed once more."""

    name = ""  # as it is typed
    configuration = ""

    def renew(self, place: Path) -> dict[str, str]:
        """Return the arguments of the action for a target that was never changed."""
        raise NotImplementedError

    def again(self, place: Path) -> None:
        """Put it back, as far as that can be, where it was changed."""

    def times(self, place: Path) -> int:
        """Return how often it was changed since it was new."""
        raise NotImplementedError

    def damage(self, _place: Path) -> Iterator[str]:
        """Yield what must not be there, however far a change came."""
        yield from ()


class Session(Target):
    """A session of a PostgreSQL server; its log counts the signals that came."""

    name = "db"

    def __init__(self, server: postgres_service.Server, how: str) -> None:
        self.configuration = (
            f'[[service]]\nname = "db"\nkind = "postgres"\ndsn = "{server.dsn("postgres")}"\n'
        )
        self._server, self._how, self._mark = server, how, 0
        self._connection: psycopg.Connection | None = None
        self._pid = 0

    def renew(self, place: Path) -> dict[str, str]:
        """Begin a session with a statement to cancel, or with a transaction to end."""
        self._forget()
        self._connection = self._server.connect("app")
        self._pid = self._connection.info.backend_pid
        self._mark = len(self._log())
        if self._how == "cancel":
            self._ask()
        else:
            self._connection.execute("BEGIN")
        return {"pid": str(self._pid)}

    def again(self, place: Path) -> None:
        """Run the statement once more in the same session; one that was terminated cannot come back."""
        if self._connection and self._how == "cancel":
            self._connection.pgconn.consume_input()
            if not self._connection.pgconn.is_busy():
                while self._connection.pgconn.get_result():
                    pass
                self._ask()

    def times(self, place: Path) -> int:
        """Return how many signals the server reported; those under way arrive meanwhile."""
        time.sleep(0.1)
        return self._log()[self._mark :].count(_LINES[self._how])

    def _ask(self) -> None:
        assert self._connection
        self._connection.pgconn.send_query(b"SELECT pg_sleep(600)")
        with self._server.connect() as admin:
            _until(lambda: _state(admin, self._pid) == "active")

    def _forget(self) -> None:
        if self._connection:
            with self._server.connect() as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", (self._pid,))
                _until(lambda: _state(admin, self._pid) is None)
            with suppress(psycopg.Error):
                self._connection.close()

    def _log(self) -> str:
        return (self._server.data / "log").read_text(errors="replace")


def _state(admin: psycopg.Connection, pid: int) -> str | None:
    row = admin.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return row[0] if row else None


class _Generations(Target):
    """Things that are made and removed together: a generation that lacks something was changed."""

    def __init__(self) -> None:
        self._made: list[Any] = []

    def renew(self, place: Path) -> dict[str, str]:
        """Make the first generation."""
        self._made = []
        self.again(place)
        return {}

    def again(self, place: Path) -> None:
        """Make one more, unless the last is whole."""
        if not self._made or not self._is_whole(place, self._made[-1]):
            self._made.append(self._make(place, len(self._made)))

    def times(self, place: Path) -> int:
        """Return in how many generations something is missing."""
        return sum(not self._is_whole(place, made) for made in self._made)

    def _make(self, place: Path, number: int) -> Any:
        raise NotImplementedError

    def _is_whole(self, place: Path, made: Any) -> bool:
        raise NotImplementedError


class Keys(_Generations):
    """Keys of a cache; sessions are beside them, and stay."""

    name = "cache"

    def __init__(self, server: redis_service.Server) -> None:
        super().__init__()
        self.configuration = f'[[service]]\nname = "cache"\nkind = "redis"\nurl = "{server.url}"\n'
        self._server = server

    def renew(self, place: Path) -> dict[str, str]:
        """Empty the server and make the first generation."""
        with self._server.client() as client:
            client.flushall()
            client.set("session:kim", "stays")
        return {**super().renew(place), "pattern": "cache:*"}

    def damage(self, _place: Path) -> Iterator[str]:
        """Yield the session, if it is gone."""
        with self._server.client() as client:
            if not client.exists("session:kim"):
                yield "a session was deleted"

    def _make(self, _place: Path, number: int) -> list[str]:
        names = [f"cache:{number}:{key}" for key in range(_KEYS)]
        with self._server.client() as client:
            client.mset(dict.fromkeys(names, "x"))
        return names

    def _is_whole(self, _place: Path, made: list[str]) -> bool:
        with self._server.client() as client:
            return client.exists(*made) == len(made)


class Containers(_Generations):
    """Stopped containers of one label; one that runs is beside them, and stays."""

    name = "docker"

    def __init__(self, engine: docker.DockerClient, ending: ExitStack) -> None:
        super().__init__()
        self._engine, self._label = engine, f"wb-sweep-{uuid.uuid4().hex[:8]}"
        ending.callback(self._remove)
        self._running = _container(engine, ending, labels={self._label: "yes"})

    def renew(self, place: Path) -> dict[str, str]:
        """Remove what was left and make the first generation."""
        self._remove()
        return {**super().renew(place), "label": self._label, "older_than": "0s"}

    def damage(self, _place: Path) -> Iterator[str]:
        """Yield the container that runs, if it does not."""
        self._running.reload()
        if self._running.status != "running":
            yield "a running container was touched"

    def _make(self, _place: Path, _number: int) -> list[str]:
        made = [
            self._engine.containers.create(
                docker_image.BASE, ["true"], network_mode="none", labels={self._label: "yes"}
            )
            for _ in range(2)
        ]
        for container in made:
            container.start()
        for container in made:
            container.wait()
        time.sleep(1.1)  # the engine's times are read in whole seconds
        return [str(container.id) for container in made]

    def _is_whole(self, _place: Path, made: list[str]) -> bool:
        listed = self._engine.containers.list(all=True, filters={"label": self._label})
        return set(made) <= {container.id for container in listed}

    def _remove(self) -> None:
        listed = self._engine.containers.list(all=True, filters={"label": self._label, "status": "exited"})
        for container in listed:
            with suppress(NotFound, APIError):
                container.remove(force=True)


class Container(Target):
    """A container that runs; the engine's events count its restarts."""

    name = "web"

    def __init__(self, engine: docker.DockerClient, ending: ExitStack) -> None:
        self._engine = engine
        self._container = _container(engine, ending)
        self.configuration = (
            f'[[service]]\nname = "web"\nkind = "process"\ncontainer = "{self._container.name}"\n'
        )
        self._since = ""

    def renew(self, place: Path) -> dict[str, str]:
        """Count from now on."""
        time.sleep(0.01)
        self._since = f"{time.time():.9f}"
        return {"grace_seconds": "0", "wait_seconds": "0"}

    def times(self, place: Path) -> int:
        """Return how often the engine restarted it."""
        wanted = {"container": self._container.id, "event": "restart"}
        until = f"{time.time():.9f}"
        return len(list(self._engine.events(since=self._since, until=until, filters=wanted, decode=True)))


def _container(engine: docker.DockerClient, ending: ExitStack, **options: Any) -> Any:
    made = engine.containers.create(
        docker_image.BASE, ["sleep", "86400"], init=True, network_mode="none", **options
    )
    ending.callback(made.remove, force=True)
    made.start()
    return made


class Deployment(Target):
    """A service of a deploy log, with a command that rolls it back and counts itself."""

    name = "shop"
    configuration = """\
[[service]]
name = "shop"
kind = "process"
[deploy]
log = "deploys.jsonl"
rollback = ["sh", "-c", "echo again >> rolled-back", "{previous}"]
"""

    def renew(self, place: Path) -> dict[str, str]:
        """Write the deploy log."""
        (place / "rolled-back").unlink(missing_ok=True)
        lines = (
            f'{{"at": "2026-01-15T14:0{number}:00Z", "service": "shop", "version": "1.{number}"}}\n'
            for number in (1, 2)
        )
        (place / "deploys.jsonl").write_text("".join(lines))
        return {"wait_seconds": "0"}

    def times(self, place: Path) -> int:
        """Return how many lines its command left."""
        path = place / "rolled-back"
        return path.read_text().count("again") if path.exists() else 0


class Log(_Generations):
    """A log file that is written again after it was cut."""

    name = "worker"
    configuration = '[[service]]\nname = "worker"\nkind = "process"\nlog = "worker.log"\n'

    def renew(self, place: Path) -> dict[str, str]:
        """Remove the copies there are, and write the log."""
        for path in place.glob("worker.log*"):
            path.unlink()
        return super().renew(place)

    def damage(self, place: Path) -> Iterator[str]:
        """Yield each generation that is neither in the log nor in a copy of it."""
        copies = [_unpacked(path) for path in place.glob("worker.log.*.gz")]
        for made in self._made:
            if not self._is_whole(place, made) and not any(made in copy for copy in copies):
                yield "the log was cut and its lines are in no copy"

    def _make(self, place: Path, number: int) -> str:
        text = f"2026-01-15T14:31:05Z INFO line of generation {number}\n" * 500
        with (place / "worker.log").open("a") as file:
            file.write(text)
        return text

    def _is_whole(self, place: Path, made: str) -> bool:
        return made in (place / "worker.log").read_text()


def _unpacked(path: Path) -> str:
    try:
        return gzip.decompress(path.read_bytes()).decode()
    except (EOFError, OSError):
        return ""  # of a copy that was killed half-way


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def running() -> Iterator[dict[str, Target]]:
    """Yield a target for each action that can be carried out, on servers of their own."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    with ExitStack() as ending:
        server = ending.enter_context(postgres_service.running(postgres_service.INSTALLATIONS[-1]))
        cache = ending.enter_context(redis_service.running("valkey"))
        engine = ending.enter_context(docker_service.connected())
        yield {
            "restart": Container(engine, ending),
            "rollback": Deployment(),
            "postgres.cancel": Session(server, "cancel"),
            "postgres.terminate": Session(server, "terminate"),
            "redis.delete_keys": Keys(cache),
            "docker.prune": Containers(engine, ending),
            "log.rotate": Log(),
        }
