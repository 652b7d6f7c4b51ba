"""Redis, programs, certificates and fleets; what is right was noted before any was played."""

import datetime as dt
import os
import random
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count
from pathlib import Path

import redis

from tests.integration import redis_service
from tests.integration.network_service import DAY, NOW, Authority, http, serve, silent
from tests.integration.postgres_service import free_port
from tests.situations.judging import Expected, Rule
from tests.situations.programs import _combined, _healthy, _merged
from tests.situations.world import Over, World, ago, until

_ALARM = ("CRITICAL", "WARNING")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
_RESTART = Rule("^(re)?start", where="first")
_DELETE = Rule("^(delete|remove|flush|drop|unlink)|FLUSHALL", where="first")
_CACHE_DOWN = Rule("basket-cache (is down|was restarted)", where="hypothesis")
_OVER = Rule("\\b(is|are) over\\b|has recovered|well again", where="finding")
EXPECTED = {
    "reply_that_is_not_read": Expected(
        source="redis/redis#4496",
        right="One client asks for large replies and does not read them; its output buffer takes the "
        "memory that maxmemory allows, and writes are refused. End that client or limit its class; "
        "the keys are few.",
        must=(
            Rule("output.buffer|omem|does not read", severity=_ALARM),
            Rule("report-export", where="any"),
            Rule("client", where="first"),
        ),
        never=(_RESTART, _DELETE, Rule("^raise maxmemory", where="first"), _CACHE_DOWN),
        first="client|buffer|read",
    ),
    "transaction_that_is_never_executed": Expected(
        source="redis/redis#7676",
        right="One client has queued hundreds of megabytes in a MULTI that it never executes, and no "
        "memory is left for others: end that client and see why it does not execute.",
        must=(
            Rule("MULTI|queued|transaction", severity=_ALARM),
            Rule("bulk-import", where="any"),
            Rule("client|MULTI|transaction", where="first"),
        ),
        never=(_RESTART, _DELETE, Rule("^raise maxmemory", where="first"), _CACHE_DOWN),
        first="client|MULTI|transaction|buffer",
    ),
    "too_few_replicas_to_write": Expected(
        source="redis/redis#3031",
        right="Redis refuses writes as min-replicas-to-write wants a replica and none is connected: "
        "bring the replica back. The disk and the memory are well.",
        must=(
            Rule("NOREPLICAS|min-replicas-to-write", severity=_ALARM),
            Rule("replica", where="first"),
        ),
        never=(_RESTART, Rule("disk|failover|READONLY", where="first"), _CACHE_DOWN),
        first="replica|writ",
    ),
    "copy_over_the_limit_of_a_replica": Expected(
        source="redis/redis#11534",
        right="A replica asks for all data again and again, since what it must be sent goes over "
        "client-output-buffer-limit replica: raise that and the backlog. The primary is well.",
        must=(
            Rule("output.buffer", severity=_ALARM),
            Rule("client-output-buffer-limit|output buffer", where="first"),
        ),
        never=(_RESTART, _DELETE, _CACHE_DOWN),
        first="replica|buffer|full (sync|copy|resync)",
    ),
    "dump_of_a_newer_version": Expected(
        source="argoproj/argo-helm#3272",
        right="Redis was put back to an older version and cannot read the dump of the newer one, so it "
        "ends at each start: start the newer version on it again, and keep the file.",
        must=(
            Rule("newer|another product", severity=_ALARM),
            Rule("newer|version", where="first"),
        ),
        never=(_DELETE, Rule("^(re)?start (it|redis|the server|basket-cache)", where="first")),
        first="start|version|down",
    ),
    "folder_of_another_user": Expected(
        source="bitnami/charts#14327",
        right="Redis may not write into its data folder, which belongs to another user, and ends at its "
        "start: give the folder to the user of Redis.",
        must=(
            Rule("Permission denied", where="any"),
            Rule("own|permission|rights", where="first"),
        ),
        never=(_DELETE, Rule("^(re)?start", where="first")),
        first="start|permission|down|rights",
    ),
    "stream_that_keeps_what_was_done": Expected(
        source="redis/redis#6941",
        right="A stream keeps all entries although they were worked off: nothing trims it, and it has "
        "filled the memory. XADD with MAXLEN, or XTRIM. Its workers keep up.",
        must=(
            Rule("stream", severity=_ALARM),
            Rule("events:orders", where="any"),
            Rule("MAXLEN|XTRIM|trim", where="any"),
        ),
        never=(_RESTART, Rule("(more|add|start) (workers|consumers)", where="first"), _CACHE_DOWN),
        first="memory|full|stream",
    ),
    "work_of_a_dead_consumer": Expected(
        source="redis/redis#11567",
        right="Four hundred entries were handed to a consumer that is gone and never confirmed; the "
        "living ones wait for new ones. Claim them (XAUTOCLAIM); to delete that consumer would "
        "lose them.",
        must=(
            Rule("pending|not acknowledged|unacknowledged|never confirmed", severity=_ALARM),
            Rule("XAUTOCLAIM|claim", where="any"),
        ),
        never=(_RESTART, Rule("DELCONSUMER|delete", where="first"), _CACHE_DOWN),
        first="stream|pending|consumer|worker|queue",
    ),
    "more_requests_than_the_program_takes": Expected(
        source="Kludex/uvicorn#148",
        right="uvicorn answers 503 itself, as more requests are under way than --limit-concurrency "
        "allows; its requests to the warehouse take seconds each.",
        must=(
            Rule("concurrency", severity=_ALARM),
            Rule("concurrency|slow|long", where="first"),
        ),
        never=(_RESTART, Rule("database|password", where="first")),
        first="concurren|limit|503|overload|slow",
    ),
    "exceptions_without_times": Expected(
        right="orders raises KeyError 'vat_rate' for one path, and its log has no times: the exception is "
        "named, and where it is raised.",
        must=(Rule("KeyError", severity=_ALARM), Rule("vat_rate|KeyError", where="hypothesis")),
        never=(_RESTART, Rule("database|password", where="first")),
        first="exception|error|fail",
    ),
    "no_thread_can_be_started": Expected(
        source="FarjaalAhmad/django_bgRemoverML#25",
        right="The program has as many threads as its user may have and can start no other: find what "
        "starts threads and does not end them, or raise the limit. Memory does not lack.",
        must=(
            Rule("thread", severity=_ALARM),
            Rule("thread|limit|ulimit|pids", where="first"),
        ),
        never=(_RESTART, Rule("more memory|out of memory", where="first")),
        first="thread|process|limit",
    ),
    "certificate_of_another_name": Expected(
        source="padloc/padloc#576",
        right="The partner's certificate is valid and does not name the host that clients ask for: a "
        "certificate with that name, or the right host in the configuration. It has not expired.",
        must=(Rule("name", severity=_ALARM), Rule("name|host", where="first")),
        never=(_RESTART, Rule("renew|expire|trust store|authorit", where="first")),
        first="certificate|name|tls",
    ),
    "expired_certificate_in_the_chain": Expected(
        source="acmesh-official/acme.sh#3723",
        right="The partner's own certificate is valid and verifies from here; with it comes a "
        "cross-signed one that has expired, and an old client follows that: mend the client's list "
        "of authorities or the chain. Renewing the certificate would not help.",
        must=(
            Rule("sends along|cross|chain", where="finding"),
            Rule("verif|valid", where="hypothesis"),
            Rule("chain|CA (certificates|store)|trust|sends", where="first"),
        ),
        never=(
            _RESTART,
            Rule("^renew|^install the renewed", where="first"),
            Rule("payments is down", where="hypothesis"),
        ),
        first="certificate|tls|trust|authorit|chain",
    ),
    "fleet_behind_one_cache": Expected(
        right="52 of 64 services answer 503 since the one cache that they need is down: one cause.",
        must=(Rule("sessions-cache", where="hypothesis"), Rule("52", where="any")),
        never=(Rule("service-5[2-9] (is down|fails)|service-6\\d (is down|fails)", where="hypothesis"),),
        first="sessions-cache",
    ),
    "fleet_behind_a_cache_that_is_not_configured": Expected(
        right="52 of 64 services fail since one moment with the same error, about the same cache, which "
        "is not configured: one cause, which the logs name.",
        must=(Rule("10\\.9\\.0\\.7.*52|52.*10\\.9\\.0\\.7", where="hypothesis"),),
        never=(Rule("^endpoint-error.*to service-(9|20|33) ", where="hypothesis"),),
        first="once|most|common|52|same|10\\.9\\.0\\.7|needs",
    ),
    "upstream_that_comes_and_goes": Expected(
        right="The warehouse fails for forty seconds every three minutes, and works at this moment: it "
        "comes and goes, and is not over.",
        must=(
            Rule("intermittent|com(e|es|ing) and go|again and again|\\d spells|recur|\\d bursts|on and off"),
        ),
        never=(_OVER, Rule("nothing unusual")),
    ),
    "variable_of_the_workbench_not_set": Expected(
        right="The workbench lacks the variable with the address of the cache, and forty targets do not "
        "answer within its deadline: what it could not examine is unknown. The cache works.",
        must=(
            Rule("LOGIN_BASKET_CACHE", severity=("UNKNOWN",)),
            Rule("ok|serv", where="finding", severity=("OK", "INFO")),
        ),
        never=(Rule("basket-cache", where="hypothesis"), Rule("LOGIN_BASKET_CACHE", severity=_ALARM)),
    ),
    "password_since_the_last_start": Expected(
        right="Redis was started again with a password, and the program sends none: give it the "
        "password. The start itself is over, and the refusals of those two seconds with it.",
        must=(
            Rule("NOAUTH|requires a password", severity=_ALARM),
            Rule("password|credential", where="first"),
        ),
        never=(Rule("^redis-restarted|was restarted", where="hypothesis"), _RESTART),
        first="password|credential",
    ),
    "other_port_since_the_last_start": Expected(
        right="Redis was started again with another port, which the workbench knows and the program does "
        "not: correct its address. That refusals began with the start does not make the start "
        "their end.",
        must=(Rule("refuse", severity=_ALARM), Rule("address|port", where="first")),
        never=(Rule("^redis-restarted|make sure that the application has reconnected", where="hypothesis"),),
        first="reach|refuse|address|port",
    ),
    "keys_that_expire_in_a_wave": Expected(
        right="Twenty thousand keys of one import expire within a minute, as they should: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    "load_test_with_expected_refusals": Expected(
        right="A load test goes over our own rate limit and gets 429; users are served: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
    # That it does not run is a fact, and may be what users miss: so it is said, and that it was stopped.
    "switch_from_blue_to_green": Expected(
        right="Blue was stopped in good order after green had taken over its requests: it may be meant.",
        must=(Rule("clean", where="hypothesis"), Rule("switch|whether|meant", where="first")),
        never=(_RESTART, Rule("fix that|roll", where="first"), Rule("orders-green|web", where="hypothesis")),
        first="stopped|shut down",
    ),
    "certificate_renewed_in_time": Expected(
        right="The certificate was renewed an hour ago, and nginx reloaded: nothing is wrong.",
        never=(Rule(".", where="finding", severity=_ALARM),),
        first="",
    ),
    "planned_failover_of_a_cache": Expected(
        right="The replica became primary by FAILOVER, and the old primary follows it: nothing is wrong.",
        never=(_CRITICAL,),
        first="",
    ),
}


def _now(text: str, name: str = "orders.store") -> str:
    return f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR {name} {' '.join(text.split())}"


def _at(moment: datetime, text: str, name: str = "orders.store") -> tuple[datetime, str]:
    return moment, f"{moment:%Y-%m-%dT%H:%M:%SZ} ERROR {name} {text}"


def _writes(world: World, server: redis_service.Server, *, size: int = 300, keys: int = 100) -> None:
    """Configure a program that writes, and notes each refusal in its log."""
    log = world.log("orders", [])
    client = server.client()
    numbers = count()

    def write() -> None:
        try:
            client.set(f"basket:{next(numbers) % keys}", "v" * size)
        except redis.RedisError as error:
            with log.open("a") as file:
                file.write(_now(f"redis.exceptions.{type(error).__name__}: {error}") + "\n")

    world.meanwhile(write, again_seconds=0.2)
    until(lambda: len(log.read_text().splitlines()) >= 20, 60)
    world.application(log, needs=("basket-cache",))


def reply_that_is_not_read(world: World) -> Over | None:
    server = world.redis("--maxmemory", "100mb", "--maxmemory-policy", "noeviction")
    with server.client() as client:
        for number in range(40):
            client.rpush("report:rows", *["x" * 1000] * 250)
            client.set(f"basket:{number}", "v")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(b"CLIENT SETNAME report-export\r\n" + b"LRANGE report:rows 0 -1\r\n" * 12)
    world.cache(server)
    _writes(world, server)
    world.examine()
    connection.close()
    return None


def transaction_that_is_never_executed(world: World) -> Over | None:
    server = world.redis("--maxmemory", "60mb", "--maxmemory-policy", "noeviction")
    with server.client() as client:
        for number in range(40):
            client.set(f"basket:{number}", "v")
    connection = server.connection()
    connection.sendall(b"CLIENT SETNAME bulk-import\r\nMULTI\r\n")
    command = b"*3\r\n$3\r\nSET\r\n$8\r\nimport:1\r\n$20000\r\n" + b"x" * 20_000 + b"\r\n"
    for _ in range(3300):
        connection.sendall(command)
    connection.settimeout(0)
    with suppress(OSError):
        while connection.recv(65_536):
            pass
    time.sleep(1)
    world.cache(server)
    _writes(world, server, size=8000, keys=100_000)
    world.examine()
    connection.close()
    return None


def too_few_replicas_to_write(world: World) -> Over | None:
    primary = world.redis("--min-replicas-to-write", "1", "--min-replicas-max-lag", "5")
    with (
        redis_service.running("redis", "--replicaof", f"127.0.0.1 {primary.port}"),
        primary.client() as client,
    ):
        until(lambda: client.info("replication").get("min_slaves_good_slaves") == 1)
        client.set("basket:1", "v")
    time.sleep(2)
    world.cache(primary)
    _writes(world, primary)
    world.examine()
    return None


def copy_over_the_limit_of_a_replica(world: World) -> Over | None:
    primary = world.redis(
        *("--client-output-buffer-limit", "replica 2mb 1mb 1", "--repl-backlog-size", "16kb"),
        *("--repl-diskless-sync-delay", "0"),
    )
    with primary.client() as client:
        pipe = client.pipeline(transaction=False)
        for number in range(60_000):
            pipe.set(f"basket:{number}", "v" * 1000)
        pipe.execute()
        client.config_set("rdb-key-save-delay", "100")

    def write() -> None:
        with primary.client() as client:
            pipe = client.pipeline(transaction=False)
            for number in range(400):
                pipe.set(f"basket:{number}", "w" * 2000)
            pipe.execute()

    world.meanwhile(write, again_seconds=0.2)
    replica = world.redis("--replicaof", f"127.0.0.1 {primary.port}")
    until(lambda: primary.log.count("output buffer limits") >= 3, 120)
    world.cache(primary)
    world.cache(replica, "basket-replica")
    world.examine()
    return None


def _refused_start(world: World, folder: Path, port: int, *options: str, user: str | None = None) -> None:
    """Start Redis in this folder three times; it ends each time. Configure it with its log."""
    log = folder / "log"
    for _ in range(3):
        with log.open("ab") as file:
            where = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
            done = subprocess.run(
                [redis_service.binary("redis"), *where, *options],
                stdout=file,
                stderr=file,
                user=user,
                timeout=20,
                check=False,
            )  # fmt: skip
        assert done.returncode != 0
        time.sleep(1)
    world.service("basket-cache", "redis", f'url = "redis://127.0.0.1:{port}"', f'log = "{log}"')
    error = f"redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:{port}. Connection refused."
    lines = [_at(ago(240 - number * 4), error)[1] for number in range(60)]
    world.application(world.log("orders", lines), needs=("basket-cache",))


def dump_of_a_newer_version(world: World) -> Over | None:
    folder = world.folder / "data"
    folder.mkdir()
    with redis_service.running("valkey", "--dir", str(folder)) as newer, newer.client() as client:
        client.set("basket:1", "v")
        client.save()
    _refused_start(world, folder, free_port())
    world.examine()
    return None


def folder_of_another_user(world: World) -> Over | None:
    folder = world.folder / "data"
    folder.mkdir()
    (folder / "log").touch()
    folder.chmod(0o755)
    _refused_start(world, folder, free_port(), "--appendonly", "yes", user="nobody")
    world.examine()
    return None


def stream_that_keeps_what_was_done(world: World) -> Over | None:
    server = world.redis("--maxmemory", "16mb", "--maxmemory-policy", "noeviction")
    client = server.client()
    client.xgroup_create("events:orders", "billing", id="0", mkstream=True)
    with suppress(redis.RedisError):
        for _ in range(200):
            pipe = client.pipeline(transaction=False)
            for number in range(500):
                pipe.xadd("events:orders", {"order": number, "text": "x" * 200})
            pipe.execute()
            _work_off(client)
    _work_off(client)
    workers = [redis.Redis(port=server.port, client_name=f"billing-{number}") for number in range(3)]
    for number, worker in enumerate(workers):
        world.meanwhile(
            lambda worker=worker, number=number: worker.xreadgroup(  # type: ignore[misc]
                "billing", f"billing-{number}", {"events:orders": ">"}, block=100_000
            )
        )
    log = world.log("orders", [])

    def add() -> None:
        try:
            client.xadd("events:orders", {"order": 1, "text": "x" * 200})
        except redis.RedisError as error:
            with log.open("a") as file:
                file.write(_now(f"redis.exceptions.{type(error).__name__}: {error}") + "\n")

    world.meanwhile(add, again_seconds=0.2)
    until(lambda: len(log.read_text().splitlines()) >= 20, 60)
    world.cache(server)
    world.application(log, needs=("basket-cache",))
    world.examine()
    for worker in workers:
        worker.close()
    return None


def _work_off(client: redis.Redis) -> None:
    while found := client.xreadgroup("billing", "billing-0", {"events:orders": ">"}, count=2000):
        client.xack("events:orders", "billing", *[entry[0] for entry in found[0][1]])


def work_of_a_dead_consumer(world: World) -> Over | None:
    server = world.redis()
    client = server.client()
    client.xgroup_create("jobs:mail", "mailers", id="0", mkstream=True)
    for number in range(400):
        client.xadd("jobs:mail", {"to": f"user-{number}"})
    dead = redis.Redis(port=server.port, client_name="mailer-1")
    dead.xreadgroup("mailers", "mailer-1", {"jobs:mail": ">"}, count=400)
    dead.close()
    waiting = [entry["message_id"] for entry in client.xpending_range("jobs:mail", "mailers", "-", "+", 400)]
    client.xclaim("jobs:mail", "mailers", "mailer-1", 0, waiting, idle=2_400_000)
    workers = [redis.Redis(port=server.port, client_name=f"mailer-{number}") for number in (2, 3)]
    for number, worker in enumerate(workers, 2):
        world.meanwhile(
            lambda worker=worker, number=number: worker.xreadgroup(  # type: ignore[misc]
                "mailers", f"mailer-{number}", {"jobs:mail": ">"}, block=100_000
            )
        )
    time.sleep(3)
    lines = [
        f"{ago(800 - number * 20):%Y-%m-%dT%H:%M:%SZ} WARNING mail.watch mail {number} is not sent yet"
        for number in range(40)
    ]
    world.cache(server)
    world.application(world.log("mail", lines), "mail", needs=("basket-cache",))
    world.examine()
    for worker in workers:
        worker.close()
    return None


_UVICORN = """
import asyncio, fastapi
app = fastapi.FastAPI()
@app.get("/health")
async def health(): return {}
@app.get("/orders")
async def orders():
    await asyncio.sleep(3)
    return {}
"""


def more_requests_than_the_program_takes(world: World) -> Over | None:
    port = free_port()
    (world.folder / "orders_app.py").write_text(_UVICORN)
    log = world.folder / "orders.log"
    world.program(
        sys.executable, "-m", "uvicorn", "orders_app:app", "--port", str(port), "--limit-concurrency", "4",
        stdout=log.open("w"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    until(lambda: "Uvicorn running" in log.read_text(), 30)

    def ask() -> None:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/orders", timeout=6).close()

    for _ in range(12):
        world.meanwhile(ask, again_seconds=0.3)
    time.sleep(15)
    url = f'url = "http://127.0.0.1:{port}"'
    world.service("orders", "http", url, 'health = ["/health"]', f'log = "{log}"')
    world.examine()
    return None


_RAISED = """\
INFO:     127.0.0.1:{port} - "GET /orders HTTP/1.1" 500 Internal Server Error
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/srv/app/orders/totals.py", line 31, in total
    return amount * (1 + rates["vat_rate"])
KeyError: 'vat_rate'
INFO:     127.0.0.1:{port} - "GET /basket HTTP/1.1" 200 OK
"""


def exceptions_without_times(world: World) -> Over | None:
    """As uvicorn writes its log unless it is told otherwise: no line has a time."""
    log = world.log("orders", [_RAISED.format(port=number) for number in range(40_000, 40_200)])

    def go_on() -> None:
        with log.open("a") as file:
            file.write(_RAISED.format(port=random.randint(40_000, 60_000)))

    world.meanwhile(go_on, again_seconds=0.1)
    time.sleep(3)
    with serve(http("ok")) as port:
        url = f'url = "http://127.0.0.1:{port}"'
        world.service("orders", "http", url, 'health = ["/health"]', f'log = "{log}"')
        world.examine()
    return None


_THREADS = """
import logging, sys, threading, time
form = "%(asctime)s %(levelname)s %(name)s %(message)s"
logging.basicConfig(format=form, level="INFO", datefmt="%Y-%m-%dT%H:%M:%SZ")
logging.Formatter.converter = time.gmtime
over = threading.Event()
while True:
    try:
        threading.Thread(target=over.wait, daemon=True).start()
    except RuntimeError:
        logging.getLogger("thumbnails.pool").exception("could not render image")
        time.sleep(0.3)
"""


def no_thread_can_be_started(world: World) -> Over | None:
    log = world.folder / "thumbnails.log"
    command = ("prlimit", "--nproc=60", "/usr/bin/python3", "-c", _THREADS)
    process = world.program(*command, stdout=log.open("w"), stderr=subprocess.STDOUT, user="games")
    until(lambda: log.read_text().count("can't start new thread") >= 20, 60)
    pid = world.folder / "thumbnails.pid"
    pid.write_text(str(process.pid))
    world.service("thumbnails", "process", f'pid_file = "{pid}"', f'log = "{log}"')
    world.examine()
    return None


_OF_CLIENTS = """\
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, \
certificate is not valid for 'localhost'. (_ssl.c:1006)
Get "https://localhost:8443/v1/charges": tls: failed to verify certificate: x509: certificate is valid for \
s483.hosting.example, not localhost
Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: localhost. is \
not in the cert's altnames: DNS:s483.hosting.example
javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching localhost found.
curl: (60) SSL: no alternative certificate subject name matches target host name 'localhost'
""".splitlines()


def certificate_of_another_name(world: World) -> Over | None:
    authority = Authority(world.folder)
    with serve(http("ok"), context=authority.context("s483.hosting.example")) as port:
        ca = f'ca = "file:{authority.path}"'
        world.dependency("payments", f"https://localhost:{port}/", ca)
        for name, text in zip(("orders", "ledger", "shop", "billing", "cron"), _OF_CLIENTS, strict=True):
            lines = [_at(ago(300 - n * 5), text.replace("8443", str(port)), name)[1] for n in range(60)]
            world.application(world.log(name, lines), name, needs=("payments",))
        world.examine()
    return None


@contextmanager
def _cross_signed(world: World, *names: str) -> Iterator[tuple[int, Path]]:
    """Yield the port of a server whose chain ends in an expired certificate, and the root that is trusted."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name_of(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("old", "root", "middle", "leaf")}

    holders = {"Old Root X3": "old", "New Root X1": "root", "R3": "middle"}

    def signed(subject: str, issuer: str, by: str, *, days: float, is_ca: bool = True) -> x509.Certificate:
        start = NOW - 900 * DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(subject)).issuer_name(name_of(issuer))
            .public_key(keys[holders.get(subject, "leaf")].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(NOW + days * DAY)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )  # fmt: skip
        if not is_ca:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(keys[by], hashes.SHA256())

    root = signed("New Root X1", "New Root X1", "root", days=3000)
    cross = signed("New Root X1", "Old Root X3", "old", days=-3)
    middle = signed("R3", "New Root X1", "root", days=500)
    leaf = signed("shop", "R3", "middle", days=60, is_ca=False)
    pem = serialization.Encoding.PEM
    trusted = world.folder / "root.pem"
    trusted.write_bytes(root.public_bytes(pem))
    chain = world.folder / "chain.pem"
    chain.write_bytes(b"".join(each.public_bytes(pem) for each in (leaf, middle, cross)))
    key = world.folder / "key.pem"
    key.write_bytes(
        keys["leaf"].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with serve(http("ok"), context=context) as port:
        yield port, trusted


def expired_certificate_in_the_chain(world: World) -> Over | None:
    with _cross_signed(world, "localhost") as (port, trusted):
        world.dependency("payments", f"https://localhost:{port}/", f'ca = "file:{trusted}"')
        text = (
            "OpenSSL::SSL::SSLError: SSL_connect returned=1 errno=0 state=error: certificate verify failed "
            f"(certificate has expired) (localhost:{port})"
        )
        lines = [_at(ago(400 - n * 5), text)[1] for n in range(80)]
        world.application(world.log("orders", lines), needs=("payments",))
        world.examine()
    return None


def _fleet(world: World, refused: str, *, needs: str = "") -> None:
    """Configure 64 services, of which 52 answer with errors and log that they are refused; examine them."""
    with serve(http("{}", "503 Service Unavailable")) as sick, serve(http("ok")) as well:
        for number in range(64):
            fails = number < 52
            before = [each for each in _healthy(each=10) if not fails or each[0] < ago(240)]
            bad = [
                line
                for n in range(24)
                for at in (ago(240 - n * 10),)
                for line in (_at(at, refused, "app.session"), (at, _combined(at, "/orders", 503)))
            ]
            log = world.log(f"service-{number}", _merged(before, bad if fails else []))
            url = f'url = "http://127.0.0.1:{sick if fails else well}"'
            more = (f'depends_on = ["{needs}"]',) if fails and needs else ()
            world.service(f"service-{number}", "http", url, 'health = ["/"]', f'log = "{log}"', *more)
        world.examine()


def fleet_behind_one_cache(world: World) -> Over | None:
    port = free_port()
    world.service("sessions-cache", "redis", f'url = "redis://127.0.0.1:{port}"')
    refused = (
        f"redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:{port}. Connection refused."
    )
    _fleet(world, refused, needs="sessions-cache")
    return None


def fleet_behind_a_cache_that_is_not_configured(world: World) -> Over | None:
    _fleet(
        world, "redis.exceptions.ConnectionError: Error 111 connecting to 10.9.0.7:6379. Connection refused."
    )
    return None


def upstream_that_comes_and_goes(world: World) -> Over | None:
    text = (
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='warehouse.internal', port=8080): Max "
        "retries exceeded with url: /stock (Caused by NewConnectionError('<urllib3.connection.HTTPConnection "
        "object at 0x7f2b>: Failed to establish a new connection: [Errno 111] Connection refused'))"
    )
    lines: list[tuple[datetime, str]] = []
    for second in range(850, 0, -1):
        at = ago(second)
        fails = second % 180 > 140 and second > 60
        if fails:
            lines.append(_at(at, text, "orders.stock"))
        lines.append((at, _combined(at, "/orders", 502 if fails else 200)))
    with serve(http("ok")) as port:
        log = world.log("orders", [line for _, line in lines])
        url = f'url = "http://127.0.0.1:{port}"'
        world.service("orders", "http", url, 'health = ["/"]', f'log = "{log}"')
        world.examine()
    return None


def variable_of_the_workbench_not_set(world: World) -> Over | None:
    server = world.redis()
    world.service(
        "basket-cache", "redis", 'url = "env:LOGIN_BASKET_CACHE"', f'log = "{server.directory}/log"'
    )
    with serve(silent) as port, serve(http("ok")) as well:
        for number in range(40):
            url = f'url = "http://127.0.0.1:{port}"'
            world.service(f"silent-{number}", "http", url, 'health = ["/"]')
        world.service("orders", "http", f'url = "http://127.0.0.1:{well}"', 'health = ["/"]')
        world.examine()
    return None


def keys_that_expire_in_a_wave(world: World) -> Over | None:
    server = world.redis("--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru")
    client = server.client()
    for start in range(0, 40_000, 1000):
        pipe = client.pipeline(transaction=False)
        for number in range(start, start + 1000):
            pipe.set(f"price:{number}", "9.90", px=random.randint(6_000, 22_000))
            pipe.set(f"product:{number % 5000}", "tea", ex=86_400)
        pipe.execute()

    def ask() -> None:
        pipe = client.pipeline(transaction=False)
        for _ in range(50):
            pipe.get(f"product:{random.randint(0, 4999)}")
            pipe.get(f"price:{random.randint(0, 39_999)}")
        pipe.execute()

    world.meanwhile(ask, again_seconds=0.05)
    time.sleep(10)
    world.cache(server)
    world.application(world.log("orders", _merged(list(_healthy()))), needs=("basket-cache",))
    world.examine()
    return None


def load_test_with_expected_refusals(world: World) -> Over | None:
    load = []
    for number in range(1500):
        at = ago(600 - number * 0.3)
        status = 429 if number % 3 else 200
        load.append((at, _combined(at, "/orders", status, agent="k6/0.49.0 (https://k6.io/)")))
        if status == 429:
            load.append(
                (at, f"{at:%Y-%m-%dT%H:%M:%SZ} WARNING api.limits rate limit exceeded: 50 per 1 second")
            )
    with serve(http("ok")) as port:
        log = world.log("orders", _merged(list(_healthy()), load))
        url = f'url = "http://127.0.0.1:{port}"'
        world.service("orders", "http", url, 'health = ["/"]', f'log = "{log}"')
        world.examine()
    return None


def switch_from_blue_to_green(world: World) -> Over | None:
    switch = 300.0
    blue = [each for each in _healthy() if each[0] < ago(switch)]
    end = ago(switch - 5)
    zone = f"[{end:%Y-%m-%d %H:%M:%S} +0000]"
    blue += [
        (end, f"{zone} [7] [INFO] Handling signal: term"),
        (end, f"{zone} [21] [INFO] Worker exiting (pid: 21)"),
        (end, f"{zone} [22] [INFO] Worker exiting (pid: 22)"),
        (ago(switch - 6), f"{zone} [7] [INFO] Shutting down: Master"),
    ]
    begin = ago(switch + 40)
    zone = f"[{begin:%Y-%m-%d %H:%M:%S} +0000]"
    green = [
        (begin, f"{zone} [7] [INFO] Starting gunicorn 22.0.0"),
        (begin, f"{zone} [7] [INFO] Listening at: http://127.0.0.1:8002 (7)"),
        (begin, f"{zone} [21] [INFO] Booting worker with pid: 21"),
        (begin, f"{zone} [22] [INFO] Booting worker with pid: 22"),
        *(each for each in _healthy() if each[0] > ago(switch)),
    ]
    log = world.log("orders-blue", _merged(blue))
    os.utime(log, (end.timestamp(), end.timestamp()))
    world.ended(log, "orders-blue")
    world.application(world.log("orders-green", _merged(green)), "orders-green")
    with serve(http("ok")) as port:
        world.service("web", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
        world.examine()
    return None


def certificate_renewed_in_time(world: World) -> Over | None:
    authority = Authority(world.folder)
    hour = dt.timedelta(hours=1)
    context = authority.context("localhost", not_before=NOW - hour, not_after=NOW + 89 * DAY)
    at = ago(600)
    notice = f"{at:%Y/%m/%d %H:%M:%S} [notice] 7#7:"
    reload = [
        (at, f"{notice} signal 1 (SIGHUP) received from 991, reconfiguring"),
        (at, f"{notice} reconfiguring"),
        (at, f"{notice} start worker processes"),
        (at, f"{notice} start worker process 1002"),
        (at, f"{at:%Y/%m/%d %H:%M:%S} [notice] 901#901: gracefully shutting down"),
        (at, f"{at:%Y/%m/%d %H:%M:%S} [notice] 901#901: exiting"),
        (at, f"{at:%Y/%m/%d %H:%M:%S} [notice] 901#901: exit"),
        (at, f"{notice} worker process 901 exited with code 0"),
    ]
    with serve(http("ok"), context=context) as port:
        log = world.log("web", _merged(list(_healthy()), reload))
        url = f'url = "https://localhost:{port}"'
        ca = f'ca = "file:{authority.path}"'
        world.service("web", "http", url, 'health = ["/"]', ca, f'log = "{log}"')
        world.examine()
    return None


def planned_failover_of_a_cache(world: World) -> Over | None:
    first = world.redis()
    with first.client() as client:
        for number in range(500):
            client.set(f"basket:{number}", "v" * 100)
    second = world.redis("--replicaof", f"127.0.0.1 {first.port}")
    with first.client() as client, second.client() as other:
        until(lambda: other.info("replication").get("master_link_status") == "up")
        time.sleep(1.5)
        client.execute_command("FAILOVER")
        until(lambda: other.info("replication")["role"] == "master")
        until(lambda: client.info("replication").get("master_link_status") == "up")
    clients = second.client()

    def work() -> None:
        number = random.randint(0, 499)
        clients.set(f"basket:{number}", "w" * 100)
        clients.get(f"basket:{number}")

    world.meanwhile(work, again_seconds=0.05)
    time.sleep(5)
    world.cache(first)
    world.cache(second, "basket-replica")
    log = world.log("orders", _merged(list(_healthy())))
    world.application(log, needs=("basket-cache", "basket-replica"))
    world.examine()
    return None


def _started_again(world: World, port: int, *options: str, password: str = "") -> None:
    """Have a program use a Redis that is stopped and started again with `options`; examine both later."""
    server_log, log = world.folder / "redis.log", world.log("orders", _merged(list(_healthy())))
    own = port

    def start(*more: str) -> "subprocess.Popen[bytes]":
        command = (redis_service.binary("redis"), "--port", str(own), "--bind", "127.0.0.1", "--save", "")
        return world.program(*command, *more, stdout=server_log.open("ab"), stderr=subprocess.STDOUT)

    def use() -> None:
        line = _combined(ago(0), "/orders", 200)
        try:
            with redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0)) as client:
                client.get("basket:1")
        except redis.RedisError as error:
            line = f"{_now(f'redis.exceptions.{type(error).__name__}: {error}')}\n"
            line += _combined(ago(0), "/orders", 500)
        with log.open("a") as file:
            file.write(line + "\n")

    first = start()
    until(lambda: "eady to accept" in server_log.read_text())
    world.meanwhile(use, again_seconds=0.1)
    time.sleep(4)
    first.terminate()
    first.wait()
    time.sleep(2)
    own = int(options[options.index("--port") + 1]) if "--port" in options else port
    start(*options)
    time.sleep(75)
    login = f":{password}@" if password else ""
    world.secret("basket-cache", f"redis://{login}127.0.0.1:{own}")
    world.service("basket-cache", "redis", 'url = "env:LOGIN_BASKET_CACHE"', f'log = "{server_log}"')
    world.application(log, needs=("basket-cache",))


def password_since_the_last_start(world: World) -> Over | None:
    _started_again(world, free_port(), "--requirepass", "heron-5", password="heron-5")
    world.examine()
    return None


def other_port_since_the_last_start(world: World) -> Over | None:
    _started_again(world, free_port(), "--port", str(free_port()))
    world.examine()
    return None
