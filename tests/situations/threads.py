"""Situations of public threads and a few healthy ones; what is right was noted before any was played."""

import os
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from itertools import count

import psycopg
import redis

from tests.integration.network_service import Authority, http, serve
from tests.integration.postgres_service import Server, free_port
from tests.situations.judging import Expected, Rule
from tests.situations.programs import _combined, _healthy, _merged
from tests.situations.proxies import Nginx, _orders
from tests.situations.world import Over, World, ago, until

_ALARM = ("CRITICAL", "WARNING")
_RESTART = Rule("^(re)?start", where="first")
_DOWN = Rule("orders-db (is down|was restarted|has no free)", where="hypothesis")
_CACHE_DOWN = Rule("basket-cache (is down|is full)", where="hypothesis")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
EXPECTED = {
    "schema_public_of_version_15": Expected(
        source="golang-migrate/migrate#826",
        right="Since version 15 only the owner of the database may create tables in its schema public: grant "
        "the role CREATE there, or make it the owner. Its login is right, and no table has lost its grants.",
        must=(
            Rule("schema public", severity=_ALARM),
            Rule("GRANT|own", where="first"),
        ),
        never=(_DOWN, _RESTART, Rule("superuser|password", where="first")),
        first="permission|right|schema|grant",
    ),
    "connection_in_a_failed_transaction": Expected(
        source="opentraffic/datastore#17",
        right="The program goes on in a transaction in which a statement failed, so everything else fails: "
        "let it roll back after an error. The first error is what to mend; the database is well.",
        must=(Rule("aborted|failed transaction"), Rule("roll(s|ed)? ?back", where="hypothesis")),
        never=(_DOWN, Rule("deadlock|serializ", where="first")),
        first="transaction|rollback|roll back|aborted",
    ),
    "consumer_group_gone_with_a_restart": Expected(
        source="comet-ml/opik#5525",
        right="Redis came back empty, and with the stream its consumer group went: the workers fail until "
        "somebody creates the group again. What was queued is lost, as nothing is saved.",
        must=(Rule("NOGROUP|consumer group"), Rule("XGROUP|group", where="first")),
        never=(_CACHE_DOWN, _RESTART),
        first="group|stream",
    ),
    "lock_table_full_of_partitions": Expected(
        source="MTES-MCT/monitorfish#3907",
        right="A query over hundreds of partitions needs a lock for each, more than "
        "max_locks_per_transaction provides for: raise that, or let queries touch fewer. Memory of the "
        "machine does not lack.",
        must=(Rule("max_locks_per_transaction"), Rule("max_locks_per_transaction|partition", where="first")),
        never=(_DOWN, Rule("/dev/shm|more memory|swap", where="first")),
        first="lock",
    ),
    "append_only_file_on_a_full_disk": Expected(
        source="redis/redis#12012",
        right="The disk of the append-only file is full, so Redis refuses writes: make room there. Deleting "
        "keys does not help, and a restart would find a file that is cut off.",
        must=(Rule("disk|space", where="hypothesis"), Rule("room|space|disk", where="first")),
        never=(_RESTART, Rule("delete|UNLINK|maxmemory", where="first")),
        first="disk|persist|writ|space",
    ),
    "folder_that_nginx_may_not_write": Expected(
        source="ZoeyVid/NPMplus#3369",
        right="The workers of nginx may not write to its folder for bodies, so larger uploads fail with 500 "
        "before they reach the program: give the folder to the user of the workers. The program is well.",
        must=(
            Rule("client_body|Permission denied"),
            Rule("owner|own|rights|permission|writ", where="first"),
        ),
        never=(Rule("orders (is down|fails)", where="hypothesis"), _RESTART),
        first="permission|right|may not|writ|nginx|web",
    ),
    "upstream_that_wants_a_server_name": Expected(
        source="jenkins-infra/helm-charts#1507",
        right="nginx sends no server name in its TLS to the partner, which refuses such a handshake: "
        "proxy_ssl_server_name on. The partner and its certificate are well.",
        must=(
            Rule("handshake"),
            Rule("proxy_ssl_server_name|server name|SNI", where="first"),
        ),
        never=(_RESTART, Rule("expired|renew", where="hypothesis")),
        first="tls|handshake|server name|upstream",
    ),
    "host_that_is_not_allowed": Expected(
        source="fboundy/agile_predict#66",
        right="The program refuses every request for a host that its ALLOWED_HOSTS lacks, here of the new "
        "health check: add the host there. Nothing else is wrong.",
        must=(Rule("ALLOWED_HOSTS|Host header|HTTP_HOST"), Rule("ALLOWED_HOSTS|host", where="first")),
        never=(_RESTART, Rule("database|DNS", where="first")),
        first="host",
    ),
    "advisory_lock_of_a_dead_migration": Expected(
        source="adcontextprotocol/adcp#3509",
        right="A migration waits for the advisory lock that the session of the last one keeps, which idles: "
        "end that session; to cancel it does nothing.",
        must=(Rule("advisory"), Rule("^End the session", where="first")),
        never=(_DOWN, _RESTART, Rule("^cancel", where="first")),
        first="lock",
    ),
    "receiver_that_is_silent_for_too_long": Expected(
        source="2ndQuadrant/pglogical#113",
        right="The standby is silent for longer than wal_sender_timeout, so the primary ends the link again "
        "and again: see what holds the standby or the network up, or raise the timeout.",
        must=(
            Rule("wal_sender_timeout|replication timeout", severity=_ALARM),
            Rule("wal_sender_timeout|standby|receiver|network", where="first"),
        ),
        never=(_DOWN, _RESTART, Rule("copied anew$|copy the|rebuild|VACUUM", where="first")),
        first="replic|standby|wal|receiver",
    ),
    "subscriber_over_its_buffer_limit": Expected(
        source="redis/redis-py#1261",
        right="A subscriber reads more slowly than messages come, and Redis ends it at "
        "client-output-buffer-limit: make it read faster or send less. Redis and its memory are well.",
        must=(
            Rule("output.buffer", severity=_ALARM),
            Rule("read|subscriber|client-output-buffer-limit", where="first"),
        ),
        never=(_CACHE_DOWN, _RESTART, Rule("maxmemory|start the service", where="first")),
        first="buffer|subscriber|client|pub",
    ),
    "errors_long_after_a_restart": Expected(
        right="A release fails since a moment ago with an error of its own. That Redis was restarted a good "
        "while before, and refused for a second, has nothing to do with it.",
        must=(Rule("KeyError"),),
        never=(_RESTART, Rule("database|password", where="first")),
        first="error|exception|fail",
    ),
    "cache_at_its_limit": Expected(
        right="A cache has reached maxmemory and throws out what was not used for longest; nearly all "
        "lookups find their key: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "freeze_under_way": Expected(
        right="A vacuum freezes a table against wraparound, and nobody waits for it: nothing is wrong.",
        never=(_CRITICAL, Rule("terminate|cancel", where="first")),
        first="",
    ),
    "workers_replaced_after_so_many_requests": Expected(
        right="gunicorn replaces each worker after a thousand requests, as it was told to (max_requests): "
        "nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
}


def _now(text: str, name: str = "orders.store", level: str = "ERROR") -> str:
    return f"{ago(0):%Y-%m-%dT%H:%M:%SZ} {level} {name} {' '.join(text.split())}"


def _error(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__name__}: {error}"


def _keeps_asking(
    world: World, attempt: Callable[[], object], *, needs: tuple[str, ...], least: int = 14
) -> None:
    """Configure a program that writes each error of `attempt` to its log, also while it is examined."""
    log = world.log("orders", [])

    def fail() -> None:
        try:
            attempt()
        except (psycopg.Error, redis.RedisError) as error:
            with log.open("a") as file:
                file.write(_now(_error(error)) + "\n")

    world.meanwhile(fail, again_seconds=0.2)
    until(lambda: len(log.read_text().splitlines()) >= least, 60)
    world.application(log, needs=needs)


def schema_public_of_version_15(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE DATABASE books")

    def migrate() -> None:
        with server.connect("app", "books") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY)")

    world.database(server, login=server.dsn(database="books"))
    _keeps_asking(world, migrate, needs=("orders-db",))
    world.examine()
    return None


def connection_in_a_failed_transaction(world: World) -> Over | None:
    server = world.postgres()
    shared = world.hold(server, application_name="orders", autocommit=False)
    with suppress(psycopg.Error):
        shared.execute("INSERT INTO orders_of_yesterday VALUES (1)")
    world.database(server)
    _keeps_asking(world, lambda: shared.execute("SELECT 1"), needs=("orders-db",), least=40)
    world.examine()
    return None


def consumer_group_gone_with_a_restart(world: World) -> Over | None:
    server = world.redis()
    with server.client() as client:
        client.set("unrelated", "1")
    client = server.client()
    world.cache(server)
    _keeps_asking(
        world,
        lambda: client.xreadgroup("workers", "worker-1", {"tasks": ">"}, count=1, block=20),
        needs=("basket-cache",),
        least=60,
    )
    world.examine()
    return None


def lock_table_full_of_partitions(world: World) -> Over | None:
    server = world.postgres(max_locks_per_transaction=10, max_connections=12, max_prepared_transactions=0)
    with server.connect() as connection:
        connection.execute("CREATE TABLE visits (day int, n int) PARTITION BY RANGE (day)")
        connection.execute("ALTER TABLE visits OWNER TO app")
    for first in range(0, 900, 30):
        with server.connect() as connection, connection.transaction():
            for day in range(first, first + 30):
                connection.execute(
                    f"CREATE TABLE visits_{day} PARTITION OF visits FOR VALUES FROM ({day}) TO ({day + 1})"
                )
                connection.execute(f"ALTER TABLE visits_{day} OWNER TO app")

    def ask() -> None:
        with server.connect("app") as connection:
            connection.execute("SELECT count(*) FROM visits")

    world.database(server)
    _keeps_asking(world, ask, needs=("orders-db",))
    world.examine()
    return None


def append_only_file_on_a_full_disk(world: World) -> Over | None:
    disk = world.file_system("data", "size=6m,mode=777")
    server = world.redis("--dir", str(disk), "--appendonly", "yes")
    client = server.client()
    numbers = count()

    def put() -> None:
        client.set(f"basket:{next(numbers)}", os.urandom(20_000))

    with suppress(redis.RedisError):
        for _ in range(1000):
            put()
    world.cache(server)
    _keeps_asking(world, put, needs=("basket-cache",), least=40)
    world.examine()
    return None


def folder_that_nginx_may_not_write(world: World) -> Over | None:
    port = free_port()
    _orders(world, port)
    world.service("orders", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
    nginx = Nginx(world, f"proxy_pass http://127.0.0.1:{port};", user="nobody nogroup")
    folder = world.folder / "tmp" / "client_body"
    os.chown(folder, 0, 0)
    folder.chmod(0o700)

    def upload() -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{nginx.port}/uploads", data=b"x" * 90_000, method="POST"
        )
        with suppress(urllib.error.HTTPError, OSError):
            urllib.request.urlopen(request, timeout=3).close()

    for _ in range(60):
        nginx.status("/orders")
        upload()
        time.sleep(0.1)
    nginx.configure(world, "/orders")
    world.examine()
    return None


def upstream_that_wants_a_server_name(world: World) -> Over | None:
    authority = Authority(world.folder)
    context = authority.context("localhost")

    def named(_socket: object, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name else ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE

    context.sni_callback = named  # type: ignore[assignment]
    with serve(http("ok"), context=context, host="127.0.0.1") as port:
        nginx = Nginx(world, f"proxy_pass https://127.0.0.1:{port};")
        for _ in range(80):
            nginx.status("/orders")
            time.sleep(0.05)
        nginx.configure(world, "/orders")
        url = f"https://localhost:{port}/"
        world.dependency("partner", url, f'ca = "file:{authority.path}"')
        world.examine()
    return None


def host_that_is_not_allowed(world: World) -> Over | None:
    text = (
        "django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: '172.19.17.130:8000'. You may need "
        "to add '172.19.17.130' to ALLOWED_HOSTS."
    )
    bad = []
    for number in range(120):
        at = ago(240 - number * 2)
        line = f"{at:%Y-%m-%d %H:%M:%S},103 ERROR django.security.DisallowedHost {text}"
        bad += [(at, line), (at, _combined(at, "/healthz", 400, agent="Consul Health Check"))]
    world.application(world.log("orders", _merged(list(_healthy()), bad)))
    world.examine()
    return None


def advisory_lock_of_a_dead_migration(world: World) -> Over | None:
    server = world.postgres()
    dead = world.hold(server, application_name="release-41")
    dead.execute("SELECT pg_advisory_lock(1835102578)")
    waiting = server.connect("app", application_name="release-42")
    world.meanwhile(lambda: waiting.execute("SELECT pg_advisory_lock(1835102578)"))
    lines = [_now("release 42: waiting for the lock of migrations", "release", "INFO")]
    time.sleep(20)
    lines.append(_now("release 42: still waiting for the lock of migrations", "release", "WARNING"))
    world.database(server)
    world.application(world.log("release", lines), "release", needs=("orders-db",))
    world.examine()

    def over() -> bool:
        with server.connect() as connection:
            found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
        return found == (0,)

    return over


def receiver_that_is_silent_for_too_long(world: World) -> Over | None:
    primary = world.postgres(wal_sender_timeout="2s")
    standby = world.standby(primary)
    log = primary.data / "log"

    def hold_up() -> None:
        for pid in _processes(standby, "walreceiver"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(4)
                os.kill(pid, signal.SIGCONT)

    world.meanwhile(hold_up, again_seconds=1.0)
    until(lambda: log.read_text(errors="replace").count("due to replication timeout") >= 5, 90)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def _processes(server: Server, kind: str) -> list[int]:
    with suppress(psycopg.Error), server.connect() as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = %s", (kind,)
        ).fetchall()
        return [pid for (pid,) in found]
    return []


def subscriber_over_its_buffer_limit(world: World) -> Over | None:
    server = world.redis("--client-output-buffer-limit", "pubsub", "2mb", "1mb", "5")
    log = world.log("orders", [])

    def subscribe() -> None:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(b"SUBSCRIBE prices\r\n")
            with suppress(OSError):
                while connection.recv(65536):
                    time.sleep(0.05)  # for what it computes of each message
        with log.open("a") as file:
            file.write(_now("redis.exceptions.ConnectionError: Connection closed by server.") + "\n")

    def publish() -> None:
        with server.client() as client:
            client.publish("prices", b"x" * 400_000)

    world.meanwhile(publish, again_seconds=0.1)
    world.meanwhile(subscribe, again_seconds=0.1)
    until(lambda: len(log.read_text().splitlines()) >= 4, 150)
    world.cache(server)
    world.application(log, needs=("basket-cache",))
    world.examine()
    return None


def errors_long_after_a_restart(world: World) -> Over | None:
    server = world.redis()
    begun = time.time()
    port = server.port
    refused = (
        f"redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:{port}. Connection refused."
    )
    log = world.log("orders", _merged(list(_healthy())))
    with log.open("a") as file:
        file.writelines(_now(refused) + "\n" for _ in range(12))
    world.cache(server)

    def serve_on() -> None:
        is_bad = time.time() - begun > 60
        with log.open("a") as file:
            file.write(_combined(ago(0), "/orders", 500 if is_bad else 200) + "\n")
            if is_bad:
                file.write(_now("KeyError: 'vat_rate' in orders/totals.py") + "\n")

    world.meanwhile(serve_on, again_seconds=0.3)
    time.sleep(100)
    world.application(log, needs=("basket-cache",))
    world.examine()
    return None


def cache_at_its_limit(world: World) -> Over | None:
    server = world.redis("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru")
    client = server.client()
    for number in range(30_000):
        client.set(f"cache:page:{number}", "x" * 1000, ex=3600)
    fresh = count(40_000)

    def work() -> None:
        newest = next(fresh)
        client.set(f"cache:page:{newest}", "x" * 1000, ex=3600)
        for back in range(60):
            client.get(f"cache:page:{max(40_000, newest - back)}")

    world.meanwhile(work, again_seconds=0.05)
    time.sleep(10)
    world.cache(server)
    world.application(world.log("orders", _merged(list(_healthy()))), needs=("basket-cache",))
    world.examine()
    return None


def freeze_under_way(world: World) -> Over | None:
    server = world.postgres(vacuum_cost_delay="20ms", vacuum_cost_limit=20)
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE history AS SELECT n, repeat(md5(n::text), 20) AS text "
            "FROM generate_series(1, 60000) n"
        )
    upkeep = server.connect("postgres", application_name="vacuumdb")
    world.meanwhile(lambda: upkeep.execute("VACUUM (FREEZE) history"))
    time.sleep(40)
    world.database(server)
    world.application(world.log("orders", _merged(list(_healthy()))), needs=("orders-db",))
    world.examine()
    return None


def workers_replaced_after_so_many_requests(world: World) -> Over | None:
    lines = []
    for number in range(14):
        at = ago(830 - number * 60)
        zone = f"[{at:%Y-%m-%d %H:%M:%S} +0000]"
        old, new = 400 + number, 401 + number
        lines += [
            (at, f"{zone} [{old}] [INFO] Autorestarting worker after current request."),
            (at, f"{zone} [{old}] [INFO] Worker exiting (pid: {old})"),
            (at, f"{zone} [{new}] [INFO] Booting worker with pid: {new}"),
        ]
    world.application(world.log("orders", _merged(list(_healthy()), lines)))
    world.examine()
    return None
