"""PostgreSQL and PgBouncer."""

import subprocess
import time
from contextlib import suppress
from functools import partial

import psycopg

from tests.integration.postgres_service import Server
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago, is_blocked, until

_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "sequence_behind_restored_rows": Expected(
        source="gogs/gogs#4357",
        right="Rows were restored with their ids and the sequence was not: inserts meet numbers that are "
        "taken. setval() the sequence to the highest id.",
        must=(Rule("duplicate key"), Rule("sequence|setval")),
        never=(Rule("switch off the feature", where="first"),),
        first="duplicate|unique|sequence",
    ),
    "prepared_statements_after_a_migration": Expected(
        source="MagicStack/asyncpg#458",
        right="A migration changed a table under prepared statements: the pools have to reconnect.",
        must=(Rule("cached plan|result type"),),
        never=(Rule("(database|server) (is down|was restarted|crashed)"),),
        first="plan|prepared|schema|migration|statement",
    ),
    "queries_of_a_standby_are_canceled": Expected(
        source="reactive-tech/kubegres#86",
        right="Replay cancels the standby's queries: hot_standby_feedback or max_standby_streaming_delay.",
        must=(Rule("conflict"), Rule("hot_standby_feedback|max_standby_streaming_delay")),
        never=(Rule("VACUUM", where="first"),),
        first="conflict|standby|replica|recovery",
    ),
    "index_built_without_concurrently": Expected(
        right="CREATE INDEX blocks every write of its table until it is built; canceling it frees them.",
        must=(Rule("CREATE INDEX", severity=_ALARM, where="finding"),),
        first="lock|ddl|index",
    ),
    "terminal_left_open_after_an_update": Expected(
        right="Somebody's psql sits idle in a transaction with a row that others wait for: terminate it.",
        must=(Rule("idle in (its |a )?transaction"), Rule("psql")),
        never=(Rule("^cancel", where="first"),),
        first="idle-in-transaction|lock",
    ),
    "truncate_behind_a_dump": Expected(
        right="TRUNCATE waits for the dump, and every reader waits for TRUNCATE: cancel the TRUNCATE; "
        "the dump can go on.",
        must=(Rule("TRUNCATE"),),
        first="ddl|lock",
    ),
    "idle_sessions_are_ended_by_a_setting": Expected(
        right="The server ends sessions that idle, by idle_session_timeout, under a pool that keeps them.",
        must=(Rule("idle.session.timeout"),),
        never=(Rule("crash|was restarted|is down|left open", where="hypothesis"),),
        first="idle|session|connection",
    ),
    "pooler_has_no_room_for_clients": Expected(
        right="PgBouncer's max_client_conn is reached; the database itself has free connections.",
        must=(Rule("max_client_conn|pgbouncer"),),
        never=(Rule("orders-db has no free connections", where="hypothesis"),),
        first="connections|pool",
    ),
    "pooler_may_not_log_in": Expected(
        source="pgbouncer/pgbouncer#1094",
        right="PgBouncer's own login at the database fails: its password is wrong. The database is well.",
        must=(Rule("login|password|authenticat"),),
        never=(Rule("orders-db is down", where="any"), Rule("restart the (database|server)", where="first")),
        first="credential|login|password|pooler|pool",
    ),
    "subscriber_stops_at_a_conflict": Expected(
        right="The apply worker of a subscription fails again and again on a row that is there already.",
        must=(
            Rule("subscription|logical replication|apply worker", where="finding"),
            Rule("duplicate|conflict", where="hypothesis"),
        ),
        never=(Rule("drop the slot", where="first"),),
        first="subscription|replication|duplicate|unique|apply",
    ),
    "grants_lost_by_a_migration": Expected(
        right="A migration made the table anew without its grants: permission denied for the application.",
        must=(Rule("permission denied"),),
        never=(Rule("password|login is refused", where="first"),),
        first="permission|privilege|grant|denied|deploy",
    ),
    "code_before_its_migration": Expected(
        right="New code asks for a column that the migration has not made yet.",
        must=(Rule("does not exist"),),
        first="does not exist|schema|migration|column|deploy|statement",
    ),
    "serialization_failures": Expected(
        right="Transactions of isolation level serializable fail at each other and are not tried again.",
        must=(Rule("serializ"),),
        never=(Rule("orders-db is down"),),
        first="serializ|retry|concurren|conflict",
    ),
    "nightly_dump": Expected(right="A dump runs, nobody waits for it: all is well.", first=""),
    "vacuum_at_work": Expected(right="A vacuum runs slowly, as it was told to: all is well.", first=""),
}


def sequence_behind_restored_rows(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE sites (id serial PRIMARY KEY, host text)")
        connection.execute("INSERT INTO sites SELECT n, 'h' || n FROM generate_series(1, 800) n")
    lines = []
    for _ in range(40):
        with server.connect() as connection:
            try:
                connection.execute("INSERT INTO sites (host) VALUES ('new')")
            except psycopg.Error as error:
                moment = ago(0).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
                lines.append(f"{moment} ERROR [orders.sites] psycopg.errors.UniqueViolation: {error}")
        time.sleep(0.05)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def prepared_statements_after_a_migration(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE tokens (id int, spend int); INSERT INTO tokens VALUES (1, 2)")
    pool = [world.hold(server, prepare_threshold=0) for _ in range(6)]
    for connection in pool:
        connection.execute("SELECT * FROM tokens")
    with server.connect("app") as connection:
        connection.execute("ALTER TABLE tokens ADD COLUMN router text")
    lines = []
    for _ in range(6):
        for connection in pool:
            try:
                connection.execute("SELECT * FROM tokens")
            except psycopg.Error as error:
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR tokens: {type(error).__name__}: {error}")
        time.sleep(0.2)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def queries_of_a_standby_are_canceled(world: World) -> Over | None:
    primary = world.postgres(max_standby_streaming_delay="100ms", autovacuum="off")
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 20000) n")
    standby = world.standby(primary)
    until(lambda: _has(standby, "visits"))

    def report() -> None:
        with standby.connect(autocommit=False) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM visits")
            reader.execute("SELECT pg_sleep(20)")

    for _ in range(4):
        world.meanwhile(report, again_seconds=0.2)
    for _ in range(8):
        time.sleep(0.5)
        with primary.connect() as connection:
            connection.execute("DELETE FROM visits WHERE n % 7 = 0; INSERT INTO visits SELECT 7")
            connection.execute("VACUUM visits")
    world.database(standby, "orders-replica")
    world.examine()
    return None


def _has(server: Server, table: str) -> bool:
    with suppress(psycopg.Error), server.connect() as connection:
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
        return True
    return False


def index_built_without_concurrently(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT n AS id, 'x' || n AS ref FROM generate_series(1, 4000) n"
        )
        connection.execute(
            "CREATE FUNCTION slow(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN t; END $$"
        )
    builder = world.hold(server, application_name="alembic")
    world.meanwhile(lambda: builder.execute("CREATE INDEX orders_ref ON orders (slow(ref))"))
    time.sleep(0.5)
    for _ in range(6):
        writer = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(writer.execute, "INSERT INTO orders VALUES (1, 'new')"))
    until(lambda: is_blocked(server, 6))
    time.sleep(11)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def terminal_left_open_after_an_update(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE stock (id int PRIMARY KEY, left_count int)")
        connection.execute("INSERT INTO stock SELECT n, 9 FROM generate_series(1, 50) n")
    person = world.hold(server, autocommit=False, application_name="psql")
    person.execute("UPDATE stock SET left_count = 5 WHERE id = 7")
    for _ in range(5):
        writer = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(writer.execute, "UPDATE stock SET left_count = left_count - 1 WHERE id = 7"))
    until(lambda: is_blocked(server, 5))
    time.sleep(12)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def truncate_behind_a_dump(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE events AS SELECT n FROM generate_series(1, 1000) n")
    dump = world.hold(server, autocommit=False, application_name="pg_dump")
    dump.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    dump.execute("LOCK TABLE events IN ACCESS SHARE MODE")
    world.meanwhile(lambda: dump.execute("SELECT pg_sleep(300) FROM events LIMIT 1"))
    time.sleep(0.3)
    rotation = world.hold(server, application_name="rotate-events")
    world.meanwhile(lambda: rotation.execute("TRUNCATE events"))
    until(lambda: is_blocked(server))
    for _ in range(6):
        reader = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(reader.execute, "SELECT count(*) FROM events"))
    until(lambda: is_blocked(server, 7))
    time.sleep(11)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server, 2)


def idle_sessions_are_ended_by_a_setting(world: World) -> Over | None:
    server = world.postgres(idle_session_timeout="1500ms")
    lines = []
    for _ in range(6):
        with suppress(psycopg.Error):
            pool = [server.connect("app", application_name="orders-api") for _ in range(4)]
            time.sleep(2.2)
            for connection in pool:
                try:
                    connection.execute("SELECT 1")
                except psycopg.OperationalError as error:
                    text = str(error).strip().replace("\n", " ")
                    lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool OperationalError: {text}")
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def pooler_has_no_room_for_clients(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = session", "max_client_conn = 8", "default_pool_size = 20")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    held = [psycopg.connect(address, autocommit=True) for _ in range(8)]
    lines = []
    for _ in range(30):
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            text = str(error).strip().replace("\n", " ")
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool OperationalError: {text}")
        time.sleep(0.1)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    for connection in held:
        connection.close()
    return None


def pooler_may_not_log_in(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "server_login_retry = 1", password="an-old-one-4")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    lines = []
    for _ in range(12):
        try:
            psycopg.connect(address, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            text = str(error).strip().replace("\n", " ")
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool OperationalError: {text}")
        time.sleep(0.3)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def subscriber_stops_at_a_conflict(world: World) -> Over | None:
    publisher, subscriber = world.postgres(wal_level="logical"), world.postgres()
    table = "CREATE TABLE prices (id int PRIMARY KEY, cents int)"
    with publisher.connect() as connection:
        connection.execute(table)
        connection.execute("CREATE PUBLICATION shop FOR TABLE prices")
    with subscriber.connect() as connection:
        connection.execute(table)
        connection.execute(
            f"CREATE SUBSCRIPTION shop CONNECTION 'host=127.0.0.1 port={publisher.port} user=postgres "
            "dbname=shop' PUBLICATION shop"
        )
        connection.execute("INSERT INTO prices VALUES (7, 100)")
    time.sleep(2)
    with publisher.connect() as connection:
        connection.execute("INSERT INTO prices SELECT n, n FROM generate_series(1, 20) n")
    until(lambda: "duplicate key" in (subscriber.data / "log").read_text(errors="replace"))
    time.sleep(12)
    world.database(subscriber, "prices-db")
    world.examine()
    with subscriber.connect() as connection:
        connection.execute("ALTER SUBSCRIPTION shop DISABLE")
        connection.execute("ALTER SUBSCRIPTION shop SET (slot_name = NONE)")
        connection.execute("DROP SUBSCRIPTION shop")
    return None


def failing(world: World, server: Server, statement: str, *, role: str = "app", times: int = 30) -> None:
    lines = []
    for number in range(times):
        with server.connect(role) as connection:
            try:
                connection.execute(statement.format(number=number))
            except psycopg.Error as error:
                text = f"psycopg.errors.{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.store {text}")
        time.sleep(0.05)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))


def grants_lost_by_a_migration(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE invoices AS SELECT n FROM generate_series(1, 10) n")
    failing(world, server, "SELECT * FROM invoices WHERE n = {number}")
    world.examine()
    return None


def code_before_its_migration(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE invoices AS SELECT n FROM generate_series(1, 10) n")
    failing(world, server, "SELECT vat_rate FROM invoices WHERE n = {number}")
    world.examine()
    return None


def serialization_failures(world: World) -> Over | None:
    server = world.postgres()
    lines: list[str] = []
    with server.connect() as connection:
        connection.execute("CREATE TABLE seats (id int PRIMARY KEY, taken int)")
        connection.execute("INSERT INTO seats SELECT n, 0 FROM generate_series(1, 4) n")
    for _ in range(30):
        with (
            server.connect(autocommit=False, application_name="orders-api") as first,
            server.connect(autocommit=False, application_name="orders-api") as second,
        ):
            for connection in (first, second):
                connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                connection.execute("SELECT sum(taken) FROM seats")
            try:
                first.execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")
                first.commit()
                second.execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")
                second.commit()
            except psycopg.Error as error:
                second.rollback()
                text = str(error).partition("\n")[0]
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.seats {type(error).__name__}: {text}")
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def nightly_dump(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE history AS SELECT n, repeat(md5(n::text), 20) AS text "
            "FROM generate_series(1, 60000) n"
        )
        connection.execute("ANALYZE history")
    world.program(
        str(server.installation.binaries / "pg_dump"),
        *("-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "--compress=9", "-d", "shop"),
        *("-f", str(world.folder / "dump")),
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.6)
    world.database(server)
    world.examine()
    return None


def vacuum_at_work(world: World) -> Over | None:
    server = world.postgres(vacuum_cost_delay="50ms", vacuum_cost_limit=20, autovacuum_naptime="1d")
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE history AS SELECT n, md5(n::text) AS text FROM generate_series(1, 200000) n"
        )
        connection.execute("UPDATE history SET text = 'x' WHERE n % 5 = 0")
    worker = world.hold(server, role="postgres", application_name="maintenance")
    world.meanwhile(lambda: worker.execute("VACUUM history"))
    time.sleep(3)
    world.database(server)
    world.examine()
    return None
