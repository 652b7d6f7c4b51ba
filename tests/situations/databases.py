"""PostgreSQL, its poolers and its copies: what blocks, which limit is full, what would fail again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import psycopg

from incident_lib.demo.accounts import make_data_folder
from tests.integration.postgres_service import PASSWORD, Server, free_port
from tests.situations.judging import Expected, Rule
from tests.situations.programs import _healthy, _merged
from tests.situations.world import Over, World, ago, is_blocked, until

_ALARM = ("CRITICAL", "WARNING")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
_DOWN = Rule("orders-db (is down|was restarted|crashed)", where="hypothesis")
_RESTART = Rule("^(re)?start", where="first")
EXPECTED = {
    "swap_behind_a_vacuum_by_hand": Expected(
        source="reorg/pg_repack#95",
        right="ALTER TABLE waits for a VACUUM that a job runs, which does not give way as autovacuum would, "
        "and every reader queues behind the ALTER TABLE: cancel one of these two.",
        must=(Rule("ALTER TABLE"), Rule("VACUUM", severity=_ALARM, where="finding")),
        never=(Rule("gives way|give way"), _RESTART, _DOWN),
        first="ddl|lock",
    ),
    "client_that_stopped_reading": Expected(
        source="brianc/node-postgres#1952",
        right="A session keeps a row locked while it sends to a client that reads no more: end it, and see "
        "to that client. The server and its statement are not slow.",
        must=(Rule("client"), Rule("^(end|terminate)", where="first")),
        never=(Rule("^cancel|index|EXPLAIN", where="first"), _RESTART, _DOWN),
        first="lock|client",
    ),
    "slot_waits_for_an_old_transaction": Expected(
        source="dimitri/pgcopydb#819",
        right="A new logical slot waits for a transaction that was left open: end that session.",
        must=(
            Rule("idle in (its |a )?transaction", severity=_ALARM, where="finding"),
            Rule("slot|walsender|replication", where="any"),
        ),
        never=(Rule("walsender|drop", where="first"), _RESTART, _DOWN),
        first="idle-in-transaction|lock",
    ),
    "pooler_over_the_limit_of_its_role": Expected(
        source="greenplum-db/gpdb#3875",
        right="PgBouncer may open more connections than the role is allowed (CONNECTION LIMIT), so its "
        "logins fail and clients wait. The server has room.",
        must=(Rule("role", where="hypothesis"), Rule("CONNECTION LIMIT|rolconnlimit|limit of (the )?role")),
        never=(
            Rule("password|(raise|increase) max_connections", where="first"),
            Rule("(?<!in front of )orders-db has no free connections", where="hypothesis"),
            _RESTART,
            _DOWN,
        ),
        first="role|limit|connections",
    ),
    "no_wal_sender_left": Expected(
        source="canonical/postgresql-operator#801",
        right="A standby is refused, since max_wal_senders of the primary is used up: raise it, or end "
        "receivers that nobody needs. The standby need not be built again.",
        must=(Rule("max_wal_senders", where="hypothesis"),),
        never=(Rule("max_connections|password|pg_hba|base ?backup|pg_rewind", where="first"), _DOWN),
        first="wal|sender|standby|replica",
    ),
    "table_without_replica_identity": Expected(
        source="jackc/tern#130",
        right="A table without a primary key was published, so every UPDATE of it fails: give it a primary "
        "key or a REPLICA IDENTITY.",
        must=(
            Rule("replica identity", where="hypothesis"),
            Rule("replica identity|primary key", where="first"),
        ),
        never=(_RESTART, _DOWN, Rule("^(drop|remove)|DROP PUBLICATION", where="first")),
    ),
    "startup_parameter_that_the_pooler_refuses": Expected(
        source="pgbouncer/pgbouncer#482",
        right="The application asks PgBouncer for a setting that it does not pass on: "
        "ignore_startup_parameters in pgbouncer.ini, or set it for the role. The database is well.",
        must=(Rule("start-?up parameter"), Rule("ignore_startup_parameters", where="first")),
        never=(_RESTART, _DOWN, Rule("password|max_client_conn", where="first")),
    ),
    "no_worker_for_a_subscription": Expected(
        source="lsst-it/k8s-cookbook#838",
        right="The second subscription never starts, since max_logical_replication_workers is used up.",
        must=(Rule("max_logical_replication_workers", where="hypothesis"),),
        never=(_DOWN, Rule("drop|network|password", where="first")),
        first="worker|subscription|replication|apply",
    ),
    "cascade_fed_by_a_standby_that_is_cut_off": Expected(
        source="wal-e/wal-e#399",
        right="The standby in the middle can no longer log in at the primary; what hangs on it is as old, "
        "although it streams. Correct the login of the middle; neither has to be built again.",
        must=(
            Rule("orders-middle.*(password|login|authenticat|primary_conninfo)", where="any"),
            Rule("password|login|primary_conninfo", where="hypothesis"),
            Rule("orders-leaf.*orders-middle", where="finding", severity=_ALARM),
        ),
        never=(
            _RESTART,
            Rule("^(take|make|run|use|rebuild|pg_rewind)", where="first"),
            Rule("orders-leaf.*(in step|keeps up|is current)", where="finding", severity=("OK",)),
        ),
        first="standby|replica|receiver|login",
    ),
    "standby_that_takes_no_queries": Expected(
        source="supabase/supabase#45413",
        right="hot_standby is off on the replica, so it never takes connections, however long one waits: set "
        "it and restart the replica, or read elsewhere. Its replay is well.",
        must=(Rule("hot_standby|hot standby", where="hypothesis"),),
        never=(
            Rule("orders-replica is down", where="any"),
            Rule("users are healthy"),
            Rule("^wait|disk|restore", where="first"),
        ),
        first="hot.standby|standby|start|refus|down",
    ),
    "no_valid_checkpoint_record": Expected(
        source="docker-library/postgres#1211",
        right="The write-ahead log of the last checkpoint is gone, so every start fails: keep a copy of the "
        "folder and restore a backup; pg_resetwal is the last resort, since it loses data.",
        must=(Rule("checkpoint"), Rule("backup|restore|copy", where="first")),
        never=(_RESTART, Rule("^(run )?pg_resetwal", where="first")),
        first="checkpoint|wal|damage|corrupt|start|db-down",
    ),
    "data_folder_open_to_others": Expected(
        source="docker-library/postgres#1069",
        right="The data folder may be read by others since it was copied, and the server refuses to start on "
        "it: chmod 0700, then start. The data is whole.",
        must=(Rule("permission"), Rule("0?700|chmod", where="first")),
        never=(_RESTART, Rule("restore|initdb|delete", where="first")),
        first="permission|start|db-down|folder",
    ),
    "password_changed_for_one_of_two": Expected(
        right="The password of a role was changed: orders has the new one and is well again, billing still "
        "logs in with the old one.",
        must=(
            Rule("billing.*(password|login|authenticat)", where="any"),
            Rule("password|login|credential", where="hypothesis"),
        ),
        never=(_RESTART, _DOWN, Rule("^orders ", where="hypothesis")),
        first="login|password|credential|auth",
    ),
    "lock_that_comes_and_goes": Expected(
        right="Now and then a job locks the table for seconds and requests give up on it (lock_timeout); at "
        "this moment nothing waits, so no session is to be ended.",
        must=(Rule("lock", severity=_ALARM, where="finding"), Rule("lock", where="hypothesis")),
        never=(Rule("^(end|terminate|cancel|restart)", where="first"), _DOWN),
        first="lock",
    ),
    "standby_that_waits_for_wal": Expected(
        source="EnterpriseDB/repmgr#894",
        right="A copy was restored without the WAL that it needs, so it never becomes consistent and takes "
        "no connections: give it that WAL (restore_command, primary_conninfo), or a new copy.",
        must=(Rule("consistent|WAL", where="hypothesis"),),
        never=(Rule("^(re)?start|start it;|pg_resetwal|backup_label", where="first"),),
        first="start|standby|recover|wal|db-down|ready|consistent",
    ),
    "slot_gone_after_a_failover": Expected(
        right="The slot that the standby names does not exist at its primary any more: create it again, or "
        "let the standby do without. It needs no new copy while the WAL is there.",
        must=(Rule("slot", where="hypothesis"), Rule("slot", where="first")),
        never=(_RESTART, Rule("^(rebuild|take|network|drop)|firewall", where="first"), _DOWN),
        first="slot|standby|replica",
    ),
    "pooler_limited_by_max_db_connections": Expected(
        source="pgbouncer/pgbouncer#1285",
        right="PgBouncer may open two connections to the database (max_db_connections), although its pool "
        "may have twenty: clients wait. The server has room.",
        must=(Rule("max_db_connections"),),
        never=(Rule("(raise|increase) max_connections|password", where="first"), _RESTART, _DOWN),
        first="pool|connections|limit",
    ),
    "replay_paused_by_a_person": Expected(
        source="EnterpriseDB/repmgr#756",
        right="Someone paused the replay of the standby, and reads there are stale: resume it once the "
        "reason for the pause is gone.",
        must=(Rule("paused", where="finding", severity=_ALARM), Rule("pg_wal_replay_resume")),
        never=(_RESTART, Rule("base ?backup|VACUUM|network|rebuild", where="first"), _CRITICAL),
        first="paused|replay|replication",
    ),
    "restore_target_never_reached": Expected(
        source="wal-g/wal-g#1780",
        right="The restore is to end at a time after the last WAL that there is, so each start fails: "
        "correct the target, or add the missing WAL.",
        must=(Rule("recovery target|recovery_target"), Rule("recovery_target|target", where="first")),
        never=(_RESTART, Rule("pg_resetwal|delete", where="first")),
        first="start|recover|target",
    ),
    "subscriber_lacks_a_column": Expected(
        right="The publisher's table has a column that the subscriber's lacks: add it there; the worker "
        "continues on its own.",
        must=(Rule("column|match the publisher", where="hypothesis"),),
        never=(_RESTART, Rule("^(drop|skip)|network|password", where="first"), _DOWN),
        first="subscription|column|apply|replication",
    ),
    "reindex_concurrently_under_way": Expected(
        right="REINDEX CONCURRENTLY rebuilds an index and nobody waits: nothing is wrong.",
        never=(_CRITICAL, Rule("invalid", where="finding", severity=_ALARM)),
        first="",
    ),
    "commits_that_queue_and_move": Expected(
        right="Thirty sessions commit all the time on a slow disk and each commit comes through: nothing is "
        "to be ended.",
        never=(_CRITICAL,),
        first="",
    ),
    "serialization_failures_tried_again": Expected(
        right="Now and then a serializable transaction fails and succeeds when tried again: as it should be.",
        never=(_CRITICAL,),
        first="",
    ),
    "planned_switchover": Expected(
        right="The standby was promoted as planned and the old primary follows it; requests failed for "
        "seconds and are served again: nothing is wrong any more.",
        never=(
            _CRITICAL,
            Rule("diverge|forked|rebuild", where="hypothesis"),
            Rule("base ?backup|pg_rewind|^(re)?start|^end", where="first"),
        ),
        first="",
    ),
}


def _line(error: Exception, name: str = "orders.store") -> str:
    text = " ".join(f"{type(error).__module__}.{type(error).__name__}: {error}".split())
    return f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR {name} {text}"


def _fails(
    world: World,
    attempt: Callable[[], object],
    *,
    name: str = "orders",
    least: int = 12,
    needs: tuple[str, ...] = ("orders-db",),
) -> None:
    """Configure a program that writes each error of `attempt`, also while it is examined."""
    log = world.log(name, [])

    def fail() -> None:
        try:
            attempt()
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(_line(error, f"{name}.store") + "\n")

    world.meanwhile(fail, again_seconds=0.2)
    until(lambda: len(log.read_text().splitlines()) >= least, 60)
    world.application(log, name, needs=needs)


def _serves(world: World, name: str = "orders", *, needs: tuple[str, ...] = ("orders-db",)) -> None:
    world.application(world.log(name, _merged(list(_healthy()))), name, needs=needs)


def _says(server: Server, text: str, seconds: float = 40) -> None:
    until(lambda: text in (server.data / "log").read_text(errors="replace"), seconds)


def swap_behind_a_vacuum_by_hand(world: World) -> Over | None:
    server = world.postgres(vacuum_cost_delay="50ms", vacuum_cost_limit=1, autovacuum_naptime="1d")
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n, md5(n::text) AS t FROM generate_series(1, 90000) n"
        )
        connection.execute("ALTER TABLE stock OWNER TO app")
    job = world.hold(server, application_name="vacuumdb")
    world.meanwhile(lambda: job.execute("VACUUM stock"))
    time.sleep(1)
    swap = world.hold(server, application_name="pg_repack")
    world.meanwhile(lambda: swap.execute("ALTER TABLE stock ADD COLUMN note text"))
    until(lambda: is_blocked(server))
    for _ in range(6):
        reader = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(reader.execute, "SELECT count(*) FROM stock"))
    until(lambda: is_blocked(server, 7))
    time.sleep(11)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def client_that_stopped_reading(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n AS id, repeat('x', 900) AS t FROM generate_series(1, 60000) n"
        )
    export = world.hold(server, application_name="nightly-export", autocommit=False)
    export.execute("UPDATE stock SET t = 'y' WHERE id = 7")
    export.pgconn.send_query(b"SELECT * FROM stock")  # and never reads what comes
    until(lambda: _waits(server, "ClientWrite"))
    for _ in range(6):
        writer = world.hold(server, application_name="orders-api")
        world.meanwhile(partial(writer.execute, "UPDATE stock SET t = 'z' WHERE id = 7"))
    until(lambda: is_blocked(server, 6))
    time.sleep(12)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def _waits(server: Server, event: str) -> bool:
    with server.connect() as connection:
        query = "SELECT 1 FROM pg_stat_activity WHERE wait_event = %s"
        return connection.execute(query, (event,)).fetchone() is not None


def slot_waits_for_an_old_transaction(world: World) -> Over | None:
    server = world.postgres(wal_level="logical")
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE stock (id int)")
    forgotten = world.hold(server, application_name="billing-worker", autocommit=False)
    forgotten.execute("INSERT INTO stock VALUES (1)")
    program = server.installation.binaries / "pg_recvlogical"
    world.program(
        str(program),
        *("--dbname", f"host=127.0.0.1 port={server.port} user=postgres dbname=shop", "--slot", "cdc"),
        *("--create-slot", "--plugin", "pgoutput"),
        stderr=subprocess.DEVNULL,
    )
    until(lambda: is_blocked(server))
    time.sleep(70)
    world.database(server)
    world.examine()
    return lambda: not is_blocked(server)


def pooler_over_the_limit_of_its_role(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("ALTER ROLE app CONNECTION LIMIT 3")
    port = world.pooler(
        server,
        *("pool_mode = transaction", "default_pool_size = 20", "query_wait_timeout = 2"),
        "server_login_retry = 1",
    )
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"

    def work() -> None:
        with psycopg.connect(address, connect_timeout=5, prepare_threshold=None) as client:
            client.execute("SELECT pg_sleep(1.5)")

    for _ in range(8):
        world.meanwhile(work, again_seconds=0.05)
    time.sleep(3)

    def ask() -> None:
        with psycopg.connect(address, connect_timeout=5, prepare_threshold=None) as client:
            client.execute("SELECT 1")

    log = world.log("orders", [])

    def fail() -> None:
        try:
            work()
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(_line(error) + "\n")

    for _ in range(8):
        world.meanwhile(fail, again_seconds=0.1)
    until(lambda: len(log.read_text().splitlines()) >= 8, 60)
    world.database(server, pooler=port)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def no_wal_sender_left(world: World) -> Over | None:
    primary = world.postgres(max_wal_senders=2)
    standby = world.standby(primary)
    standby.stop(signal.SIGINT)
    owner = {"user": primary.account.pw_uid, "group": primary.account.pw_gid} if primary.account else {}
    for name in ("archive-a", "archive-b"):
        place = world.folder / name
        place.mkdir()
        if primary.account:
            os.chown(place, primary.account.pw_uid, primary.account.pw_gid)
        world.program(
            str(primary.installation.binaries / "pg_receivewal"),
            *("--dbname", f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}"),
            *("--directory", str(place), "--no-sync"),
            stderr=subprocess.DEVNULL,
            **owner,
        )
    until(lambda: _senders(primary) == 2)
    with suppress(AssertionError):
        standby.start()
    _says(standby, "max_wal_senders")
    time.sleep(12)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def _senders(server: Server) -> int:
    with server.connect() as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    return int(row[0]) if row else 0


def table_without_replica_identity(world: World) -> Over | None:
    server = world.postgres(wal_level="logical")
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE versions (version int, dirty bool); ALTER TABLE versions OWNER TO app"
        )
        connection.execute("INSERT INTO versions VALUES (1, false)")
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    writer = world.hold(server)
    world.database(server)
    _fails(world, lambda: writer.execute("UPDATE versions SET version = version + 1"))
    world.examine()
    return None


def startup_parameter_that_the_pooler_refuses(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction")
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable&options=-c%20search_path%3Dorders"
    world.database(server, pooler=port)
    _fails(world, lambda: psycopg.connect(address, connect_timeout=3).close())
    world.examine()
    return None


def no_worker_for_a_subscription(world: World) -> Over | None:
    publisher = world.postgres(wal_level="logical")
    subscriber = world.postgres(max_logical_replication_workers=1)
    with publisher.connect() as connection, subscriber.connect() as other:
        for name in ("prices", "stock"):
            for session in (connection, other):
                session.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
            connection.execute(f"CREATE PUBLICATION {name} FOR TABLE {name}")
            other.execute(
                f"CREATE SUBSCRIPTION {name} CONNECTION 'host=127.0.0.1 port={publisher.port} user=postgres "
                f"dbname=shop' PUBLICATION {name} WITH (copy_data = false)"
            )
    _says(subscriber, "out of logical replication worker slots")
    _publishes(world, publisher, subscriber)
    return None


def _publishes(world: World, publisher: Server, subscriber: Server) -> None:
    """Write to the published table `stock` for a while, and examine both servers meanwhile."""

    def write() -> None:
        with publisher.connect() as connection:
            connection.execute("INSERT INTO stock (id) SELECT coalesce(max(id), 0) + 1 FROM stock")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(20)
    world.database(publisher)
    world.database(subscriber, "reports-db")
    world.examine()


def cascade_fed_by_a_standby_that_is_cut_off(world: World) -> Over | None:
    primary = world.postgres()
    with primary.connect() as connection:
        connection.execute(f"CREATE ROLE copier REPLICATION LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    hba = primary.data / "pg_hba.conf"
    hba.write_text(hba.read_text() + "host replication copier 127.0.0.1/32 scram-sha-256\n")
    with primary.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
    middle = world.standby(primary)
    leaf = world.standby(middle)
    address = f"host=127.0.0.1 port={primary.port} user=copier password={PASSWORD} application_name=middle"
    with middle.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET primary_conninfo = '{address}'")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(2)
    with primary.connect() as connection:
        connection.execute("ALTER ROLE copier PASSWORD 'another-one-9'")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    _says(middle, "password authentication failed")
    time.sleep(20)
    world.database(primary)
    world.database(middle, "orders-middle")
    world.database(leaf, "orders-leaf")
    world.examine()
    return None


def standby_that_takes_no_queries(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    standby.stop(signal.SIGINT)
    with (standby.data / "postgresql.conf").open("a") as file:
        file.write("hot_standby = off\n")

    def start() -> None:
        with suppress(AssertionError):
            standby.start()

    world.meanwhile(start)
    _says(standby, "not accepting connections")
    world.database(primary)
    world.database(standby, "orders-replica")
    _fails(world, lambda: standby.connect("app").close(), name="reports", needs=("orders-replica",))
    world.examine()
    return None


def _starts_in_vain(server: Server, times: int = 3) -> None:
    for _ in range(times):
        with suppress(AssertionError):
            server.start()
        time.sleep(0.5)


def no_valid_checkpoint_record(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    server.stop()
    for segment in (server.data / "pg_wal").glob("0000*"):
        with segment.open("r+b") as file:  # what a disk that lost power may leave
            file.write(b"\0" * segment.stat().st_size)
    _starts_in_vain(server)
    world.database(server)
    _fails(world, lambda: server.connect("app").close())
    world.examine()
    return None


def data_folder_open_to_others(world: World) -> Over | None:
    server = world.postgres()
    server.stop(signal.SIGINT)
    server.data.chmod(0o755)
    _starts_in_vain(server)
    world.database(server)
    _fails(world, lambda: server.connect("app").close())
    world.examine()
    return None


def password_changed_for_one_of_two(world: World) -> Over | None:
    server = world.postgres(log_line_prefix="%m [%p] user=%u,db=%d,app=%a ")
    with server.connect() as connection:
        connection.execute("CREATE ROLE seller LOGIN PASSWORD 'heron-2'")
    old, new = (
        f"postgresql://seller:{word}@127.0.0.1:{server.port}/shop?application_name="
        for word in ("heron-1", "heron-2")
    )
    log = world.log("orders", [])
    for _ in range(15):
        try:
            psycopg.connect(old + "orders").close()
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(_line(error) + "\n")
        time.sleep(0.1)
    deployed = time.monotonic()

    def serve() -> None:
        psycopg.connect(new + "orders").close()
        with log.open("a") as file:
            file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.http GET /orders 200\n")

    world.meanwhile(serve, again_seconds=0.3)
    _fails(world, lambda: psycopg.connect(old + "billing").close(), name="billing")
    until(lambda: time.monotonic() > deployed + 100, 130)
    world.database(server)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def lock_that_comes_and_goes(world: World) -> Over | None:
    server = world.postgres(log_lock_waits="on")
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n AS id, 0 AS left_count FROM generate_series(1, 50) n"
        )
    log = world.log("orders", [])
    begun = time.monotonic()

    def sell() -> None:
        with server.connect("app", application_name="orders-api") as seller:
            seller.execute("SET lock_timeout = '500ms'")
            try:
                seller.execute("UPDATE stock SET left_count = left_count + 1 WHERE id = 3")
                line = f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.http POST /orders 200"
            except psycopg.Error as error:
                line = _line(error)
        with log.open("a") as file:
            file.write(line + "\n")

    for _ in range(4):
        world.meanwhile(sell, again_seconds=0.4)
    while time.monotonic() < begun + 100:
        time.sleep(20)
        with server.connect("app", application_name="price-import", autocommit=False) as job:
            job.execute("LOCK TABLE stock")
            time.sleep(4)
    time.sleep(12)
    world.database(server)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def standby_that_waits_for_wal(world: World) -> Over | None:
    primary = world.postgres()
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("SELECT pg_backup_start('copy', true)")
        connection.execute("INSERT INTO visits SELECT 7")
        owner = {"user": primary.account.pw_uid, "group": primary.account.pw_gid} if primary.account else {}
        data = make_data_folder(world.folder, primary.account) / "data"
        subprocess.run(["cp", "-a", str(primary.data), str(data)], check=True, **owner)
        label = connection.execute("SELECT labelfile FROM pg_backup_stop(false)").fetchone()
        assert label
    (data / "backup_label").write_text(str(label[0]))
    for name in ("postmaster.pid", "log"):
        (data / name).unlink(missing_ok=True)
    with (data / "postgresql.conf").open("a") as file:
        file.write("restore_command = 'false'\n")
    (data / "standby.signal").touch()
    copy = Server(primary.installation, data, free_port(), primary.account)
    world.ends_with(copy.stop)

    def start() -> None:
        with suppress(AssertionError):
            copy.start()

    (data / "log").touch()
    if primary.account:
        for name in ("log", "backup_label", "postgresql.conf", "standby.signal"):
            os.chown(data / name, primary.account.pw_uid, primary.account.pw_gid)
    world.meanwhile(start)
    _says(copy, "not yet accepting")
    world.database(primary)
    world.database(copy, "orders-replica")
    _fails(world, lambda: copy.connect("app").close(), name="reports", needs=("orders-replica",))
    time.sleep(20)
    world.examine()
    return None


def slot_gone_after_a_failover(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    standby.stop(signal.SIGINT)
    with primary.connect() as connection:
        connection.execute("SELECT pg_drop_replication_slot('standby')")
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    standby.start()
    _says(standby, "does not exist")
    time.sleep(12)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def pooler_limited_by_max_db_connections(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(
        server,
        *("pool_mode = transaction", "default_pool_size = 20", "max_db_connections = 2"),
        "query_wait_timeout = 2",
    )
    address = f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable"

    def work() -> None:
        with psycopg.connect(address, connect_timeout=5, prepare_threshold=None) as client:
            client.execute("SELECT 1")
            time.sleep(0.8)  # for what it computes in the transaction

    log = world.log("orders", [])

    def fail() -> None:
        try:
            work()
        except psycopg.Error as error:
            with log.open("a") as file:
                file.write(_line(error) + "\n")

    for _ in range(10):
        world.meanwhile(fail, again_seconds=0.1)
    until(lambda: len(log.read_text().splitlines()) >= 8, 60)
    world.database(server, pooler=port)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def replay_paused_by_a_person(world: World) -> Over | None:
    primary = world.postgres()
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    standby = world.standby(primary)
    with standby.connect() as connection:
        connection.execute("SELECT pg_wal_replay_pause()")

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(15)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def restore_target_never_reached(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    server.stop(signal.SIGINT)
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("restore_command = 'false'\nrecovery_target_time = '2099-01-15 14:00:00+00'\n")
    (server.data / "recovery.signal").touch()
    _starts_in_vain(server)
    world.database(server)
    _fails(world, lambda: server.connect("app").close())
    world.examine()
    return None


def subscriber_lacks_a_column(world: World) -> Over | None:
    publisher, subscriber = world.postgres(wal_level="logical"), world.postgres()
    with publisher.connect() as connection, subscriber.connect() as other:
        for session in (connection, other):
            session.execute("CREATE TABLE prices (id int PRIMARY KEY, cents int)")
        connection.execute("CREATE PUBLICATION shop FOR TABLE prices")
        other.execute(
            f"CREATE SUBSCRIPTION shop CONNECTION 'host=127.0.0.1 port={publisher.port} user=postgres "
            "dbname=shop' PUBLICATION shop WITH (copy_data = false)"
        )
        time.sleep(2)
        connection.execute("ALTER TABLE prices ADD COLUMN currency text")
        connection.execute("INSERT INTO prices VALUES (1, 100, 'EUR')")
    _says(subscriber, "missing replicated column")
    time.sleep(12)
    world.database(publisher)
    world.database(subscriber, "reports-db")
    world.examine()
    with subscriber.connect() as connection:
        connection.execute("ALTER SUBSCRIPTION shop DISABLE")
    return None


def reindex_concurrently_under_way(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n AS id, 'r' || n AS ref FROM generate_series(1, 4000) n"
        )
        connection.execute(
            "CREATE FUNCTION slow(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(current_setting('app.pause')::float); RETURN t; END $$"
        )
        connection.execute("SET app.pause = '0'")
        connection.execute("CREATE INDEX stock_ref ON stock (slow(ref))")
    upkeep = world.hold(server, application_name="reindexdb")
    upkeep.execute("SET app.pause = '0.05'")
    world.meanwhile(lambda: upkeep.execute("REINDEX INDEX CONCURRENTLY stock_ref"))
    time.sleep(40)
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_progress_create_index").fetchone() == (1,)
    world.database(server)
    _serves(world)
    world.examine()
    return None


def commits_that_queue_and_move(world: World) -> Over | None:
    server = world.postgres(fsync="on", commit_delay=15000, commit_siblings=1, max_connections=60)
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE visits (n int)")

    def write(session: psycopg.Connection) -> None:
        session.execute("INSERT INTO visits VALUES (1)")

    for _ in range(24):
        world.meanwhile(
            partial(write, world.hold(server, application_name="orders-api")), again_seconds=0.001
        )
    time.sleep(8)
    world.database(server)
    _serves(world)
    world.examine()
    return None


def serialization_failures_tried_again(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute(
            "CREATE TABLE stock AS SELECT n AS id, 100 AS left_count FROM generate_series(1, 50) n"
        )
    log = world.log("orders", [])

    def sell() -> None:
        with (
            server.connect("app", autocommit=False) as first,
            server.connect("app", autocommit=False) as second,
        ):
            for session in (first, second):
                session.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
                session.execute("SELECT sum(left_count) FROM stock")
            first.execute("UPDATE stock SET left_count = 99 WHERE id = 1")
            first.commit()
            with suppress(psycopg.Error):
                second.execute("UPDATE stock SET left_count = 98 WHERE id = 1")
                second.commit()
            second.rollback()
            second.execute("UPDATE stock SET left_count = 98 WHERE id = 1")
            second.commit()
        with log.open("a") as file:
            file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} WARNING orders.stock serialization failure, attempt 2\n")
            file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.http POST /orders 201\n")

    def serve() -> None:
        with server.connect("app") as session:
            session.execute("SELECT count(*) FROM stock")
        with log.open("a") as file:
            file.write(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.http GET /orders 200\n")

    world.meanwhile(sell, again_seconds=6)
    world.meanwhile(serve, again_seconds=0.1)
    time.sleep(60)
    world.database(server)
    world.application(log, needs=("orders-db",))
    world.examine()
    return None


def planned_switchover(world: World) -> Over | None:
    old = world.postgres(wal_log_hints="on")
    with old.connect("app") as connection:
        connection.execute("CREATE TABLE visits (n int)")
    new = world.standby(old)
    log = world.log("orders", [])
    ports: Iterator[Server] = iter((old, new))
    current = [next(ports)]

    def serve() -> None:
        try:
            with current[0].connect("app", connect_timeout=2) as session:
                session.execute("INSERT INTO visits VALUES (1)")
            line = f"{ago(0):%Y-%m-%dT%H:%M:%SZ} INFO orders.http POST /visits 201"
        except psycopg.Error as error:
            line = _line(error)
        with log.open("a") as file:
            file.write(line + "\n")

    world.meanwhile(serve, again_seconds=0.2)
    time.sleep(15)
    old.stop(signal.SIGINT)
    time.sleep(2)
    with new.connect() as connection:
        connection.execute("SELECT pg_promote()")
        connection.execute("SELECT pg_create_physical_replication_slot('old')")
    address = f"host=127.0.0.1 port={new.port} user=postgres application_name=replica"
    with (old.data / "postgresql.conf").open("a") as file:
        file.write(f"primary_conninfo = '{address}'\nprimary_slot_name = 'old'\n")
    (old.data / "standby.signal").touch()
    old.start()
    current[0] = next(ports)
    until(lambda: _senders(new) == 1)
    time.sleep(100)
    world.database(new)
    world.database(old, "orders-replica")
    world.application(log, needs=("orders-db",))
    world.examine()
    return None
