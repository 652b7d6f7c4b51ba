"""Where a situation is played: real servers, programs with logs, and one `incident triage` of them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from incident_lib.demo.accounts import make_data_folder, server_account
from tests.integration import postgres_service, redis_service

Over = Callable[[], bool]  # whether the trouble of a situation is over
_TRIAGE_SECONDS = 150.0
_COMMAND = "import sys; from incident_lib.cli import main; sys.exit(main())"


class World:
    """The servers, programs and files of one situation; all of it ends with the `with` block."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.acted: list[str] = []  # what was executed, and what came of it
        self._stack = ExitStack()
        self._services: list[str] = []
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("INCIDENT", "PG"))
        }

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="situation-")))
        self.folder.chmod(0o755)
        home = self.folder / "home"
        home.mkdir()
        self._environment |= {"HOME": str(home), "NO_COLOR": "1"}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def postgres(self, major: int = 15, **conf: str | int) -> postgres_service.Server:
        """Return a server of this version, or of the newest that is here."""
        known = {installation.major: installation for installation in postgres_service.INSTALLATIONS}
        installation = known.get(major, postgres_service.INSTALLATIONS[-1])
        conf = {"log_line_prefix": "%m [%p] %q%u@%d ", "timezone": "UTC", "log_timezone": "UTC", **conf}
        server = self._stack.enter_context(postgres_service.running(installation, **conf))
        with server.connect() as connection:
            connection.execute("GRANT pg_signal_backend TO workbench")
        return server

    def standby(self, primary: postgres_service.Server) -> postgres_service.Server:
        """Return a standby that streams from `primary`."""
        return self._stack.enter_context(postgres_service.standby_of(primary))

    def redis(self, *options: str, kind: str = "redis", **more: Any) -> redis_service.Server:
        """Return a Redis with these options."""
        return self._stack.enter_context(redis_service.running(kind, *options, **more))

    def pooler(self, server: postgres_service.Server, *lines: str, password: str | None = None) -> int:
        """Return the port of a PgBouncer for `app`; `password` is what it knows of that role."""
        account = server_account()
        folder = make_data_folder(self.folder, account)
        port = postgres_service.free_port()
        (folder / "users").write_text(
            f'"app" "{password or postgres_service.PASSWORD}"\n"workbench" "{postgres_service.PASSWORD}"\n'
        )
        text = [
            "[databases]",
            f"shop = host=127.0.0.1 port={server.port} dbname=shop user=app",
            "[pgbouncer]",
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust",
            f"auth_file = {folder}/users\nlogfile = {folder}/log\nstats_users = workbench",
            *lines,
        ]
        (folder / "conf").write_text("\n".join(text) + "\n")
        for path in folder.iterdir():
            path.chmod(0o644)
        owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "pgbouncer"
        self.program(program, str(folder / "conf"), **owner)
        until(lambda: self._listens(port))
        return port

    @staticmethod
    def _listens(port: int) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(
                f"postgresql://app@127.0.0.1:{port}/pgbouncer", connect_timeout=1, autocommit=True
            ).close()
            return True
        return _accepts(port)

    def program(self, *command: str, **more: Any) -> "subprocess.Popen[bytes]":
        """Return a program that runs until the end of the situation."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=more.pop("stdout", subprocess.DEVNULL),
            stderr=more.pop("stderr", subprocess.DEVNULL),
            cwd=self.folder,
            **more,
        )
        self._stack.callback(_end, process)
        return process

    def ends_with(self, work: Callable[[], object]) -> None:
        """Do `work` at the end of the situation."""
        self._stack.callback(work)

    def hold(self, server: postgres_service.Server, role: str = "app", **how: Any) -> psycopg.Connection:
        """Return a session that stays open."""
        connection = server.connect(role, **how)
        self._stack.callback(connection.close)
        return connection

    def meanwhile(self, work: Callable[[], object], *, again_seconds: float | None = None) -> None:
        """Do `work` beside the situation, again and again with a pause; its errors are the clients' own."""
        over = threading.Event()
        self._stack.callback(over.set)

        def run() -> None:
            while not over.is_set():
                with suppress(Exception):
                    work()
                if again_seconds is None:
                    return
                over.wait(again_seconds)

        threading.Thread(target=run, daemon=True).start()

    def log(self, name: str, lines: Iterator[str] | list[str]) -> Path:
        """Return a log file with these lines."""
        path = self.folder / f"{name}.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def database(
        self,
        server: postgres_service.Server,
        name: str = "orders-db",
        *,
        login: str = "",
        pooler: int | None = None,
    ) -> None:
        """Configure a PostgreSQL with its log, and the port of its PgBouncer."""
        self.secret(name, login or server.dsn())
        lines = [f'dsn = "env:{_variable(name)}"', f'log = "{server.data / "log"}"']
        if pooler:
            self.secret(f"{name}-pooler", f"postgresql://workbench@127.0.0.1:{pooler}/pgbouncer")
            lines.append(f'pooler_dsn = "env:{_variable(f"{name}-pooler")}"')
        self._service(name, "postgres", *lines)

    def cache(self, server: redis_service.Server, name: str = "basket-cache", *, url: str = "") -> None:
        """Configure a Redis with its log."""
        self.secret(name, url or server.url)
        self._service(name, "redis", f'url = "env:{_variable(name)}"', f'log = "{server.directory / "log"}"')

    def application(self, log: Path, name: str = "orders", *, needs: tuple[str, ...] = ()) -> None:
        """Configure a program that runs, and whose log says what it meets."""
        pid = self.folder / f"{name}.pid"
        pid.write_text(str(self.program("sleep", "600").pid))
        needed = f"depends_on = {json.dumps(list(needs))}"
        self._service(name, "process", f'pid_file = "{pid}"', f'log = "{log}"', needed)

    def service(self, name: str, kind: str, *lines: str) -> None:
        """Configure any other service."""
        self._service(name, kind, *lines)

    def ended(self, log: Path, name: str = "orders") -> None:
        """Configure a program that has ended."""
        gone = subprocess.Popen(["true"])
        gone.wait()
        pid = self.folder / f"{name}.pid"
        pid.write_text(str(gone.pid))
        self._service(name, "process", f'pid_file = "{pid}"', f'log = "{log}"')

    def dependency(self, name: str, url: str, *lines: str) -> None:
        """Configure what stands outside."""
        self._services += ["[[dependency]]", f'name = "{name}"', f'url = "{url}"', *lines, ""]

    def host(self, *paths: Path) -> None:
        """Configure this machine with the file systems that are to be watched."""
        names = json.dumps([str(path) for path in paths])
        self._services += ["[[host]]", 'name = "machine"', f"paths = {names}", ""]

    def file_system(self, name: str, options: str) -> Path:
        """Return a file system in memory; gone with the situation."""
        place = self.folder / name
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
        self._stack.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    def _service(self, name: str, kind: str, *lines: str) -> None:
        self._services += ["[[service]]", f'name = "{name}"', f'kind = "{kind}"', *lines, ""]

    def secret(self, name: str, value: str) -> None:
        """Set the variable that holds the login of a service, `LOGIN_` and its name."""
        self._environment[_variable(name)] = value

    def examine(self, *, since: str = "15m", under: Sequence[str] = ()) -> None:
        """Keep what one `incident triage` answers, which runs `under` another command."""
        text = "\n".join(("[workbench]", "discover_credentials = false", "", *self._services))
        (self.folder / "workbench.toml").write_text(text)
        self._command("declare", "--title", "users report errors", "--severity", "SEV2")
        done = self._command("triage", "--json", "--since", since, under=under)
        if "Traceback (most recent call last)" in done.stderr:
            raise AssertionError(done.stderr[-2000:])
        try:
            self.answer = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"exit code {done.returncode}: {done.stderr[-500:]}") from None

    def act(self) -> list[str]:
        """Execute what the findings behind the first hypothesis offer; return what came of each."""
        for action in self._offered():
            words = ["mitigate", action["action"], action["target"]]
            for name, value in action.get("arguments", {}).items():
                words += ["--arg", f"{name}={value}"]
            planned = self._command(*words, "--json")
            plan = json.loads(planned.stdout) if planned.returncode == 0 else {}
            if not plan:
                self.acted.append(f"refused: {action['action']}: {planned.stderr.strip()[-300:]}")
                continue
            done = self._command(*words, "--yes", plan.get("plan", plan)["id"], "--json")
            self.acted.append(f"{action['action']}: exit code {done.returncode}: {done.stdout[:300]}")
        return self.acted

    def _offered(self) -> Sequence[Mapping[str, Any]]:
        ranked = sorted(self.answer.get("hypotheses", ()), key=lambda hypothesis: hypothesis["rank"])
        if not ranked:
            return []
        support = set(ranked[0]["support"])
        return [
            {"target": finding["target"], **action}
            for finding in self.answer["findings"]
            if finding["id"] in support and finding["target"] == ranked[0]["target"]
            for action in (finding.get("actions") or ())[:1]
        ][:1]

    def _command(self, *words: str, under: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*under, sys.executable, "-P", "-c", _COMMAND, *words],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TRIAGE_SECONDS,
            check=False,
        )


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until `condition` holds. Errors: AssertionError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the situation did not come about")
        time.sleep(0.05)


def ago(seconds: float) -> datetime:
    """Return the moment so long before now, UTC."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def _accepts(port: int) -> bool:
    import socket

    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _variable(name: str) -> str:
    return f"LOGIN_{name.upper().replace('-', '_')}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_blocked(server: postgres_service.Server, least: int = 1) -> bool:
    """Return whether so many sessions wait for a lock."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()
    return bool(row and row[0] >= least)


def errors_of(server: redis_service.Server) -> dict[str, Any]:
    """Return the error statistics of a Redis."""
    with server.client() as client:
        found = client.info("errorstats")
    assert isinstance(found, dict)
    return found


__all__ = ["Over", "World", "ago", "errors_of", "is_blocked", "psycopg", "redis", "until"]
