"""What people asked in public threads, written down before it was played; a quarter of it is healthy."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.integration.network_service import Authority, http, serve
from tests.integration.postgres_service import PASSWORD
from tests.situations.judging import Expected, Rule
from tests.situations.postgres import failing
from tests.situations.programs import _combined, _healthy, _merged, _nginx_error
from tests.situations.reported import _keeps_failing
from tests.situations.world import Over, World, ago, until

_ONCE = Retry(NoBackoff(), 0)
_ALARM = ("CRITICAL", "WARNING")
_RESTART = Rule("^(re)?start", where="first")
_DOWN = Rule("orders-db (is down|was restarted|has no free)", where="hypothesis")
_CACHE_DOWN = Rule("basket-cache (is down|is full|was restarted)", where="hypothesis")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
EXPECTED = {
    "pool_held_by_open_transactions": Expected(
        source="autobase-tech/autobase#89",
        right="Three clients of the pooler keep transactions open, so that all its connections are taken and "
        "the others give up at query_wait_timeout: end or mend these. The database has room.",
        must=(Rule("idle", where="first"), Rule("pooler|PgBouncer", where="finding", severity=_ALARM)),
        never=(
            Rule("orders-db (is down|was restarted)", where="hypothesis"),
            _RESTART,
            Rule("max_connections", where="first"),
        ),
        first="idle-in-transaction",
    ),
    "pool_held_by_reports": Expected(
        right="Reports that run for long have all connections of the pool that short requests share: cancel "
        "them if they are not wanted, or give them a pool of their own. The database has room.",
        must=(
            Rule("pooler|PgBouncer", where="finding", severity=_ALARM),
            Rule("cancel|long statements|report", where="first"),
        ),
        never=(
            Rule("orders-db (is down|was restarted)", where="hypothesis"),
            _RESTART,
            Rule("max_connections", where="first"),
        ),
        first="long-query",
    ),
    "pool_held_by_a_lock": Expected(
        right="All connections of the pool wait for a row that a session outside of it has locked and "
        "forgotten: end that session. Neither the pool nor the server is too small.",
        must=(
            Rule("pooler|PgBouncer", where="finding", severity=_ALARM),
            Rule("lock-contention|idle-in-transaction", where="hypothesis"),
        ),
        never=(
            Rule("orders-db (is down|was restarted)", where="hypothesis"),
            _RESTART,
            Rule("max_connections", where="first"),
        ),
        first="lock-contention",
    ),
    "slot_lost_to_its_limit": Expected(
        source="patroni/patroni#3641",
        right="A standby was away for too long: its slot passed max_slot_wal_keep_size, and what it needs "
        "was removed. It has to be built again, or fed from the archive; a restart does not help.",
        must=(
            Rule("already been removed|\\blost\\b|invalidated", severity=_ALARM, where="finding"),
            Rule("base ?backup|rebuild|rebuilt|build .* (again|anew)|archive", where="hypothesis"),
        ),
        never=(_RESTART, Rule("network|firewall|VACUUM", where="first")),
        first="standby|slot|replication|wal|copy",
    ),
    "collation_of_a_newer_library": Expected(
        source="GIScience/sketch-map-tool#289",
        right="The library that sorts text is newer than the one the database was made with: indexes of text "
        "may be wrong. REINDEX first, only then REFRESH COLLATION VERSION, which merely silences it.",
        must=(Rule("collation", severity=_ALARM, where="finding"), Rule("REINDEX|rebuild")),
        never=(_DOWN, _RESTART, Rule("^[^.;]{0,30}REFRESH COLLATION", where="first")),
    ),
    "library_of_an_extension_missing": Expected(
        source="FraunhoferIOSB/FROST-Server#78",
        right="The new image lacks the library of an extension (postgis-3): install its package for this "
        "version of the server. Data is not damaged.",
        must=(Rule("postgis-3"), Rule("library|package|extension", where="hypothesis")),
        never=(_DOWN, _RESTART, Rule("restore|corrupt|disk|REINDEX", where="first")),
    ),
    "index_with_a_damaged_page": Expected(
        source="dsmrreader/dsmr-reader#1584",
        right="A page of an index was zeroed: keep a copy, check the hardware and the table, REINDEX it.",
        must=(Rule("zero page|damage|corrupt"), Rule("visits_pkey"), Rule("copy|backup", where="first")),
        never=(_DOWN, _RESTART, Rule("VACUUM|restore", where="first")),
        first="corrupt|damage|index|page",
    ),
    "database_number_out_of_range": Expected(
        source="Metaculus/metaculus#2737",
        right="The application chooses database 20 of a Redis that has 16: correct the number it uses.",
        must=(Rule("number|databases", where="first"),),
        never=(_CACHE_DOWN, _RESTART, Rule("password|memory", where="first")),
    ),
    "client_speaks_tls_to_a_plain_port": Expected(
        source="sewenew/redis-plus-plus#216",
        right="The application speaks TLS (rediss://) to a port that does not: one side is to be changed.",
        must=(Rule("TLS|SSL"), Rule("plain|scheme|rediss|does not speak|without TLS", where="hypothesis")),
        never=(_CACHE_DOWN, _RESTART, Rule("renew|expired|new certificate", where="first")),
    ),
    "certificate_renewed_and_not_loaded": Expected(
        source="certbot/certbot#3499",
        right="The server still sends the expired certificate although the file was renewed: reload it.",
        must=(Rule("expired", severity=("CRITICAL",), where="finding"), Rule("reload", where="hypothesis")),
        first="tls|certificate",
    ),
    "clients_that_try_ipv6_first": Expected(
        source="brianc/node-postgres#2643",
        right="localhost is ::1 for the application since its upgrade, and PostgreSQL listens on 127.0.0.1 "
        "only: name the address, or listen on both. The database is well.",
        must=(Rule("::1|IPv6", where="hypothesis"),),
        never=(Rule("orders-db (is|seems) down", where="hypothesis"), _RESTART),
    ),
    "connections_kept_shorter_than_the_proxy_does": Expected(
        source="adonisjs/core#5081",
        right="Now and then the upstream closes a kept connection just as nginx uses it again: 502. Its "
        "keep-alive timeout has to be longer than that of the proxy.",
        must=(Rule("keep-?alive|kept open|idle connection"),),
        never=(_CRITICAL, _RESTART, Rule("(web|upstream|orders) is down", where="hypothesis")),
    ),
    "page_where_data_was_expected": Expected(
        source="fuomag9/ChaturbateBot#59",
        right="The partner answers with a page of HTML (maintenance) where JSON is expected: look at what it "
        "sends and ask it; check status and type before parsing.",
        must=(Rule("JSON|HTML"), Rule("page|content type|maintenance", where="first")),
        never=(_RESTART, Rule("has expired|payments is down|does not resolve", where="hypothesis")),
    ),
    "variable_missing_at_start": Expected(
        source="fief-dev/fief#316",
        right="The new version needs a setting (payments_key) that its environment lacks, so it ends at each "
        "start: set it or roll back. Starting it again changes nothing.",
        must=(Rule("payments_key|environment|variable|setting"),),
        never=(_RESTART,),
        first="start|boot|variable|setting|crash|loop|down|ended",
    ),
    "process_that_is_a_zombie": Expected(
        source="moby/moby#35910",
        right="The process has ended, and nothing collected it: its number still exists, it is not running.",
        must=(Rule("zombie|defunct|has ended|is not running|not running", severity=("CRITICAL",)),),
        never=(Rule("orders (runs|is running|is up)", where="finding", severity=("OK",)),),
        first="down|ended|zombie|defunct|crash",
    ),
    "standby_refused_by_pg_hba": Expected(
        source="EnterpriseDB/edb-ansible#577",
        right="The primary's pg_hba.conf has no line for replication from the standby any more: add it and "
        "reload. The standby need not be built again while its slot holds the WAL.",
        must=(
            Rule("pg_hba", where="first"),
            Rule("standby|replica|receiver", severity=_ALARM, where="finding"),
        ),
        never=(_RESTART, Rule("base ?backup|pg_rewind|firewall|VACUUM", where="first")),
        first="standby|replica|pg_hba|login|refus",
    ),
    "no_transaction_ids_left": Expected(
        source="citusdata/citus#6053",
        right="A forgotten replication slot kept the oldest transaction ID, until the server refused all "
        "writes: end the slot cdc_old, then VACUUM. No single-user mode.",
        must=(
            Rule("wraparound|transaction IDs", severity=("CRITICAL",), where="finding"),
            Rule("cdc_old"),
            Rule("slot", where="hypothesis"),
        ),
        never=(_RESTART, Rule("VACUUM FULL|(?<!no )single-user|^drop", where="first")),
        first="wraparound|transaction id",
    ),
    "driver_too_old_for_scram": Expected(
        source="dsmrreader/dsmr-reader#1624",
        right="The driver is too old for SCRAM passwords: update it (libpq 10). The password is right.",
        must=(Rule("SCRAM"), Rule("driver|libpq|client library", where="hypothesis")),
        never=(_DOWN, _RESTART, Rule("md5|(wrong|new|correct) password", where="first")),
    ),
    "sessions_are_evicted": Expected(
        source="dimagi/commcare-cloud#1865",
        right="Redis is full and evicts sessions before they expire, so users are logged out: give it "
        "memory, or sessions a server of their own. No session is to be deleted.",
        must=(
            Rule("evict", severity=_ALARM, where="finding"),
            Rule("session|logged out|logs users out", where="hypothesis"),
        ),
        never=(Rule("(?<!not )(delete|flush|remove)", where="first"), _RESTART),
        first="evict",
    ),
    "keys_of_two_slots": Expected(
        source="sidekiq/sidekiq#6112",
        right="A command names keys of several slots, which a cluster refuses: hash tags, or a client or "
        "library that splits it. The cluster is well.",
        must=(Rule("CROSSSLOT|slots?"), Rule("hash tag|same slot", where="hypothesis")),
        never=(_CACHE_DOWN, _RESTART, Rule("CLUSTERDOWN|no node serves", where="hypothesis")),
    ),
    "statistics_missing_after_a_restore": Expected(
        source="umami-software/umami#4353",
        right="The tables were restored a moment ago and have no statistics, so plans are bad: ANALYZE.",
        must=(Rule("statistics|ANALYZE"), Rule("ANALYZE", where="hypothesis")),
        never=(_DOWN, _RESTART, Rule("^(create|add) (an )?index", where="first")),
        first="slow|statistic|analy|quer|plan",
    ),
    "report_over_its_temp_file_limit": Expected(
        source="akvo/akvo-lumen#3158",
        right="A report sorts more than temp_file_limit allows: make the statement smaller, or give its role "
        "more work_mem or a higher limit. The disk is not full.",
        must=(Rule("temp_file_limit"),),
        never=(_DOWN, _RESTART, Rule("disk is full|free (up )?(disk )?space", where="hypothesis")),
        first="temp",
    ),
    "vacuum_full_in_its_window": Expected(
        right="VACUUM FULL of a table that nobody waits for: nothing is wrong.", never=(_CRITICAL,), first=""
    ),
    "standby_catches_up_after_a_restart": Expected(
        right="The standby was restarted as planned and is in step again: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "idle_pool_within_its_limits": Expected(
        right="A pool keeps sixty of a hundred connections open and idle: nothing is wrong.",
        never=(Rule("connections", where="finding", severity=_ALARM), _CRITICAL),
        first="",
    ),
    "canary_with_expected_answers": Expected(
        right="A canary asks for what is refused (401, 404), as it should be: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "append_only_file_is_rewritten": Expected(
        right="Redis rewrites its append-only file, as it does now and then: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "first_copy_of_a_subscription": Expected(
        right="A new subscription copies its table for the first time: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "pooler_with_idle_clients": Expected(
        right="Sixty clients share five connections of a pooler, and none waits: nothing is wrong.",
        never=(_CRITICAL, Rule("pooler|PgBouncer", where="finding", severity=_ALARM)),
        first="",
    ),
}


def _now(text: str, name: str = "orders.store") -> str:
    return f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR {name} {' '.join(text.split())}"


def _error(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__name__}: {error}"


def _spread(text: str, *, count: int = 60, seconds: float = 240) -> list[str]:
    step = seconds / count
    return [f"{ago(seconds - step * n):%Y-%m-%dT%H:%M:%SZ} ERROR orders {text}" for n in range(count)]


def _served(world: World, name: str = "orders", *, needs: tuple[str, ...] = ()) -> None:
    """Configure a program that serves all its requests."""
    world.application(world.log(name, _merged(list(_healthy()))), name, needs=needs)


def pool_held_by_open_transactions(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "default_pool_size = 3", "query_wait_timeout = 3")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    holders = []
    for _ in range(3):
        holder = psycopg.connect(f"{address}&application_name=importer", prepare_threshold=None)
        holder.execute("SELECT 1")
        holders.append(holder)
    lines: list[str] = []
    _waits_in_the_pool(world, address, lines)
    time.sleep(20)
    world.database(server, pooler=port)
    world.application(world.log("orders", list(lines)), needs=("orders-db",))
    world.examine()
    for holder in holders:
        holder.close()
    return None


def _waits_in_the_pool(world: World, address: str, lines: list[str]) -> None:
    """Let six clients ask for a connection of the pool again and again, and note what they get."""

    def ask() -> None:
        try:
            with psycopg.connect(address, prepare_threshold=None) as client:
                client.execute("SELECT 1")
        except psycopg.Error as error:
            lines.append(_now(_error(error)))

    for _ in range(6):
        world.meanwhile(ask, again_seconds=0.1)
    until(lambda: len(lines) >= 18, 60)


def pool_held_by_reports(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "default_pool_size = 3", "query_wait_timeout = 3")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    for _ in range(3):
        report = psycopg.connect(
            f"{address}&application_name=report", autocommit=True, prepare_threshold=None
        )
        world.meanwhile(partial(report.execute, "SELECT pg_sleep(100), count(*) FROM pg_class"))
    time.sleep(1)
    lines: list[str] = []
    _waits_in_the_pool(world, address, lines)
    time.sleep(30)
    world.database(server, pooler=port)
    world.application(world.log("orders", list(lines)), needs=("orders-db",))
    world.examine()

    def over() -> bool:
        try:
            psycopg.connect(address, prepare_threshold=None).execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    return over


def pool_held_by_a_lock(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE stock (id int PRIMARY KEY, n int); ALTER TABLE stock OWNER TO app")
        connection.execute("INSERT INTO stock SELECT n, 0 FROM generate_series(1, 9) n")
    port = world.pooler(server, "pool_mode = transaction", "default_pool_size = 3", "query_wait_timeout = 3")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    holder = world.hold(server, application_name="psql", autocommit=False)
    holder.execute("UPDATE stock SET n = n + 1 WHERE id = 1")
    for _ in range(3):
        buyer = psycopg.connect(f"{address}&application_name=buyers", prepare_threshold=None)
        world.meanwhile(partial(buyer.execute, "UPDATE stock SET n = n - 1 WHERE id = 1"))
    time.sleep(1)
    lines: list[str] = []
    _waits_in_the_pool(world, address, lines)
    time.sleep(10)
    world.database(server, pooler=port)
    world.application(world.log("orders", list(lines)), needs=("orders-db",))
    world.examine()

    def over() -> bool:
        with server.connect() as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            ).fetchone()
        return found == (0,)

    return over


def slot_lost_to_its_limit(world: World) -> Over | None:
    primary = world.postgres(max_slot_wal_keep_size="32MB", max_wal_size="64MB", min_wal_size="32MB")
    standby = world.standby(primary)
    standby.stop(signal.SIGINT)
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits (n int)")
        for _ in range(12):
            connection.execute("INSERT INTO visits SELECT generate_series(1, 1000)")
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
        found = connection.execute("SELECT wal_status FROM pg_replication_slots").fetchone()
        assert found == ("lost",), found
    standby.start()
    until(lambda: "already been removed" in (standby.data / "log").read_text(errors="replace"), 30)
    time.sleep(8)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def collation_of_a_newer_library(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute(
            "CREATE DATABASE books OWNER app TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
        )
        connection.execute("UPDATE pg_database SET datcollversion = '66.1' WHERE datname = 'books'")
    with server.connect("app", "books") as connection:
        connection.execute("CREATE TABLE titles (name text PRIMARY KEY)")
        connection.execute("INSERT INTO titles SELECT md5(n::text) FROM generate_series(1, 5000) n")
    for _ in range(20):
        server.connect("app", "books").close()
    world.database(server, login=server.dsn(database="books"))
    _served(world, needs=("orders-db",))
    world.examine()
    return None


def library_of_an_extension_missing(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute(
            "CREATE FUNCTION postgis_distance(int) RETURNS float "
            "AS '$libdir/pg_stat_statements', 'pg_stat_statements_reset' LANGUAGE C"
        )
        connection.execute(
            "UPDATE pg_proc SET probin = '$libdir/postgis-3' WHERE proname = 'postgis_distance'"
        )
    failing(world, server, "SELECT postgis_distance({number})")
    world.examine()
    return None


def index_with_a_damaged_page(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE visits (n int PRIMARY KEY, text text)")
        connection.execute("INSERT INTO visits SELECT n, 'x' FROM generate_series(1, 60000) n")
        row = connection.execute("SELECT pg_relation_filepath('visits_pkey')").fetchone()
    server.stop(signal.SIGINT)
    with (server.data / str(row and row[0])).open("r+b") as file:
        for block in range(4, 60):
            file.seek(block * 8192)
            file.write(bytes(8192))
    server.start()
    failing(world, server, "SELECT * FROM visits WHERE n = 1{number:02}00")
    world.examine()
    return None


def _refused_by(world: World, attempt: object, *, times: int = 30) -> None:
    """Configure a program with what Redis answered to its attempts."""
    lines = []
    for number in range(times):
        try:
            attempt(number)  # type: ignore[operator]
        except (redis.RedisError, OSError) as error:
            lines.append(_now(_error(error), "basket"))
        time.sleep(0.05)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))


def database_number_out_of_range(world: World) -> Over | None:
    server = world.redis()
    world.cache(server)
    _refused_by(world, lambda number: redis.Redis(port=server.port, db=20).get(f"basket:{number}"))
    world.examine()
    return None


def client_speaks_tls_to_a_plain_port(world: World) -> Over | None:
    server = world.redis()
    world.cache(server)
    secure = partial(
        redis.Redis, port=server.port, ssl=True, ssl_cert_reqs="none", socket_timeout=3, retry=_ONCE
    )
    lines: list[str] = []

    def ask() -> None:
        try:
            secure().get("basket:1")
        except redis.RedisError as error:
            lines.append(_now(_error(error), "basket"))

    for _ in range(2):
        world.meanwhile(ask, again_seconds=0.1)
    until(lambda: len(lines) >= 12, 60)
    world.application(world.log("basket", list(lines)), "basket", needs=("basket-cache",))
    world.examine()
    return None


def certificate_renewed_and_not_loaded(world: World) -> Over | None:
    authority = Authority(world.folder)
    ended = datetime.now(UTC) - timedelta(hours=7)
    context = authority.context("localhost", not_before=ended - timedelta(days=90), not_after=ended)
    with serve(http("ok"), context=context, host="127.0.0.1") as port:
        url = f'url = "https://localhost:{port}"'
        world.service("web", "http", url, 'health = ["/"]', f'ca = "file:{authority.path}"')
        world.examine()
    return None


def clients_that_try_ipv6_first(world: World) -> Over | None:
    server = world.postgres()
    world.database(server)
    reason = f"connect ECONNREFUSED ::1:{server.port}"
    text = f"Error: {reason} at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1494:16)"
    world.application(world.log("orders", _spread(text)), needs=("orders-db",))
    world.examine()
    return None


def connections_kept_shorter_than_the_proxy_does(world: World) -> Over | None:
    texts = (
        "upstream prematurely closed connection while reading response header from upstream",
        "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    )
    bad = []
    for number in range(14):
        moment = ago(830 - number * 60)
        text = texts[number % 2]
        bad.append((moment, _nginx_error(moment, text, "GET /orders", upstream="127.0.0.1:3000")))
        bad.append((moment, _combined(moment, "/orders", 502)))
    world.application(world.log("web", _merged(list(_healthy(each=0.4)), bad)), "web")
    world.examine()
    return None


def page_where_data_was_expected(world: World) -> Over | None:
    with serve(http("<!DOCTYPE html><h1>We will be back soon</h1>"), host="127.0.0.1") as port:
        world.dependency("payments", f"http://127.0.0.1:{port}/")
        text = (
            f"charge failed: http://127.0.0.1:{port}/v1/charges: "
            "requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
        )
        world.application(world.log("orders", _spread(text)), needs=("payments",))
        world.examine()
    return None


_SETTINGS = """\
Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.11/site-packages/gunicorn/arbiter.py", line 609, in spawn_worker
    worker.init_process()
  File "/srv/app/orders/main.py", line 9, in <module>
    settings = Settings()
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
payments_key
  Field required [type=missing, input_value={'port': '8000'}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.3/v/missing"""


def variable_missing_at_start(world: World) -> Over | None:
    lines = []
    for number in range(6):
        at, pid = f"[{ago(200 - number * 33):%Y-%m-%d %H:%M:%S +0000}]", 400 + number * 10
        lines += [
            f"{at} [{pid}] [INFO] Starting gunicorn 22.0.0",
            f"{at} [{pid}] [INFO] Listening at: http://0.0.0.0:8000 ({pid})",
            f"{at} [{pid + 1}] [INFO] Booting worker with pid: {pid + 1}",
            f"{at} [{pid + 1}] [ERROR] Exception in worker process",
            *_SETTINGS.splitlines(),
            f"{at} [{pid + 1}] [INFO] Worker exiting (pid: {pid + 1})",
            f"{at} [{pid}] [ERROR] Worker (pid:{pid + 1}) exited with code 3",
            f"{at} [{pid}] [ERROR] Shutting down: Master",
            f"{at} [{pid}] [ERROR] Reason: Worker failed to boot.",
        ]
    world.ended(world.log("orders", lines))
    world.examine()
    return None


_PARENT = """
import os, sys, time
child = os.fork()
if child == 0:
    os._exit(0)
open(sys.argv[1], "w").write(str(child))
time.sleep(600)
"""


def process_that_is_a_zombie(world: World) -> Over | None:
    pid = world.folder / "orders.pid"
    world.program(sys.executable, "-c", _PARENT, str(pid))
    until(lambda: pid.exists() and pid.read_text())
    log = world.log("orders", _merged(list(_healthy()))[:-60])
    world.service("orders", "process", f'pid_file = "{pid}"', f'log = "{log}"')
    world.examine()
    return None


def standby_refused_by_pg_hba(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    rules = primary.data / "pg_hba.conf"
    rules.write_text(
        "".join(line for line in rules.read_text().splitlines(keepends=True) if "replication" not in line)
    )
    with primary.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    until(lambda: "pg_hba.conf entry" in (standby.data / "log").read_text(errors="replace"), 30)

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(12)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def no_transaction_ids_left(world: World) -> Over | None:
    server = world.postgres(wal_level="logical")
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE visits (n int)")
    with server.connect() as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('cdc_old', 'pgoutput')")
        connection.execute("CHECKPOINT")
    server.stop(signal.SIGINT)
    account = server.account
    owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    reset = server.installation.binaries / "pg_resetwal"
    for command in (
        (str(reset), "-f", "-x", "2146483648", "-D", str(server.data)),
        ("dd", "if=/dev/zero", f"of={server.data}/pg_xact/07FF", "bs=8192", "count=32"),
    ):
        subprocess.run(command, check=True, capture_output=True, cwd="/", **owner)
    server.start()
    failing(world, server, "INSERT INTO visits VALUES ({number})")
    world.examine()
    return None


def driver_too_old_for_scram(world: World) -> Over | None:
    server = world.postgres()
    world.database(server)
    text = "psycopg2.OperationalError: SCRAM authentication requires libpq version 10 or above"
    world.application(world.log("orders", _spread(text)), needs=("orders-db",))
    world.examine()
    return None


def sessions_are_evicted(world: World) -> Over | None:
    server = world.redis("--maxmemory", "16mb", "--maxmemory-policy", "volatile-lru")
    number = 0

    def fill() -> None:
        nonlocal number
        with server.client() as client:
            pipe = client.pipeline(transaction=False)
            for _ in range(100):
                number += 1
                pipe.set(f"sess:{number}", "v" * 3000, ex=7200)
            pipe.execute()

    world.meanwhile(fill, again_seconds=0.05)

    def evicted() -> bool:
        with server.client() as client:
            return int(client.info("stats")["evicted_keys"]) > 1500

    until(evicted, 60)
    time.sleep(3)
    world.cache(server)
    world.examine()
    return None


def keys_of_two_slots(world: World) -> Over | None:
    server = world.redis("--cluster-enabled", "yes")
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        time.sleep(3)
        _refused_by(world, lambda number: client.mget(f"basket:{number}", f"price:{number}"))
    world.cache(server)
    world.examine()
    return None


def statistics_missing_after_a_restore(world: World) -> Over | None:
    server = world.postgres(autovacuum="off")
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE customers AS SELECT n AS id, n % 3 AS region FROM generate_series(1, 9000) n"
        )
        connection.execute(
            "CREATE TABLE visits AS SELECT n AS id, n % 9000 AS customer FROM generate_series(1, 90000) n"
        )
    report = (
        "SELECT count(*) FROM visits v JOIN customers c ON v.customer + 0 >= c.id + 8000 AND c.region = 1 "
        "WHERE v.id % 7 = 0"
    )

    reader = world.hold(server, application_name="orders-api")
    reader.execute("SET statement_timeout = '900ms'")
    _keeps_failing(world, "orders", lambda: reader.execute(report))
    world.database(server)
    world.examine()
    return None


def report_over_its_temp_file_limit(world: World) -> Over | None:
    server = world.postgres(temp_file_limit="2MB", work_mem="64kB")
    failing(
        world, server, "SELECT n, md5(n::text) FROM generate_series(1, 20000{number}) n ORDER BY 2", times=14
    )
    world.examine()
    return None


def vacuum_full_in_its_window(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute(
            "CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
            "$$ BEGIN IF current_setting('shop.slow', true) = 'on' THEN PERFORM pg_sleep(0.01); END IF; "
            "RETURN n; END $$"
        )
        connection.execute("CREATE TABLE history AS SELECT n FROM generate_series(1, 4000) n")
        connection.execute("CREATE INDEX ON history (slow(n))")
        connection.execute("CREATE TABLE orders AS SELECT n FROM generate_series(1, 4000) n")
    worker = world.hold(server, role="postgres", application_name="maintenance")
    worker.execute("SET shop.slow = 'on'")
    world.meanwhile(lambda: worker.execute("VACUUM FULL history"))

    def read() -> None:
        with server.connect("app", application_name="orders-api") as connection:
            connection.execute("SELECT 1")

    world.meanwhile(read, again_seconds=0.1)
    time.sleep(4)
    world.database(server)
    _served(world, needs=("orders-db",))
    world.examine()
    return None


def standby_catches_up_after_a_restart(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    standby.stop(signal.SIGINT)
    with primary.connect() as connection:
        connection.execute("INSERT INTO visits SELECT n FROM generate_series(1, 200000) n")
    standby.start()

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(8)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def idle_pool_within_its_limits(world: World) -> Over | None:
    server = world.postgres(max_connections=100)
    held = [world.hold(server, application_name="orders-api") for _ in range(60)]
    for connection in held:
        connection.execute("SELECT 1")
    world.database(server)
    _served(world, needs=("orders-db",))
    world.examine()
    return None


def canary_with_expected_answers(world: World) -> Over | None:
    canary = []
    for number in range(160):
        moment = ago(830 - number * 5)
        path, status = (("/api/private", 401), ("/api/missing", 404))[number % 2]
        canary.append((moment, _combined(moment, path, status, agent="canary/1.4")))
    world.application(world.log("web", _merged(list(_healthy()), canary)), "web")
    world.examine()
    return None


def append_only_file_is_rewritten(world: World) -> Over | None:
    server = world.redis(
        "--appendonly", "yes", "--rdb-key-save-delay", "300", "--aof-use-rdb-preamble", "yes"
    )
    with server.client() as client:
        for start in range(0, 200_000, 500):
            client.mset({f"basket:{number}": "v" for number in range(start, start + 500)})
        client.bgrewriteaof()
    time.sleep(3)
    world.cache(server)
    world.examine()
    return None


def first_copy_of_a_subscription(world: World) -> Over | None:
    publisher = world.postgres(wal_level="logical")
    subscriber = world.postgres()
    table = "CREATE TABLE visits (n int PRIMARY KEY)"
    with publisher.connect() as connection:
        connection.execute(table)
        connection.execute("INSERT INTO visits SELECT generate_series(1, 60000)")
        connection.execute("CREATE PUBLICATION shop FOR TABLE visits")
    with subscriber.connect() as connection:
        connection.execute(table)
        connection.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.001); RETURN new; END $$"
        )
        connection.execute("CREATE TRIGGER wait BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION wait()")
        connection.execute("ALTER TABLE visits ENABLE ALWAYS TRIGGER wait")
        connection.execute(
            f"CREATE SUBSCRIPTION shop CONNECTION 'host=127.0.0.1 port={publisher.port} user=postgres "
            "dbname=shop' PUBLICATION shop"
        )
    time.sleep(6)
    world.database(publisher)
    world.database(subscriber, "orders-copy")
    world.examine()
    with subscriber.connect() as connection:
        connection.execute("ALTER SUBSCRIPTION shop DISABLE")
        connection.execute("ALTER SUBSCRIPTION shop SET (slot_name = NONE)")
        connection.execute("DROP SUBSCRIPTION shop")
    return None


def pooler_with_idle_clients(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "default_pool_size = 5", "max_client_conn = 200")
    address = f"postgresql://app:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable"
    clients = [psycopg.connect(address, autocommit=True, prepare_threshold=None) for _ in range(60)]
    for client in clients:
        client.execute("SELECT 1")
    world.database(server, pooler=port)
    _served(world, needs=("orders-db",))
    world.examine()
    for client in clients:
        client.close()
    return None
