"""Servers and programs that are down, and would be down again after a start."""

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress

import psycopg

from tests.integration import redis_service
from tests.integration.postgres_service import Server
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago, until

_START = Rule("^(re)?start", where="first")
EXPECTED = {
    "data_of_an_older_major": Expected(
        source="docker-library/postgres#626",
        right="The image was raised to a newer major version than the data has: go back to the version of "
        "the data, or pg_upgrade. The data is whole; nothing is to be deleted or made anew.",
        must=(Rule("incompatible|initialized by|other (major )?version|version 15|older (major )?version"),),
        never=(_START, Rule("(?<!not )(delete|remove|empty|initdb|recreate)", where="first")),
        first="version|incompatib|upgrade|start|db-down",
    ),
    "write_ahead_log_fills_its_disk": Expected(
        source="openstate/open-raadsinformatie#427",
        right="pg_wal has its own disk, which is full, so the server cannot start: make room or enlarge it. "
        "Files of pg_wal must never be deleted by hand.",
        must=(Rule("No space|full|0 B free|free"), Rule("pg_wal|write-ahead|\\bWAL\\b")),
        never=(
            _START,
            Rule(
                "(?<!never )(?<!not )(delete|remove)[^.]{0,40}(pg_wal|WAL|segment|write-ahead)", where="first"
            ),
        ),
        first="disk|full|space",
    ),
    "configuration_of_another_version": Expected(
        source="Lookyloo/lookyloo#970",
        right="redis.conf has a line that this version does not know: correct it, or run the version that "
        "it was written for. A start would fail again.",
        must=(Rule("hide-user-data-from-log|bad directive|configuration file"),),
        never=(_START, Rule("(delete|remove) .*(data|dump|rdb|aof)", where="first")),
        first="conf|start|directive|redis-down",
    ),
    "watches_of_the_kernel_used_up": Expected(
        source="gorakhargosh/watchdog#673",
        right="The kernel's limit of inotify watches is reached, which reads like a full disk: raise "
        "fs.inotify.max_user_watches, or watch fewer files. The disk is well.",
        must=(Rule("inotify|watch"),),
        never=(
            Rule("disk is full|free (the )?disk|free space on|make room", where="hypothesis"),
            Rule("^restart", where="first"),
        ),
        first="inotify|watch|limit|start|boot|crash|service-down",
    ),
}


def data_of_an_older_major(world: World) -> Over | None:
    server = world.postgres(15)
    newer = world.postgres(16)
    assert newer.installation.major > server.installation.major
    server.stop()
    for _ in range(4):
        _tried(server, newer)
        time.sleep(0.5)
    world.database(server)
    world.examine()
    return None


def _tried(server: Server, by: Server) -> None:
    """Start the data of `server` with the programs of another one, which fails."""
    owner = {"user": server.account.pw_uid, "group": server.account.pw_gid} if server.account else {}
    with (server.data / "log").open("ab") as log:
        program = str(by.installation.binaries / "postgres")
        done = subprocess.run(
            [program, "-D", str(server.data), "-p", str(server.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            timeout=20,
            check=False,
            **owner,
        )
    assert done.returncode != 0


def write_ahead_log_fills_its_disk(world: World) -> Over | None:
    server = world.postgres(max_wal_size="1GB", wal_keep_size="1GB")
    with server.connect() as connection:
        connection.execute("CREATE TABLE history (n int, text text)")
    server.stop()
    place = world.file_system("wal", "size=96m,mode=0755")
    shutil.move(server.data / "pg_wal", place / "pg_wal")
    if server.account:
        for path in (place, *place.rglob("*")):
            os.chown(path, server.account.pw_uid, server.account.pw_gid)
    (server.data / "pg_wal").symlink_to(place / "pg_wal")
    server.start()
    with suppress(psycopg.Error), server.connect() as connection:
        for _ in range(20):
            connection.execute("INSERT INTO history SELECT n, md5(n::text) FROM generate_series(1, 100000) n")
    (place / "core").write_bytes(b"x" * shutil.disk_usage(place).free)
    process = server.process
    assert process
    until(lambda: process.poll() is not None, 40)
    for _ in range(2):
        with suppress(AssertionError):
            server.start()
    world.database(server)
    world.host(place)
    world.examine()
    return None


def configuration_of_another_version(world: World) -> Over | None:
    conf, log = world.folder / "redis.conf", world.folder / "redis.log"
    port = redis_service.free_port()
    conf.write_text(f"port {port}\nbind 127.0.0.1\nappendonly no\nhide-user-data-from-log yes\n")
    program = redis_service.binary("redis")
    for _ in range(3):
        with log.open("ab") as file:
            subprocess.run([program, str(conf)], stdout=file, stderr=file, timeout=20, check=False)
    url = f'url = "redis://127.0.0.1:{port}"'
    world.service("basket-cache", "redis", url, f"log = {json.dumps(str(log))}")
    world.examine()
    return None


_WATCHING = """\
Traceback (most recent call last):
  File "/srv/app/reports/main.py", line 31, in <module>
    observer.start()
  File "/srv/app/lib/python3.11/site-packages/watchdog/observers/inotify_c.py", line 379, in _raise_error
    raise OSError(errno.ENOSPC, "inotify watch limit reached")
OSError: [Errno 28] inotify watch limit reached"""


def watches_of_the_kernel_used_up(world: World) -> Over | None:
    lines = []
    for number in range(6):
        lines += [
            f"{ago(200 - number * 33):%Y-%m-%d %H:%M:%S} INFO reports: starting",
            *_WATCHING.splitlines(),
        ]
    world.ended(world.log("reports", lines), "reports")
    world.host(world.folder)
    world.examine()
    return None
