"""Redis."""

import shutil
import time
from contextlib import suppress
from functools import partial

import redis

from tests.integration.redis_service import Server
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago, until

_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "fork_is_refused": Expected(
        source="pulibrary/bibdata#500",
        right="BGSAVE cannot fork, so Redis refuses writes: the limit at fork has to be raised; the disk "
        "is well.",
        must=(Rule("fork"),),
        never=(Rule("disk is full|free (the )?disk|room on its disk", where="first"),),
        first="redis-persistence|fork|save|writes",
    ),
    "connections_of_a_worker_leak": Expected(
        source="celery/celery#6819",
        right="maxclients is reached by sessions that idle, most from one program: mend it.",
        must=(Rule("max(imum number of )?clients|maxclients", severity=_ALARM, where="finding"),),
        first="redis-clients",
    ),
    "disk_too_slow_for_the_append_only_file": Expected(
        source="redis/redis#641",
        right="fsync of the append-only file takes seconds and writes wait for it: the disk is too slow.",
        must=(Rule("fsync|append.only"), Rule("disk|storage")),
        never=(
            Rule("delete .*appendonly|more memory", where="first"),
            Rule("refuses writes", where="hypothesis"),
        ),
        first="fsync|slow|disk",
    ),
    "an_application_lists_all_keys": Expected(
        right="A client calls KEYS over half a million keys again and again; SCAN instead.",
        must=(Rule("KEYS"),),
        first="redis-blocked",
    ),
    "cluster_without_some_slots": Expected(
        right="Slots of the cluster are served by nobody, so commands are refused with CLUSTERDOWN.",
        must=(Rule("slot"), Rule("CLUSTERDOWN|cluster")),
        never=(Rule("lost its primary", where="hypothesis"),),
        first="cluster|slot",
    ),
    "a_key_of_another_type": Expected(
        right="A deployment uses a key with another type than it has: WRONGTYPE. Redis itself is well.",
        must=(Rule("WRONGTYPE"),),
        never=(Rule("restart", where="first"), Rule("cache is down")),
    ),
    "replica_without_the_password": Expected(
        right="The replica's masterauth is missing or wrong: the primary refuses it.",
        must=(Rule("auth|password", where="hypothesis"), Rule("replica|primary|master")),
        never=(Rule("backlog", where="first"),),
        first="login|password|credential|auth",
    ),
    "workers_that_wait_for_work": Expected(
        right="Twenty workers wait in BLPOP for hours with an empty queue: all is well.", first=""
    ),
    "a_cache_that_warms_up": Expected(
        right="A cache was started and is being filled, most lookups miss: nothing is wrong.", first=""
    ),
}


def _inject(world: World, server: Server, fault: str) -> None:
    """Have system calls of a server fail, or take long, from now on."""
    tracer = shutil.which("strace")
    assert tracer, "strace is not installed"
    pid = str(server.process.pid)
    world.program(tracer, "-f", "-qq", "-o", "/dev/null", "-p", pid, "-e", f"inject={fault}")
    time.sleep(0.5)


def fork_is_refused(world: World) -> Over | None:
    server = world.redis()
    with server.client() as client:
        client.config_set("save", "1 1")
        _inject(world, server, "clone,clone3,fork:error=ENOMEM")
        client.set("basket:1", "v")
        lines = []

        def is_refused() -> bool:
            try:
                client.set("basket:2", "v")
            except redis.RedisError as error:
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {type(error).__name__}: {error}")
                return True
            return False

        until(is_refused, 30)
        for _ in range(15):
            is_refused()
            time.sleep(0.2)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def connections_of_a_worker_leak(world: World) -> Over | None:
    server = world.redis("--maxclients", "64")
    held = []
    lines = []
    for _ in range(70):
        client = redis.Redis(port=server.port, socket_timeout=2, client_name="result-backend")
        try:
            client.ping()
            held.append(client)
        except redis.RedisError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR worker: {type(error).__name__}: {error}")
    held.pop().close()
    time.sleep(2)

    def attempt() -> None:
        extra = [redis.Redis(port=server.port, socket_timeout=2) for _ in range(3)]
        for client in extra:
            with suppress(redis.RedisError):
                client.ping()
        for client in extra:
            client.close()

    world.meanwhile(attempt, again_seconds=0.2)
    world.cache(server)
    world.application(world.log("worker", lines), "worker", needs=("basket-cache",))
    world.examine()
    for client in held:
        client.close()
    return None


def disk_too_slow_for_the_append_only_file(world: World) -> Over | None:
    server = world.redis("--appendonly", "yes", "--appendfsync", "everysec")
    _inject(world, server, "fdatasync,fsync:delay_enter=4000000")

    def write() -> None:
        with server.client() as client:
            client.set("basket:1", "v" * 1000)

    world.meanwhile(write, again_seconds=0.02)
    until(lambda: "fsync is taking too long" in server.log, 60)
    time.sleep(6)
    world.cache(server)
    world.examine()
    return None


def an_application_lists_all_keys(world: World) -> Over | None:
    server = world.redis()
    with server.client() as client:
        for start in range(0, 400_000, 20_000):
            client.mset({f"session:{number}": "v" for number in range(start, start + 20_000)})

    def listing() -> None:
        with redis.Redis(port=server.port, client_name="admin-panel") as client:
            client.keys("session:*9")

    world.meanwhile(listing, again_seconds=0.15)
    time.sleep(6)
    world.cache(server)
    world.examine()
    return None


def cluster_without_some_slots(world: World) -> Over | None:
    server = world.redis("--cluster-enabled", "yes")
    lines = []
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8000)
        time.sleep(2)
        for number in range(30):
            try:
                client.get(f"basket:{number}")
            except redis.RedisError as error:
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {type(error).__name__}: {error}")
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def a_key_of_another_type(world: World) -> Over | None:
    server = world.redis()
    lines = []
    with server.client() as client:
        client.set("basket:index", "7")

        def attempt() -> None:
            with suppress(redis.RedisError), server.client() as worker:
                worker.lpush("basket:index", "x")

        world.meanwhile(attempt, again_seconds=0.1)
        for _ in range(25):
            try:
                client.lpush("basket:index", "x")
            except redis.RedisError as error:
                lines.append(
                    f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: redis.exceptions.ResponseError: {error}"
                )
            time.sleep(0.1)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def replica_without_the_password(world: World) -> Over | None:
    primary = world.redis(password="vole-anchor-7")
    replica = world.redis("--replicaof", f"127.0.0.1 {primary.port}")
    until(lambda: "NOAUTH" in replica.log or "auth" in replica.log.lower(), 30)
    time.sleep(5)
    world.cache(replica)
    world.examine()
    return None


def workers_that_wait_for_work(world: World) -> Over | None:
    server = world.redis()
    for number in range(20):
        client = redis.Redis(port=server.port, client_name=f"worker-{number}")
        world.meanwhile(partial(client.blpop, ["jobs"], timeout=120))
    time.sleep(3)
    world.cache(server)
    world.examine()
    return None


def a_cache_that_warms_up(world: World) -> Over | None:
    server = world.redis("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru")
    number = 0

    def warm() -> None:
        nonlocal number
        with server.client() as client:
            pipe = client.pipeline(transaction=False)
            for _ in range(200):
                number += 1
                pipe.get(f"page:{number}")
                pipe.set(f"page:{number}", "v" * 200, ex=3600)
            pipe.execute()

    world.meanwhile(warm, again_seconds=0.05)
    time.sleep(4)
    world.cache(server)
    world.examine()
    return None
