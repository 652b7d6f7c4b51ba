"""PostgreSQL and PgBouncer: logins that are refused, the root of a queue, jobs of the server that fail."""

import time
from contextlib import suppress
from functools import partial

import psycopg

from tests.integration.postgres_service import PASSWORD, Server
from tests.situations.databases import _fails, _line, _publishes, _says, _serves
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago, is_blocked, until

_ALARM = ("CRITICAL", "WARNING")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
_DOWN = Rule("orders-db (is down|was restarted|crashed)", where="hypothesis")
_RESTART = Rule("^(re)?start", where="first")
EXPECTED = {
    "pooler_of_a_renamed_database": Expected(
        source="pgbouncer/pgbouncer#46",
        right="PgBouncer forwards to a database that was renamed, so each of its logins fails: correct the "
        "name in pgbouncer.ini, or the name of the database. The server is well and has room.",
        must=(Rule("does not exist|no such database|renamed"), Rule("database", where="hypothesis")),
        never=(
            _RESTART,
            _DOWN,
            Rule("password|max_connections|pool_size|restore a backup", where="first"),
        ),
        first="database|login|pooler",
    ),
    "template_in_use": Expected(
        source="doctrine/dbal#2280",
        right="A new database cannot be made, since a session is connected to template1, which is "
        "copied: end that session, or copy template0. Those who use the shop are served.",
        must=(Rule("template1"), Rule("template|accessed by other users", where="hypothesis")),
        never=(_RESTART, _DOWN, Rule("max_connections|^drop", where="first")),
        first="template|database|use",
    ),
    "parallel_report_before_a_migration": Expected(
        right="A report runs with parallel workers, an ALTER TABLE waits for it and all readers wait behind: "
        "cancel the report (its leader, not a worker), or the ALTER TABLE.",
        must=(
            Rule("ALTER TABLE", where="finding", severity=_ALARM),
            Rule("^(cancel|end|terminate)", where="first"),
        ),
        never=(_RESTART, _DOWN, Rule("parallel worker", where="first")),
        first="lock|ddl",
    ),
    "sequence_at_its_end": Expected(
        source="minetest-mapserver/mapserver#340",
        right="The sequence of an integer key has given out its last value, so each INSERT fails: the column "
        "and its sequence have to become bigint (a rewrite under a lock), with negative values until then.",
        must=(
            Rule("objects_id_seq", where="any"),
            Rule("bigint", where="hypothesis"),
        ),
        never=(_RESTART, _DOWN, Rule("CYCLE|setval\\(.*max", where="first")),
        first="sequence|key|integer|exhaust|int4",
    ),
    "first_copy_meets_rows": Expected(
        source="freelawproject/courtlistener#909",
        right="The first copy of one table of a subscription fails over and over, since rows are there "
        "already: empty that table at the subscriber once it is known that nothing of it is needed, or take "
        "over without a copy. The other table is applied.",
        must=(Rule("prices", where="any"), Rule("duplicate|already|unique|conflict", where="hypothesis")),
        never=(_RESTART, _DOWN, Rule("^(drop|skip|truncate)|network|password", where="first")),
        first="subscription|copy|sync|conflict|apply|duplicate|unique",
    ),
    "limit_of_a_database_left_at_zero": Expected(
        source="DANOSOFT/saldi#408",
        right="A restore set the CONNECTION LIMIT of the database to 0 and ended before it reset it, so "
        "every login is refused: ALTER DATABASE shop CONNECTION LIMIT -1. The server has room.",
        must=(
            Rule("CONNECTION LIMIT|datconnlimit|limit of (the )?(database|shop)"),
            Rule("CONNECTION LIMIT", where="first"),
        ),
        never=(
            _RESTART,
            _DOWN,
            Rule("(raise|increase) max_connections|password|^(end|terminate)", where="first"),
        ),
        first="limit|connections|database",
    ),
    "workers_that_wait_to_lead": Expected(
        source="GreptimeTeam/greptimedb#7670",
        right="One of three schedulers leads by an advisory lock and works, the two others wait for their "
        "turn, as they shall: whoever ended the leader would stop its work. Nobody else waits.",
        never=(_CRITICAL, _RESTART, _DOWN, Rule("^(end|terminate|cancel|kill)", where="first")),
    ),
    "pools_larger_than_their_server": Expected(
        source="pgbouncer/pgbouncer#641",
        right="PgBouncer may open more connections than the server has left, so logins fail with too many "
        "clients and its clients wait: smaller pools, or more room in the server after a look at memory.",
        must=(
            Rule("max_connections|too many clients|no free connections|slots"),
            Rule("pool", where="hypothesis"),
        ),
        never=(
            _DOWN,
            _RESTART,
            Rule("(raise|increase|larger) (default_)?pool_size|password", where="first"),
        ),
        first="connections|pool|slots",
    ),
    "login_function_lost_in_a_restore": Expected(
        source="pgbouncer/pgbouncer#649",
        right="PgBouncer looks passwords up by auth_query with a function that the restored database lacks, "
        "so nobody can log in through it: create that function again. The passwords are right.",
        must=(Rule("auth_query"), Rule("auth_query|lookup", where="first")),
        never=(_RESTART, _DOWN, Rule("password of|max_|pool_size|pg_hba", where="first")),
        first="pooler|login|auth|function",
    ),
    "change_capture_without_logical_wal": Expected(
        source="cybertec-postgresql/pg_squeeze#19",
        right="Change data capture cannot start, since wal_level is replica: set it to logical, restart at "
        "a time that suits. The users of the database are served.",
        must=(Rule("wal_level", where="hypothesis"), Rule("wal_level", where="first")),
        never=(_DOWN, Rule("^restart|drop|max_replication_slots", where="first")),
        first="wal.level|logical|decoding|replication",
    ),
    "statistics_job_fails_in_a_function": Expected(
        source="osm-search/Nominatim#1097",
        right="Autovacuum cannot analyze a table, since the function of one of its indexes names another "
        "function without its schema: give the function a search_path. Nothing is missing.",
        must=(
            Rule("analyze|autovacuum|vacuum", where="finding", severity=_ALARM),
            Rule("search_path|schema", where="hypothesis"),
        ),
        never=(_RESTART, _DOWN, Rule("^create the (missing )?function|run .*migration", where="first")),
        first="function|analyze|vacuum|search|statistics",
    ),
    "refresh_that_readers_wait_for": Expected(
        source="bennettoxford/openprescribing#2025",
        right="A REFRESH MATERIALIZED VIEW runs and every reader of it waits: let it end if that "
        "is near, or cancel it; then refresh CONCURRENTLY.",
        must=(
            Rule("REFRESH MATERIALIZED VIEW", where="finding", severity=_ALARM),
            Rule("lock|refresh", where="hypothesis"),
        ),
        never=(_RESTART, _DOWN, Rule("^(drop|reindex)", where="first")),
        first="lock|ddl|refresh|blocked",
    ),
    "workers_that_skip_locked_rows": Expected(
        right="Eight workers each hold a row of a queue for the seconds of their job and pass over what is "
        "locked (SKIP LOCKED): nobody waits and nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
}


def pooler_of_a_renamed_database(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "server_login_retry = 1")
    with server.connect("postgres", "postgres") as connection:
        connection.execute("ALTER DATABASE shop RENAME TO shop_2026")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    world.database(server, login=server.dsn(database="shop_2026"), pooler=port)
    _fails(world, lambda: psycopg.connect(address, connect_timeout=5).close())
    world.examine()
    return None


def template_in_use(world: World) -> Over | None:
    server = world.postgres()
    world.hold(server, "workbench", dbname="template1", application_name="metrics-exporter")
    maker = world.hold(server, "postgres", application_name="tenants")
    world.database(server)
    _fails(world, lambda: maker.execute("CREATE DATABASE tenant_81"), name="tenants", least=8)
    world.examine()
    return None


def parallel_report_before_a_migration(world: World) -> Over | None:
    server = world.postgres(max_parallel_workers=4, parallel_leader_participation="off")
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n AS id, 'r' || n AS ref FROM generate_series(1, 20000) n"
        )
        connection.execute(
            "CREATE FUNCTION weigh(t text) RETURNS int PARALLEL SAFE LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN 1; END $$"
        )
        connection.execute("ALTER TABLE stock SET (parallel_workers = 2)")
    report = world.hold(server, application_name="monthly-report")
    for name, value in (
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
    ):
        report.execute(f"SET {name} = {value}")
    world.meanwhile(lambda: report.execute("SELECT sum(weigh(ref)) FROM stock"))
    until(lambda: _workers(server) >= 1)
    change = world.hold(server, application_name="migrations")
    world.meanwhile(lambda: change.execute("ALTER TABLE stock ADD COLUMN note text"))
    until(lambda: is_blocked(server))
    for _ in range(6):
        reader = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(reader.execute, "SELECT count(*) FROM stock"))
    until(lambda: is_blocked(server, 7))
    time.sleep(12)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def _workers(server: Server) -> int:
    with server.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'"
        ).fetchone()
    return int(row[0]) if row else 0


def sequence_at_its_end(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE objects (id serial PRIMARY KEY, name text)")
        connection.execute("SELECT setval('objects_id_seq', 2147483640)")
    writer = world.hold(server)
    world.database(server)
    _fails(world, lambda: writer.execute("INSERT INTO objects (name) VALUES ('x')"))
    world.examine()
    return None


def first_copy_meets_rows(world: World) -> Over | None:
    publisher, subscriber = world.postgres(wal_level="logical"), world.postgres()
    with publisher.connect() as connection, subscriber.connect() as other:
        for session in (connection, other):
            session.execute("CREATE TABLE prices (id int PRIMARY KEY, cents int)")
            session.execute("CREATE TABLE stock (id int PRIMARY KEY, n int)")
            session.execute("INSERT INTO prices SELECT n, n FROM generate_series(1, 100) n")
        connection.execute("CREATE PUBLICATION shop FOR TABLE prices, stock")
        other.execute(
            f"CREATE SUBSCRIPTION shop CONNECTION 'host=127.0.0.1 port={publisher.port} user=postgres "
            "dbname=shop' PUBLICATION shop"
        )
    _says(subscriber, "duplicate key value violates unique constraint")
    _publishes(world, publisher, subscriber)
    return None


def limit_of_a_database_left_at_zero(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("ALTER DATABASE shop CONNECTION LIMIT 0")
    world.database(server, login=server.dsn(database="postgres"))
    _fails(world, lambda: server.connect("app").close())
    world.examine()
    return None


def workers_that_wait_to_lead(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE jobs (id serial PRIMARY KEY, done timestamptz)")
    leader = world.hold(server, application_name="scheduler")
    leader.execute("SELECT pg_advisory_lock(28319)")
    for _ in range(2):
        other = world.hold(server, application_name="scheduler")
        world.meanwhile(partial(other.execute, "SELECT pg_advisory_lock(28319)"))
    until(lambda: is_blocked(server, 2))
    world.meanwhile(lambda: leader.execute("INSERT INTO jobs (done) VALUES (now())"), again_seconds=2)
    time.sleep(60)
    world.database(server)
    _serves(world)
    world.examine()
    return None


def pools_larger_than_their_server(world: World) -> Over | None:
    server = world.postgres(max_connections=12)
    for _ in range(3):
        world.hold(server, application_name="reports")
    port = world.pooler(
        server,
        *("pool_mode = transaction", "default_pool_size = 30", "query_wait_timeout = 2"),
        "server_login_retry = 1",
    )
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"
    log = world.log("orders", [])

    def work() -> None:
        try:
            with psycopg.connect(address, connect_timeout=5, prepare_threshold=None) as client:
                client.execute("SELECT pg_sleep(1.5)")
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(_line(error) + "\n")

    world.database(server, pooler=port)
    for _ in range(20):
        world.meanwhile(work, again_seconds=0.1)
    until(lambda: len(log.read_text().splitlines()) >= 8, 60)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def login_function_lost_in_a_restore(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(
        server,
        *("pool_mode = transaction", "auth_type = scram-sha-256", "auth_user = app"),
        "auth_query = SELECT uname, phash FROM pooler.lookup($1)",
        f"[databases]\nshop = host=127.0.0.1 port={server.port} dbname=shop",
    )
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE seller LOGIN PASSWORD '{PASSWORD}'")
    address = f"postgresql://seller:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable"
    world.database(server, pooler=port)
    world.secret("orders-db-pooler", f"postgresql://workbench:{PASSWORD}@127.0.0.1:{port}/pgbouncer")
    _fails(world, lambda: psycopg.connect(address, connect_timeout=5).close())
    world.examine()
    return None


def change_capture_without_logical_wal(world: World) -> Over | None:
    server = world.postgres(wal_level="replica")
    capture = world.hold(server, "postgres", application_name="change-capture")
    world.database(server)
    _fails(
        world,
        lambda: capture.execute("SELECT pg_create_logical_replication_slot('capture', 'pgoutput')"),
        name="capture",
    )
    world.examine()
    return None


def statistics_job_fails_in_a_function(world: World) -> Over | None:
    server = world.postgres(autovacuum_naptime="1s")
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE places (id int, name text)")
    with server.connect() as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO app")
    with server.connect("app") as connection:
        connection.execute(
            "CREATE FUNCTION plain(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower(t)'"
        )
        connection.execute(
            "CREATE FUNCTION standard_name(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql "
            "AS $$ BEGIN RETURN plain(t); END $$"
        )
        connection.execute("SET search_path = public")
        connection.execute("INSERT INTO places SELECT n, 'p' || n FROM generate_series(1, 20000) n")
        with suppress(psycopg.Error):
            connection.execute("CREATE INDEX places_name ON places (standard_name(name))")
        assert connection.execute("SELECT to_regclass('places_name') IS NOT NULL").fetchone() == (True,)
    _says(server, "automatic analyze of table", 60)
    time.sleep(12)
    world.database(server)
    _serves(world)
    world.examine()
    return None


def refresh_that_readers_wait_for(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE FUNCTION weigh(n int) RETURNS int LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(current_setting('app.pause')::float); RETURN n; END $$"
        )
        connection.execute("SET app.pause = '0'")
        connection.execute(
            "CREATE MATERIALIZED VIEW medians AS SELECT weigh(n) AS n FROM generate_series(1, 5000) n"
        )
    upkeep = world.hold(server, application_name="nightly-refresh")
    upkeep.execute("SET app.pause = '0.05'")
    world.meanwhile(lambda: upkeep.execute("REFRESH MATERIALIZED VIEW medians"))
    time.sleep(1)
    for _ in range(6):
        reader = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(reader.execute, "SELECT count(*) FROM medians"))
    until(lambda: is_blocked(server, 6))
    time.sleep(40)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def workers_that_skip_locked_rows(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE jobs AS SELECT n AS id, false AS done FROM generate_series(1, 5000) n"
        )
    log = world.log("orders", [])

    def work(session: psycopg.Connection) -> None:
        row = session.execute("SELECT id FROM jobs WHERE NOT done LIMIT 1 FOR UPDATE SKIP LOCKED").fetchone()
        assert row
        time.sleep(4)
        session.execute("UPDATE jobs SET done = true WHERE id = %s", row)
        session.commit()
        with log.open("a") as file:
            file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.jobs job {row[0]} done\n")

    for _ in range(8):
        session = world.hold(server, application_name="orders-worker", autocommit=False)
        world.meanwhile(partial(work, session), again_seconds=0.2)
    time.sleep(40)
    world.database(server)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None
