"""What people reported in public threads, written down before it was played; a third of it is healthy."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.integration.postgres_service import PASSWORD, Server
from tests.situations.judging import Expected, Rule
from tests.situations.postgres import failing
from tests.situations.programs import _combined, _healthy, _merged, _nginx_error
from tests.situations.world import Over, World, ago, is_blocked, until

_ONCE = Retry(NoBackoff(), 0)
_ALARM = ("CRITICAL", "WARNING")
_RESTART = Rule("^(re)?start", where="first")
_DOWN = Rule("orders-db (is down|was restarted|has no free)", where="hypothesis")
EXPECTED = {
    "role_with_a_short_time_out": Expected(
        source="pypi/warehouse#11704",
        right="The role has a statement_timeout of its own, which its report passes: find the statement; the "
        "limit is the role's and not the server's.",
        must=(Rule("statement_timeout = 50ms of the role app"), Rule("ALTER ROLE app RESET")),
        never=(_DOWN, _RESTART),
        first="time-?out|statement",
    ),
    "migration_gives_up_on_its_lock": Expected(
        source="lobu-ai/lobu#396",
        right="A migration waits for a table that a report reads, and gives up at its lock_timeout: end the "
        "report or run it later. A longer lock_timeout would block everybody.",
        must=(Rule("lock.?time-?out|waited too long for a lock"),),
        never=(_DOWN, Rule("raise lock_timeout|^restart", where="first")),
        first="lock|idle-in-transaction|long",
    ),
    "transactions_left_open_during_a_call": Expected(
        source="msolli/proletarian#26",
        right="A worker calls an outside service inside a transaction, and the server ends the session by "
        "idle_in_transaction_session_timeout: commit before the call. The server is well.",
        must=(Rule("idle.in.transaction"),),
        never=(_DOWN, _RESTART),
        first="idle|transaction|left open",
    ),
    "sessions_that_were_never_closed": Expected(
        source="jhu-bids/TermHub#723",
        right="One program keeps idle sessions until only the reserved slots are left: end its sessions.",
        must=(
            Rule("slot|connections", severity=_ALARM, where="finding"),
            Rule("(?:who|what|which application) holds"),
        ),
        never=(Rule("orders-db is down"), Rule("^raise max_connections", where="first")),
        first="connections",
    ),
    "prepared_statements_behind_a_pooler": Expected(
        source="dipdup-io/dipdup#921",
        right="A driver prepares statements behind a pooler in transaction mode, which gives each "
        "transaction another session: switch them off, or let the pooler track them.",
        must=(Rule("prepared statement"), Rule("pooler|PgBouncer", where="hypothesis")),
        never=(_DOWN, _RESTART),
        first="prepared",
    ),
    "value_longer_than_its_column": Expected(
        source="VernissageApp/VernissageServer#314",
        right="A client sends values longer than the column takes: every such insert fails, nothing else.",
        must=(Rule("too long"),),
        never=(_DOWN, _RESTART, Rule(".", where="finding", severity=("CRITICAL",))),
    ),
    "role_that_was_not_restored": Expected(
        source="dwyl/learn-postgresql#124",
        right="A dump was restored without its roles: the role of the application does not exist.",
        must=(Rule("role .*(does not exist|not there)"),),
        never=(_DOWN, _RESTART),
        first="role|credential|login",
    ),
    "another_team_on_the_same_server": Expected(
        right="Another database of the server has deadlocks, timeouts and lost rights; ours is well.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "every_command_is_paused": Expected(
        source="redis/redis#9618",
        right="CLIENT PAUSE ALL of a failover holds every command: wait for its end. Redis is not down, and "
        "nothing hangs.",
        must=(Rule("pause"),),
        never=(_RESTART, Rule("SCRIPT KILL", where="first"), Rule("network|firewall", where="first")),
        first="paus",
    ),
    "server_left_in_a_debugger": Expected(
        right="Redis was halted by a signal: let it go on with kill -CONT.",
        must=(Rule("halted|SIGSTOP|stopped"), Rule("-CONT", where="first")),
        never=(_RESTART,),
        first="halted|stopped|signal",
    ),
    "script_without_an_end": Expected(
        source="bee-queue/bee-queue#448",
        right="A script runs without an end, so everything is answered with BUSY: SCRIPT KILL.",
        must=(Rule("script"), Rule("SCRIPT KILL")),
        never=(_RESTART,),
        first="script|busy|blocked",
    ),
    "password_set_on_a_running_server": Expected(
        source="redis/redis-py#643",
        right="Redis wants a password since a moment ago, and the application sends none.",
        must=(Rule("NOAUTH|password|login"),),
        never=(Rule("basket-cache is down"), Rule("^restart (the )?(redis|basket)", where="first")),
        first="password|credential|login",
    ),
    "client_that_stayed_with_the_old_primary": Expected(
        source="redis/redis-py#460",
        right="The application writes to the server that is a replica since the failover: send it to the "
        "primary. Letting the replica take writes would lose them.",
        must=(Rule("READONLY|read.only|replica"), Rule("primary", where="hypothesis")),
        never=(_RESTART, Rule("replica-read-only no|REPLICAOF NO ONE", where="first")),
        first="read.?only|replica|writes",
    ),
    "workers_killed_for_memory": Expected(
        source="mlflow/mlflow#10855",
        right="Workers of gunicorn are ended by the kernel for memory again and again.",
        must=(Rule("worker", severity=_ALARM), Rule("memory")),
        first="worker|memory",
    ),
    "sockets_that_are_never_closed": Expected(
        source="Kludex/uvicorn#1030",
        right="The process has no file descriptor left and accepts nobody: raise the limit, find the leak.",
        must=(Rule("open files"),),
        first="open.?files",
    ),
    "proxy_starts_before_its_upstream": Expected(
        source="nginx/docker-nginx#127",
        right="nginx ends at its start as the name of an upstream does not resolve: start that one first, or "
        "resolve at run time.",
        must=(Rule("host not found|does not resolve|upstream"),),
        never=(_RESTART,),
        first="start|upstream|resolve|name|dns|down",
    ),
    "image_for_another_processor": Expected(
        source="lidalao/ServerStatus#17",
        right="The image is of another architecture than the machine: no start will ever work.",
        must=(Rule("architecture|exec format"),),
        never=(_RESTART,),
        first="start|architecture|exec|crash|down|loop",
    ),
    "tokens_of_a_moment_ahead": Expected(
        source="nextstrain/cli#307",
        right="Tokens are refused as not yet valid: the clock here is behind that of their issuer.",
        must=(Rule("clock|not yet valid"),),
        never=(_RESTART, Rule("password", where="first")),
    ),
    "upstream_takes_longer_than_the_proxy_waits": Expected(
        source="alerta/docker-alerta#374",
        right="nginx gives up on an upstream that takes over a minute: see what it waits for.",
        must=(Rule("upstream|time-?out|does not answer"),),
        never=(Rule("web is down"), _RESTART),
        first="upstream|time|answer|endpoint",
    ),
    "dump_to_disk_under_way": Expected(right="BGSAVE runs, as every hour: nothing is wrong.", first=""),
    "subscribers_that_listen": Expected(right="Subscribers wait for messages: nothing is wrong.", first=""),
    "retries_that_succeed": Expected(
        right="Calls are tried again now and then and succeed: nothing is wrong.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "clients_that_hang_up": Expected(
        right="A few browsers leave before the answer (499): nothing is wrong.", first=""
    ),
    "pods_replaced_one_by_one": Expected(
        right="uvicorn was replaced by a rolling deploy; requests were served: nothing is wrong.", first=""
    ),
    "index_built_concurrently": Expected(
        right="CREATE INDEX CONCURRENTLY runs and nobody waits: nothing is wrong.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "batch_that_loads_rows": Expected(
        right="A batch loads rows with COPY, and nobody waits: nothing is wrong.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
}


def _lines(error: str, *, count: int = 60, seconds: float = 240) -> list[str]:
    """Return a log in which `error` was written up to now."""
    step = seconds / count
    return [f"{ago(seconds - step * n):%Y-%m-%dT%H:%M:%SZ} ERROR orders.store {error}" for n in range(count)]


def _text(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__name__}: {error}".strip().replace("\n", " ")


def _keeps_failing(world: World, name: str, attempt: Callable[[], object]) -> None:
    """Configure a program that writes each error of `attempt` to its log, also while it is examined."""
    log = world.log(name, [])

    def fail() -> None:
        try:
            attempt()
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR {name}.store {_text(error)}\n")

    world.meanwhile(fail, again_seconds=0.1)
    until(lambda: len(log.read_text().splitlines()) >= 14, 60)
    world.application(log, name, needs=("orders-db",))


def role_with_a_short_time_out(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("ALTER ROLE app SET statement_timeout = '50ms'")
    reader = world.hold(server, application_name="orders-api")
    _keeps_failing(world, "orders", lambda: reader.execute("SELECT pg_sleep(2)"))
    world.database(server)
    world.examine()
    return None


def migration_gives_up_on_its_lock(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE events AS SELECT n FROM generate_series(1, 1000) n")
    report = world.hold(server, autocommit=False, application_name="monthly-report")
    report.execute("SELECT count(*) FROM events")
    world.meanwhile(lambda: report.execute("SELECT pg_sleep(300) FROM events LIMIT 1"))
    migration = world.hold(server, application_name="alembic")
    migration.execute("SET lock_timeout = '700ms'")
    _keeps_failing(world, "migrate", lambda: migration.execute("ALTER TABLE events ADD COLUMN owner int"))
    world.database(server)
    world.examine()
    return lambda: _has_column(server)


def _has_column(server: Server) -> bool:
    """Return whether the migration went through."""
    with server.connect() as connection:
        query = "SELECT 1 FROM pg_attribute WHERE attrelid = 'events'::regclass AND attname = 'owner'"
        return connection.execute(query).fetchone() is not None


def transactions_left_open_during_a_call(world: World) -> Over | None:
    server = world.postgres(idle_in_transaction_session_timeout="600ms")
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE jobs AS SELECT n FROM generate_series(1, 100) n")
    lines = []
    for _ in range(12):
        worker = server.connect("app", autocommit=False, application_name="job-worker")
        worker.execute("SELECT * FROM jobs WHERE n = 7 FOR UPDATE")
        time.sleep(1)
        try:
            worker.execute("DELETE FROM jobs WHERE n = 7")
        except psycopg.Error as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR worker {_text(error)}")
        with suppress(psycopg.Error):
            worker.close()
    world.database(server)
    world.application(world.log("worker", lines), "worker", needs=("orders-db",))
    world.examine()
    return None


def sessions_that_were_never_closed(world: World) -> Over | None:
    server = world.postgres(max_connections=20, superuser_reserved_connections=3)
    lines = []
    for _ in range(24):
        try:
            world.hold(server, application_name="refresh-job")
        except psycopg.OperationalError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool {_text(error)}")
        time.sleep(0.1)
    world.database(server)
    world.application(world.log("orders", lines * 4), needs=("orders-db",))
    world.examine()
    return None


def prepared_statements_behind_a_pooler(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "default_pool_size = 3")
    address = f"postgresql://app:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable"
    lines: list[str] = []
    clients = [psycopg.connect(address, autocommit=True, prepare_threshold=0) for _ in range(6)]

    def ask(client: psycopg.Connection) -> None:
        for number in range(40):
            try:
                client.execute(f"SELECT {number % 5}, pg_sleep(0.01)")
            except psycopg.Error as error:
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.store {_text(error)}")
                time.sleep(0.02)

    for client in clients:
        world.meanwhile(partial(ask, client), again_seconds=0.05)
    until(lambda: len(lines) >= 30, 60)
    world.database(server, pooler=port)
    world.application(world.log("orders", list(lines)), needs=("orders-db",))
    world.examine()
    return None


def value_longer_than_its_column(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE visits (version varchar(10))")
    failing(world, server, "INSERT INTO visits VALUES ('2.4.11-beta.{number}')")
    world.examine()
    return None


def role_that_was_not_restored(world: World) -> Over | None:
    server = world.postgres()
    lines = []
    for _ in range(20):
        try:
            server.connect("hits").close()
        except psycopg.OperationalError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool {_text(error)}")
        time.sleep(0.1)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def another_team_on_the_same_server(world: World) -> Over | None:
    server = world.postgres(log_line_prefix="%m [%p]: user=%u,db=%d,app=%a ")
    with server.connect() as connection:
        connection.execute("CREATE DATABASE stock_2 OWNER app")
    with server.connect("app", "stock_2") as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY)")
        connection.execute("INSERT INTO items VALUES (1)")
        connection.execute("REVOKE ALL ON items FROM app")
    for _ in range(30):
        with server.connect("app", "stock_2", application_name="stock") as connection:
            connection.execute("SET statement_timeout = '20ms'")
            for statement in ("SELECT * FROM items", "SELECT pg_sleep(1)", "SELECT missing FROM items"):
                with suppress(psycopg.Error):
                    connection.execute(statement)
    world.database(server)
    lines = [line for _, line in _healthy()]
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def _waiting_clients(world: World, port: int) -> list[str]:
    """Return a log of clients that wait in vain, as they write it."""
    lines: list[str] = []

    def write() -> None:
        try:
            with redis.Redis(port=port, socket_timeout=1, retry=_ONCE) as client:
                client.set("basket:1", "v")
        except redis.RedisError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {_text(error)}")

    for _ in range(4):
        world.meanwhile(write, again_seconds=0.05)
    until(lambda: len(lines) >= 12, 60)
    return list(lines)


def every_command_is_paused(world: World) -> Over | None:
    server = world.redis()
    with server.client() as client:
        client.client_pause(600_000, all=True)
    lines = _waiting_clients(world, server.port)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def server_left_in_a_debugger(world: World) -> Over | None:
    server = world.redis()
    server.process.send_signal(signal.SIGSTOP)
    lines = _waiting_clients(world, server.port)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    server.process.send_signal(signal.SIGCONT)
    return None


def script_without_an_end(world: World) -> Over | None:
    server = world.redis("--busy-reply-threshold", "500")

    def run() -> None:
        with server.client() as client:
            client.eval("while true do end", 0)

    world.meanwhile(run)
    time.sleep(2)
    lines = _waiting_clients(world, server.port)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def password_set_on_a_running_server(world: World) -> Over | None:
    server = world.redis()
    with server.client() as client:
        client.config_set("requirepass", "heron-4")
    lines = []
    for _ in range(25):
        try:
            with redis.Redis(port=server.port, retry=_ONCE) as client:
                client.get("basket:1")
        except redis.RedisError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {_text(error)}")
        time.sleep(0.1)
    world.cache(server, url=f"redis://:heron-4@127.0.0.1:{server.port}")
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def client_that_stayed_with_the_old_primary(world: World) -> Over | None:
    old, new = world.redis("--repl-diskless-sync-delay", "0"), world.redis("--repl-diskless-sync-delay", "0")
    with old.client() as client, new.client() as other:
        other.set("basket:1", "v")
        client.replicaof("127.0.0.1", new.port)
        until(lambda: client.info("replication").get("master_link_status") == "up", 30)
    lines = []
    for _ in range(25):
        try:
            with redis.Redis(port=old.port, retry=_ONCE) as client:
                client.set("basket:1", "v")
        except redis.RedisError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {_text(error)}")
        time.sleep(0.1)
    world.cache(old)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def workers_killed_for_memory(world: World) -> Over | None:
    lines = []
    for number in range(9):
        at = f"[{ago(300 - number * 31):%Y-%m-%d %H:%M:%S +0000}]"
        lines += [
            f"{at} [18] [ERROR] Worker (pid:{21 + number}) was sent SIGKILL! Perhaps out of memory?",
            f"{at} [{22 + number}] [INFO] Booting worker with pid: {22 + number}",
        ]
    world.application(world.log("orders", lines))
    world.examine()
    return None


_NO_FILES = """\
socket: <asyncio.TransportSocket fd=8, family=2, type=1, proto=0, laddr=('0.0.0.0', 8000)>
Traceback (most recent call last):
  File "/usr/lib/python3.11/asyncio/selector_events.py", line 165, in _accept_connection
    conn, addr = sock.accept()
  File "/usr/lib/python3.11/socket.py", line 294, in accept
    fd, addr = self._accept()
OSError: [Errno 24] Too many open files"""


def sockets_that_are_never_closed(world: World) -> Over | None:
    lines = []
    for number in range(40):
        moment = f"{ago(200 - number * 5):%Y-%m-%d %H:%M:%S,273}"
        lines += [f"{moment} - ERROR - socket.accept() out of system resource", *_NO_FILES.splitlines()]
    world.application(world.log("orders", lines))
    world.examine()
    return None


def proxy_starts_before_its_upstream(world: World) -> Over | None:
    lines = []
    for number in range(5):
        at = f"{ago(150 - number * 30):%Y/%m/%d %H:%M:%S}"
        text = 'host not found in upstream "orders:8000" in /etc/nginx/conf.d/default.conf:2'
        lines += [f"{at} [emerg] 1#1: {text}", f"nginx: [emerg] {text}"]
    world.ended(world.log("web", lines), "web")
    world.examine()
    return None


def image_for_another_processor(world: World) -> Over | None:
    lines = [
        f"{ago(200 - number * 25):%Y-%m-%dT%H:%M:%S.000000000Z} exec /docker-entrypoint.sh: exec format error"
        for number in range(8)
    ]
    world.ended(world.log("orders", lines))
    world.examine()
    return None


def tokens_of_a_moment_ahead(world: World) -> Over | None:
    error = "jwt.exceptions.ImmatureSignatureError: The token is not yet valid (iat)"
    world.application(world.log("orders", _lines(error)))
    world.examine()
    return None


def upstream_takes_longer_than_the_proxy_waits(world: World) -> Over | None:
    text = "upstream timed out (110: Connection timed out) while reading response header from upstream"
    bad = []
    for number in range(90):
        at = ago(220 - number * 2.4)
        line = _nginx_error(at, text, "GET /orders", upstream="127.0.0.1:8000")
        bad += [(at, _combined(at, "/orders", 504)), (at, line)]
    world.application(world.log("web", _merged(list(_healthy()), bad)), "web")
    world.examine()
    return None


def dump_to_disk_under_way(world: World) -> Over | None:
    server = world.redis("--rdb-key-save-delay", "2000")
    with server.client() as client:
        for start in range(0, 20_000, 1000):
            client.mset({f"basket:{number}": "v" * 50 for number in range(start, start + 1000)})
        client.bgsave()
    time.sleep(2)
    world.cache(server)
    world.examine()
    return None


def subscribers_that_listen(world: World) -> Over | None:
    server = world.redis()
    listeners = []
    for number in range(20):
        listener = redis.Redis(port=server.port, client_name=f"listener-{number}").pubsub()
        listener.subscribe("prices")
        listeners.append(listener)
    with server.client() as client:
        client.publish("prices", "7")
    time.sleep(1)
    world.cache(server)
    world.examine()
    for listener in listeners:
        listener.close()
    return None


def _with(lines: Iterable[tuple[float, str]]) -> list[str]:
    """Return the log of a healthy service with these lines, each so many seconds ago."""
    return _merged(list(_healthy()), [(ago(seconds), line) for seconds, line in lines])


def retries_that_succeed(world: World) -> Over | None:
    text = "connection broken by 'ReadTimeoutError': /v1/rates"
    retried = [
        (seconds, f"{ago(seconds):%Y-%m-%d %H:%M:%S} WARNING urllib3 Retrying (Retry(total=2)) after {text}")
        for seconds in range(800, 0, -110)
    ]
    world.application(world.log("orders", _with(retried)))
    world.examine()
    return None


def clients_that_hang_up(world: World) -> Over | None:
    left = [(seconds, _combined(ago(seconds), "/search", 499)) for seconds in range(820, 0, -90)]
    world.application(world.log("web", _with(left)), "web")
    world.examine()
    return None


def pods_replaced_one_by_one(world: World) -> Over | None:
    replaced = []
    for number, seconds in enumerate((300, 280, 260)):
        replaced += [
            (seconds, "INFO:     Shutting down"),
            (seconds, "INFO:     Waiting for application shutdown."),
            (seconds, "INFO:     Application shutdown complete."),
            (seconds, f"INFO:     Finished server process [{10 + number}]"),
            (seconds - 2, f"INFO:     Started server process [{20 + number}]"),
            (seconds - 2, "INFO:     Waiting for application startup."),
            (seconds - 2, "INFO:     Application startup complete."),
        ]
    world.application(world.log("orders", _with(replaced)))
    world.examine()
    return None


def index_built_concurrently(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 4000) n")
        connection.execute(
            "CREATE FUNCTION slow(t int) RETURNS int IMMUTABLE LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN t; END $$"
        )
    builder = world.hold(server, application_name="alembic")
    world.meanwhile(lambda: builder.execute("CREATE INDEX CONCURRENTLY orders_slow ON orders (slow(id))"))
    time.sleep(4)
    assert not is_blocked(server)
    world.database(server)
    world.examine()
    return None


def batch_that_loads_rows(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE history (n int, text text)")
    rows = world.folder / "rows"
    rows.write_text("".join(f"{number}\t{'x' * 80}\n" for number in range(20_000)))

    def load() -> None:
        subprocess.run(
            [
                *(str(server.installation.binaries / "psql"), "-q", "-h", "127.0.0.1", "-U", "app"),
                *("-p", str(server.port), "-d", "shop", "-c", f"\\copy history FROM '{rows}'"),
            ],
            env={"PGPASSWORD": PASSWORD, "PGAPPNAME": "nightly-import", "PATH": "/usr/bin"},
            check=False,
        )

    world.meanwhile(load, again_seconds=0.1)
    time.sleep(3)
    world.database(server)
    world.examine()
    return None
