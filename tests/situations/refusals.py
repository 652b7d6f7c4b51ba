"""Servers that are well and refuse, and what they say of the reason."""

import time
from contextlib import suppress
from functools import partial

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.situations.judging import Expected, Rule
from tests.situations.postgres import failing
from tests.situations.world import Over, World, ago, until

_ONCE = Retry(NoBackoff(), 0)
_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "expired_password_of_a_role": Expected(
        source="pgbouncer/pgbouncer#181",
        right="The password of the role app expired (VALID UNTIL); it is right, and was not changed.",
        must=(Rule("expired|VALID UNTIL"),),
        never=(Rule("wrong password|password is wrong", where="hypothesis"), Rule("orders-db is down")),
        first="credential|login|password|expired",
    ),
    "database_set_read_only": Expected(
        source="jhu-bids/TermHub#405",
        right="The database was set to default_transaction_read_only: take the setting back. It is no "
        "standby, and there was no failover.",
        must=(
            Rule("default_transaction_read_only"),
            Rule("ALTER DATABASE shop RESET default_transaction_read_only", where="first"),
        ),
        never=(Rule("standby|replica|failover", where="first"), Rule("orders-db is down")),
        first="read.?only|setting",
    ),
    "pooler_was_left_paused": Expected(
        source="pgbouncer/pgbouncer#1565",
        right="The database was paused in PgBouncer and never resumed; the database is well.",
        must=(Rule("paused|PAUSE", severity=_ALARM, where="finding"), Rule("RESUME")),
        never=(Rule("orders-db (is down|has no free)"), Rule("^restart", where="first")),
        first="paus|pool",
    ),
    "keys_outside_the_rights_of_a_user": Expected(
        source="Suor/django-cacheops#422",
        right="A deployment uses keys that the rights of its user do not cover: NOPERM. Its login is right.",
        must=(Rule("NOPERM|no permission|may not|ACL"), Rule("\\bkeys?\\b")),
        never=(Rule("password", where="first"), Rule("^restart", where="first")),
        first="acl|permission|noperm|rights|denied|forbids",
    ),
    "open_to_this_machine_only": Expected(
        source="redis/redis#12455",
        right="Redis has no password, and is protected from other machines because of that: set a password "
        "or an ACL. Switching the protection off would open it to all.",
        must=(Rule("protected"), Rule("password|ACL|user", where="hypothesis")),
        never=(
            Rule(
                "(?<!not )(switch(ing)? off|disable|turn off|set) (the )?protected|protected-mode no",
                where="first",
            ),
        ),
        first="protected|refus|credential|login",
    ),
    "scripts_are_gone": Expected(
        source="bee-queue/bee-queue#489",
        right="The cached scripts are gone and the application only knows their hashes: NOSCRIPT. It has to "
        "load them again.",
        must=(Rule("NOSCRIPT|script"),),
        never=(
            Rule("^restart (the )?(redis|cache|basket)|restore", where="first"),
            Rule("basket-cache is down"),
        ),
        first="script",
    ),
    "plain_client_of_a_cluster": Expected(
        source="redis/ioredis#1606",
        right="The application uses a client for a single server at a cluster: MOVED. The cluster is well.",
        must=(Rule("MOVED|redirect"), Rule("cluster")),
        never=(
            Rule("CLUSTERDOWN|served by no|slots? .*(missing|without|uncovered)", where="hypothesis"),
            Rule("restart", where="first"),
        ),
        first="moved|cluster",
    ),
    "writes_are_paused": Expected(
        source="redis/redis#9467",
        right="CLIENT PAUSE WRITE was left behind by a failover: reads answer, writes hang; CLIENT UNPAUSE.",
        must=(Rule("pause", severity=_ALARM, where="finding"), Rule("UNPAUSE")),
        never=(Rule("^restart", where="first"), Rule("network|firewall", where="first")),
        first="paus",
    ),
    "queue_in_a_cache_that_evicts": Expected(
        source="rq/rq#1280",
        right="Redis evicts any key when it is full, and queues of workers lie in it: tasks are lost. The "
        "queues need noeviction, or a server of their own; nothing is to be deleted.",
        must=(Rule("evict", severity=_ALARM, where="finding"), Rule("queue|celery|task|jobs?\\b")),
        never=(Rule("(?<!not )(delete|flush|remove)", where="first"),),
        first="evict",
    ),
    "no_local_ports_left": Expected(
        source="rspamd/rspamd#4087",
        right="The application opens a connection for each request, and the local ports run out: keep the "
        "connections open. Redis is well.",
        must=(Rule("local port|ephemeral|TIME_WAIT"), Rule("pool|reuse|keep|open", where="hypothesis")),
        never=(Rule("basket-cache is (down|refus)"), Rule("^restart", where="first")),
        first="port|address|connection",
    ),
}


def expired_password_of_a_role(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("ALTER ROLE app VALID UNTIL '2020-01-01'")
    lines = []
    for _ in range(20):
        try:
            server.connect("app").close()
        except psycopg.OperationalError as error:
            text = str(error).strip().replace("\n", " ")
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.pool OperationalError: {text}")
        time.sleep(0.1)
    world.database(server)
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    return None


def database_set_read_only(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE visits (n int)")
    with server.connect() as connection:
        connection.execute("ALTER DATABASE shop SET default_transaction_read_only = on")
    failing(world, server, "INSERT INTO visits VALUES ({number})")
    world.examine()
    return None


def pooler_was_left_paused(world: World) -> Over | None:
    server = world.postgres()
    port = world.pooler(server, "pool_mode = transaction", "admin_users = app", "query_wait_timeout = 4")
    console = psycopg.connect(f"postgresql://app@127.0.0.1:{port}/pgbouncer", autocommit=True)
    console.execute("PAUSE shop")
    console.close()
    lines: list[str] = []

    def ask() -> None:
        try:
            with psycopg.connect(f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable") as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            text = str(error).strip().replace("\n", " ")
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR orders.store {type(error).__name__}: {text}")

    for _ in range(6):
        world.meanwhile(ask, again_seconds=0.1)
    until(lambda: len(lines) >= 12, 40)
    world.database(server, pooler=port)
    world.application(world.log("orders", list(lines)), needs=("orders-db",))
    world.examine()
    return None


def keys_outside_the_rights_of_a_user(world: World) -> Over | None:
    server = world.redis()
    lines = []
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "shop", "on", ">heron-4", "~basket:*", "+@all")
        with redis.Redis(port=server.port, username="shop", password="heron-4") as shop:
            for number in range(30):
                try:
                    shop.set(f"cart:{number}", "v")
                except redis.RedisError as error:
                    text = f"redis.exceptions.{type(error).__name__}: {error}"
                    lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {text}")
                time.sleep(0.1)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def _own_address() -> str:
    """Return an address of this machine that is no loopback; packets to it do not leave the machine."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def open_to_this_machine_only(world: World) -> Over | None:
    address = _own_address()
    server = world.redis("--bind", "0.0.0.0", "--protected-mode", "yes")
    lines = []
    for _ in range(20):
        try:
            with redis.Redis(host=address, port=server.port) as client:
                client.get("basket:1")
        except redis.RedisError as error:
            text = f"redis.exceptions.{type(error).__name__}: {error}"
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {text}")
        time.sleep(0.1)
    world.cache(server, url=f"redis://{address}:{server.port}")
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def scripts_are_gone(world: World) -> Over | None:
    server = world.redis()
    lines = []
    with server.client() as client:
        name = client.script_load("return redis.call('get', KEYS[1])")
        client.script_flush()
        for number in range(30):
            try:
                client.evalsha(name, 1, f"basket:{number}")
            except redis.RedisError as error:
                text = f"redis.exceptions.{type(error).__name__}: {error}"
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {text}")
            time.sleep(0.1)
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None


def plain_client_of_a_cluster(world: World) -> Over | None:
    nodes = [world.redis("--cluster-enabled", "yes") for _ in range(2)]
    lines = []
    with nodes[0].client() as client, nodes[1].client() as other:
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[1].port)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        other.execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        until(lambda: b"cluster_state:ok" in _cluster(client) and b"cluster_state:ok" in _cluster(other), 30)
        for number in range(60):
            try:
                client.get(f"basket:{number}")
            except redis.RedisError as error:
                text = f"redis.exceptions.{type(error).__name__}: {error}"
                lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {text}")
            time.sleep(0.05)
    for number, node in enumerate(nodes, 1):
        world.cache(node, f"basket-cache-{number}")
    world.application(world.log("basket", lines), "basket", needs=("basket-cache-1",))
    world.examine()
    return None


def _cluster(client: redis.Redis) -> bytes:
    answer = redis.Redis(
        port=client.get_connection_kwargs()["port"], decode_responses=False
    )  # the raw text of CLUSTER INFO
    answer.set_response_callback("CLUSTER INFO", lambda text, **_: text)
    with answer:
        return bytes(answer.execute_command("CLUSTER INFO"))


def writes_are_paused(world: World) -> Over | None:
    server = world.redis()
    lines: list[str] = []
    with server.client() as client:
        client.mset({f"basket:{number}": "v" for number in range(100)})
        client.execute_command("CLIENT", "PAUSE", 600_000, "WRITE")

    def write(name: str) -> None:
        try:
            with redis.Redis(port=server.port, socket_timeout=3, client_name=name, retry=_ONCE) as writer:
                writer.set("basket:1", "v")
        except redis.RedisError as error:
            text = f"redis.exceptions.{type(error).__name__}: {error}"
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR basket: {text}")

    for number in range(5):
        world.meanwhile(partial(write, f"basket-{number}"), again_seconds=0.05)
    until(lambda: len(lines) >= 10, 60)
    world.cache(server)
    world.application(world.log("basket", list(lines)), "basket", needs=("basket-cache",))
    world.examine()
    return None


def queue_in_a_cache_that_evicts(world: World) -> Over | None:
    server = world.redis("--maxmemory", "24mb", "--maxmemory-policy", "allkeys-lru")
    number = 0
    with server.client() as client:
        client.sadd("_kombu.binding.celery", "celery")

    def fill() -> None:
        nonlocal number
        with server.client() as client:
            pipe = client.pipeline(transaction=False)
            for _ in range(200):
                number += 1
                pipe.set(f"page:{number}", "v" * 5000, ex=3600)
            for queue in ("celery", "emails", "reports", "unacked_index"):
                pipe.lpush(queue, f'{{"task": "send", "id": {number}}}')
            pipe.execute()

    world.meanwhile(fill, again_seconds=0.02)

    def evicted() -> bool:
        with server.client() as client, suppress(redis.RedisError):
            return int(client.info("stats")["evicted_keys"]) > 2000
        return False

    until(evicted, 60)
    time.sleep(3)
    world.cache(server)
    world.examine()
    return None


def no_local_ports_left(world: World) -> Over | None:
    server = world.redis()
    error = f"Error 99 connecting to 127.0.0.1:{server.port}. Cannot assign requested address."
    lines = [
        f"{ago(240 - number * 1.5):%Y-%m-%dT%H:%M:%SZ} ERROR basket: "
        f"redis.exceptions.ConnectionError: {error}"
        for number in range(155)
    ]
    world.cache(server)
    world.application(world.log("basket", lines), "basket", needs=("basket-cache",))
    world.examine()
    return None
