"""Copies of a database and of a cache: behind on purpose, held up, of another history, on their way."""

import os
import signal
import subprocess
import time
from functools import partial

from incident_lib.demo.accounts import make_data_folder
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, is_blocked, until

_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "standby_with_smaller_settings": Expected(
        source="CrunchyData/postgres-operator#2829",
        right="max_connections was raised on the primary alone, so the standby paused its replay: raise it "
        "there too and restart the standby. Resuming the replay would shut the standby down.",
        must=(
            Rule("paused", severity=_ALARM, where="finding"),
            Rule("max_connections|parameter|lower setting|smaller"),
        ),
        never=(
            Rule("in step|keeps up", where="finding", severity=("OK",)),
            Rule("^(resume|call|run|execute)|^(if|when)[^:]*: SELECT pg_wal_replay_resume", where="first"),
        ),
        first="replay|paused|standby|setting",
    ),
    "report_on_a_standby_holds_replay": Expected(
        right="Replay on the standby waits for a report that runs there, and new readers queue behind it: "
        "end the report. The startup process is no session to be ended.",
        must=(
            Rule("replay|conflict|startup|recovery", severity=_ALARM, where="finding"),
            Rule("report", severity=_ALARM, where="finding"),
        ),
        never=(
            Rule("VACUUM|slot|network", where="first"),
            Rule("(cancel|terminate|end) the (startup|recovery)", where="first"),
        ),
        first="replay|standby|conflict|lock|long-query|ddl|replication",
    ),
    "delayed_standby": Expected(
        right="A standby that is told to stay an hour behind (recovery_min_apply_delay): it does so.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "old_primary_after_a_failover": Expected(
        source="EnterpriseDB/barman#500",
        right="The old primary wrote on after the failover, so its history is another one and it cannot "
        "follow: save what only it has, then pg_rewind or a new base backup. A restart does not help.",
        must=(
            Rule("timeline|diverge|history|forked"),
            Rule("pg_rewind|base ?backup|build .* (anew|again)|rebuild|rebuilt", where="hypothesis"),
        ),
        never=(Rule("^restart|^start", where="first"), Rule("network|firewall", where="first")),
        first="timeline|diverge|history|standby|replication",
    ),
    "base_backup_for_a_new_standby": Expected(
        right="pg_basebackup copies the database for a new standby, slowly as it was told to: all is well.",
        never=(Rule(".", where="finding", severity=_ALARM),),
        first="",
    ),
    "replica_cannot_write_its_copy": Expected(
        source="redis/redis#8395",
        right="The replica may not write into its own folder, so no copy ever succeeds. The primary is well.",
        must=(
            Rule("permission denied|may not write|cannot write|temp(orary)? file"),
            Rule("folder|director|\\bdir\\b|permission|rights", where="hypothesis"),
        ),
        never=(Rule("backlog|output buffer|password", where="first"),),
        first="copy|sync|folder|write|redis-replication|permission",
    ),
    "first_copy_of_a_new_replica": Expected(
        right="A new replica receives its first copy, which takes a while: nothing is wrong.",
        must=(Rule("copy|copies|sync"),),
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
}


def standby_with_smaller_settings(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    with primary.connect() as connection:
        connection.execute("ALTER SYSTEM SET max_connections = 60")
    primary.stop(signal.SIGINT)
    primary.start()
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    until(lambda: "recovery has paused" in (standby.data / "log").read_text(errors="replace"), 30)

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(8)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return None


def report_on_a_standby_holds_replay(world: World) -> Over | None:
    primary = world.postgres(max_standby_streaming_delay="-1")
    with primary.connect("app") as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    standby = world.standby(primary)
    report = world.hold(standby, autocommit=False, application_name="monthly-report")
    report.execute("SELECT count(*) FROM visits")
    world.meanwhile(lambda: report.execute("SELECT pg_sleep(300)"))
    with primary.connect() as connection:
        connection.execute("TRUNCATE visits")
    time.sleep(3)
    for _ in range(3):
        reader = world.hold(standby, application_name="orders-api")
        world.meanwhile(partial(reader.execute, "SELECT count(*) FROM visits"))

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    until(lambda: is_blocked(standby, 3))
    time.sleep(12)
    world.database(primary)
    world.database(standby, "orders-replica")
    world.examine()
    return lambda: not is_blocked(standby)


def delayed_standby(world: World) -> Over | None:
    primary = world.postgres()
    standby = world.standby(primary)
    with standby.connect() as connection:
        connection.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        connection.execute("SELECT pg_reload_conf()")
    with primary.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")

    def write() -> None:
        with primary.connect() as connection:
            connection.execute("INSERT INTO visits SELECT 7")

    world.meanwhile(write, again_seconds=0.3)
    time.sleep(12)
    world.database(primary)
    world.database(standby, "orders-delayed")
    world.examine()
    return None


def old_primary_after_a_failover(world: World) -> Over | None:
    old = world.postgres()
    with old.connect() as connection:
        connection.execute("CREATE TABLE visits AS SELECT n FROM generate_series(1, 1000) n")
    new = world.standby(old)
    with new.connect() as connection:
        connection.execute("SELECT pg_promote()")
    for server in (old, new):
        with server.connect() as connection:
            connection.execute("INSERT INTO visits SELECT n FROM generate_series(1, 5000) n")
    old.stop(signal.SIGINT)
    address = f"host=127.0.0.1 port={new.port} user=postgres application_name=orders_old"
    with (old.data / "postgresql.conf").open("a") as file:
        file.write(f"primary_conninfo = '{address}'\n")
    (old.data / "standby.signal").touch()
    old.start()
    until(lambda: "forked off" in (old.data / "log").read_text(errors="replace"), 30)
    time.sleep(6)
    world.database(new)
    world.database(old, "orders-old")
    world.examine()
    return None


def base_backup_for_a_new_standby(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute(
            "CREATE TABLE history AS SELECT n, repeat(md5(n::text), 20) AS text "
            "FROM generate_series(1, 30000) n"
        )
        connection.execute("ANALYZE history")
    target = make_data_folder(world.folder, server.account)
    owner = {"user": server.account.pw_uid, "group": server.account.pw_gid} if server.account else {}
    world.program(
        str(server.installation.binaries / "pg_basebackup"),
        *("--dbname", f"host=127.0.0.1 port={server.port} user=postgres", "--pgdata", str(target / "copy")),
        *("--max-rate", "1M", "--checkpoint", "fast", "--no-sync", "--wal-method", "stream"),
        stderr=subprocess.DEVNULL,
        **owner,
    )
    time.sleep(5)
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_progress_basebackup").fetchone() == (1,)
    world.database(server)
    world.examine()
    return None


def replica_cannot_write_its_copy(world: World) -> Over | None:
    primary = world.redis("--repl-diskless-sync-delay", "0")
    replica = world.redis(unprivileged=True)
    os.chown(replica.directory, 0, 0)
    replica.directory.chmod(0o555)
    with primary.client() as client, replica.client() as follower:
        client.mset({f"basket:{number}": "v" for number in range(2000)})
        follower.replicaof("127.0.0.1", primary.port)
    until(lambda: "Permission denied" in replica.log, 30)
    time.sleep(8)
    world.cache(primary)
    world.cache(replica, "basket-replica")
    world.examine()
    return None


def first_copy_of_a_new_replica(world: World) -> Over | None:
    primary = world.redis("--repl-diskless-sync-delay", "0", "--rdb-key-save-delay", "400")
    replica = world.redis()
    with primary.client() as client, replica.client() as follower:
        for start in range(0, 200_000, 200):
            client.mset({f"basket:{number}": "v" for number in range(start, start + 200)})
        follower.replicaof("127.0.0.1", primary.port)
    until(lambda: "sync: receiving" in replica.log, 30)
    time.sleep(3)
    world.cache(primary)
    world.cache(replica, "basket-replica")
    world.examine()
    return None
