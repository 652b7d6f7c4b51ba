"""Clients of Redis, and programs with what they need; what is right was noted before any was played."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.integration import redis_service
from tests.integration.network_service import DAY, NOW, Authority, free_port, http, serve
from tests.integration.redis_service import Server, binary
from tests.situations.judging import Expected, Rule
from tests.situations.programs import _combined, _healthy, _merged
from tests.situations.proxies import Nginx
from tests.situations.world import Over, World, ago, until

_ALARM = ("CRITICAL", "WARNING")
_CRITICAL = Rule(".", where="finding", severity=("CRITICAL",))
_RESTART = Rule("^(re)?start", where="first")
_DELETE = Rule("^(delete|remove|flush|drop|unlink)|FLUSHALL", where="first")
_CACHE_DOWN = Rule("basket-cache (is down|was restarted)", where="hypothesis")
_ONCE = Retry(NoBackoff(), 0)
EXPECTED = {
    "monitor_left_on_in_a_cache": Expected(
        source="redis/redis#11573",
        right="Somebody left a MONITOR on and does not read it; its output buffer takes the memory of the "
        "cache, which evicts its keys. End that client.",
        must=(
            Rule("MONITOR", severity=_ALARM),
            Rule("output.buffer|omem|does not read|memory", severity=_ALARM),
            Rule("client|MONITOR", where="first"),
        ),
        never=(_RESTART, _DELETE, Rule("^raise maxmemory", where="first"), _CACHE_DOWN),
        first="client|buffer|read|monitor",
    ),
    "idle_connections_end_before_the_pool_notices": Expected(
        source="open-webui/open-webui#23573",
        right="Redis closes connections that idle for longer than its `timeout`, and the program's pool "
        "hands them out: have the pool check or give up idle ones sooner. Redis is well.",
        must=(
            Rule("idle", where="any"),
            Rule("timeout", where="any"),
            Rule("idle|timeout|pool|health", where="first"),
        ),
        never=(_RESTART, Rule("firewall|network", where="first"), _CACHE_DOWN),
        first="closes|idle|timeout",
    ),
    "fewer_clients_than_configured": Expected(
        source="redis/redis#2894",
        right="Redis reduced maxclients at start as it may open few files, and refuses clients: raise the "
        "limit of open files (LimitNOFILE) and start it again; maxclients itself cannot be raised.",
        must=(
            Rule("maxclients|max(imum)? number of clients", severity=_ALARM),
            Rule("open files|nofile|file descriptor|ulimit", where="any"),
        ),
        never=(_DELETE, _CACHE_DOWN),
        first="redis-clients|client",
    ),
    "results_that_never_expire": Expected(
        source="celery/celery#7801",
        right="Results of tasks have no TTL and fill the memory; noeviction refuses writes. Give results an "
        "expiry; keep the queue.",
        must=(
            Rule("OOM|maxmemory|memory", severity=_ALARM),
            Rule("no (TTL|expir)|without (a |an )?(TTL|expir)|never expire|have no expir", where="any"),
        ),
        never=(_RESTART, _DELETE, _CACHE_DOWN, Rule("^(set|switch|change).*allkeys", where="first")),
        first="memory|full",
    ),
    "a_set_of_millions_is_deleted": Expected(
        source="ray-project/ray#65520",
        right="A job deletes sets of a million members with DEL, which stops Redis for a second each time: "
        "UNLINK, or lazyfree-lazy-user-del.",
        must=(
            Rule("\\bDEL\\b", severity=_ALARM),
            Rule("UNLINK|lazyfree", where="any"),
        ),
        never=(_RESTART, _CACHE_DOWN, Rule("SCAN instead|raise.*timeout", where="first")),
        first="block|slow|command",
    ),
    "dump_killed_by_a_signal": Expected(
        source="redis/redis#1886",
        right="The child that writes a dump is ended by signal 9 each time, for lack of memory, so Redis "
        "refuses writes: look for the kernel's kill and give it memory. The disk is well.",
        must=(
            Rule("MISCONF|refuses writes|save", severity=_ALARM),
            Rule("signal 9|killed|SIGKILL", where="any"),
            Rule("memory|kill", where="first"),
        ),
        never=(_RESTART, _DELETE, Rule("disk is full|free (the )?disk|room on its disk", where="first")),
        first="persist|save|writes|dump",
    ),
    "plain_clients_of_a_tls_port": Expected(
        source="bitnami/charts#29616",
        right="Redis speaks TLS only and a program speaks plain text to it, so Redis ends each connection: "
        "use rediss://. Redis is well.",
        must=(Rule("TLS", severity=_ALARM), Rule("TLS|rediss", where="first")),
        never=(_RESTART, _CACHE_DOWN, Rule("certificate|firewall", where="first")),
        first="tls|plain",
    ),
    "pool_of_the_program_is_too_small": Expected(
        source="redis/go-redis#1798",
        right="All ten connections of the program's own pool wait in BLPOP, so its other commands get none: "
        "more connections in the pool, or a pool of their own for those that wait. Redis has room.",
        must=(
            Rule("pool", severity=_ALARM),
            Rule("pool", where="first"),
        ),
        never=(_RESTART, Rule("maxclients", where="first"), _CACHE_DOWN),
        first="pool",
    ),
    "one_of_two_upstreams_is_gone": Expected(
        source="nginx-proxy/nginx-proxy#820",
        right="One of two addresses behind nginx refuses connections; nginx asks the other, and users are "
        "served: bring the dead one back or take it out.",
        must=(Rule("refused", severity=_ALARM), Rule("8099", where="any")),
        never=(
            Rule("web (is down|fails)", where="hypothesis"),
            Rule("^restart|start (web|nginx)", where="first"),
        ),
        first="upstream|reach|refus",
    ),
    "a_proxy_answers_for_the_partner": Expected(
        source="istio/istio#46431",
        right="The 503 comes from the proxy before the partner, which cannot reach it ('upstream connect "
        "error'): look at the proxy's way to the partner, and not at the partner's program.",
        must=(
            Rule("503", severity=_ALARM),
            Rule("proxy|envoy|upstream connect error", where="any"),
            Rule("proxy|envoy|behind|upstream", where="first"),
        ),
        never=(_RESTART, Rule("credential|password", where="first")),
        first="payments|503|proxy|gateway",
    ),
    "disk_filled_by_its_own_log": Expected(
        source="zalando-stups/taupage#128",
        right="The program's own debug log fills its disk, and then its uploads fail: rotate or truncate the "
        "log, and lower its level. A deleted file that is open keeps its room.",
        must=(
            Rule("no space|disk|full", severity=_ALARM),
            Rule("debug\\.log|log file|log of the program", where="any"),
        ),
        never=(_RESTART, _DELETE),
        first="disk|space|full",
    ),
    "starts_again_and_again_in_silence": Expected(
        source="benoitc/gunicorn#2215",
        right="The program starts each half minute and says nothing at its ends, so something kills it: look "
        "for the exit status, or the kernel's kill.",
        must=(
            Rule("start(s|ed)", severity=_ALARM),
            Rule("kill|exit (code|status)|memory|signal", where="any"),
        ),
        never=(_RESTART, Rule("nothing unusual")),
        first="restart|start",
    ),
    "certificate_of_a_partner_ends_in_two_days": Expected(
        right="The partner's certificate is valid for two days more: have it renewed now. No request fails.",
        must=(Rule("certificate", severity=_ALARM), Rule("2 days|1 day|4\\d h", where="any")),
        never=(Rule("expired", where="any"), _RESTART),
    ),
    "planned_restart_of_a_cache_is_over": Expected(
        right="Redis was stopped in good order and started again a minute ago; the program met two refusals "
        "and is well since: nothing is left to do.",
        must=(Rule("restart|started", where="any"),),
        never=(_CRITICAL, _RESTART),
    ),
}


def _now(error: Exception, name: str = "orders.store") -> str:
    kind = f"{type(error).__module__}.{type(error).__name__}"
    return f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR {name} {kind}: {' '.join(str(error).split())}"


def _note(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(f"{text}\n")


def _served(world: World, log: Path, *, least: int = 0) -> None:
    until(lambda: len(log.read_text().splitlines()) >= least, 60)
    world.application(log, needs=("basket-cache",))


def monitor_left_on_in_a_cache(world: World) -> Over | None:
    server = world.redis("--maxmemory", "60mb", "--maxmemory-policy", "allkeys-lru")
    client = server.client()
    for number in range(20_000):
        client.set(f"product:{number}", "v" * 1000)
    log = world.log("orders", _merged(list(_healthy())))
    with redis_service.deaf(server, b"CLIENT SETNAME debug-shell", b"MONITOR"):

        def ask() -> None:
            pipe = client.pipeline(transaction=False)
            for number in range(200):
                pipe.set(f"product:{number}", "v" * 1000)
                pipe.get(f"product:{number + 10_000}")
            pipe.execute()

        world.meanwhile(ask, again_seconds=0.02)
        until(lambda: server.client().info("stats")["evicted_keys"] > 4000, 90)
        world.cache(server)
        world.application(log, needs=("basket-cache",))
        world.examine()
    return None


def idle_connections_end_before_the_pool_notices(world: World) -> Over | None:
    server = world.redis("--timeout", "1")
    log = world.log("orders", [])
    world.cache(server)

    def ask() -> None:
        held = redis.Connection(port=server.port, retry=_ONCE)
        held.connect()
        time.sleep(2.5)
        try:
            held.send_command("GET", "basket:1", check_health=False)
            held.read_response()
        except (redis.RedisError, OSError) as error:
            _note(log, _now(error))

    for _ in range(8):
        world.meanwhile(ask, again_seconds=0.1)
    time.sleep(75)  # by then clients would have come back to a server that was restarted
    _served(world, log, least=30)
    world.examine()
    return None


def _under(world: World, *command: str, **more: object) -> Server:
    """Return a Redis that another program starts."""
    port = free_port()
    folder = world.folder / "cache"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    log = (folder / "log").open("ab")
    where = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
    process = world.program(*command, binary("redis"), *where, stdout=log, stderr=log, **more)
    server = Server(process, port, folder)
    until(lambda: "Ready to accept" in server.log)
    return server


def fewer_clients_than_configured(world: World) -> Over | None:
    server = _under(world, "prlimit", "--nofile=96:96", user="nobody")
    log = world.log("orders", [])
    held: list[redis.Redis] = []

    def ask() -> None:
        client = redis.Redis(port=server.port, client_name="orders", retry=_ONCE, socket_timeout=2)
        try:
            client.ping()
            held.append(client)
        except redis.RedisError as error:
            _note(log, _now(error))

    for _ in range(70):
        ask()
    held.pop().close()
    for _ in range(30):
        ask()
        time.sleep(0.1)
    held.pop().close()
    time.sleep(0.5)
    world.cache(server)
    _served(world, log, least=20)
    world.examine()
    return None


def results_that_never_expire(world: World) -> Over | None:
    server = world.redis("--maxmemory", "30mb", "--maxmemory-policy", "noeviction")
    client = server.client()
    for number in range(40):
        client.lpush("celery", f'{{"id": {number}}}')
        client.set(f"session:{number}", "v", ex=3600)
    log = world.log("worker", [])

    def store() -> None:
        try:
            pipe = client.pipeline(transaction=False)
            for _ in range(50):
                pipe.set(f"celery-task-meta-{os.urandom(8).hex()}", '{"status": "SUCCESS"}' + "x" * 900)
            pipe.execute()
        except redis.RedisError as error:
            _note(log, _now(error, "celery.backends.redis"))

    world.meanwhile(store, again_seconds=0.05)
    until(lambda: len(log.read_text().splitlines()) >= 30, 90)
    world.cache(server)
    world.application(log, "worker", needs=("basket-cache",))
    world.examine()
    return None


def a_set_of_millions_is_deleted(world: World) -> Over | None:
    server = world.redis()
    job, client = server.client(socket_timeout=60), server.client(socket_timeout=0.2, retry=_ONCE)
    log = world.log("orders", [])
    script = "for i = 1, 200000 do redis.call('SADD', KEYS[1], 'member:' .. ARGV[1] .. ':' .. i) end"
    for number in range(3):
        for part in range(7):
            job.eval(script, 1, f"import:{number}", part)
    job.execute_command("SLOWLOG", "RESET")

    def ask() -> None:
        try:
            client.get("basket:1")
        except redis.RedisError as error:
            _note(log, _now(error))

    for _ in range(6):
        world.meanwhile(ask, again_seconds=0.03)
    for number in range(3):
        job.delete(f"import:{number}")
        time.sleep(1.5)
    world.cache(server)
    _served(world, log)
    world.examine()
    return None


def dump_killed_by_a_signal(world: World) -> Over | None:
    server = world.redis()
    client = server.client()
    for number in range(2000):
        client.set(f"basket:{number}", os.urandom(10_000))
    client.config_set("rdb-key-save-delay", "2000")
    client.config_set("save", "1 1")
    log = world.log("orders", [])
    parent = psutil.Process(server.process.pid)

    def work() -> None:
        for child in parent.children():
            with suppress(psutil.Error):
                child.send_signal(signal.SIGKILL)
        try:
            client.set("basket:1", "v")
        except redis.RedisError as error:
            _note(log, _now(error))

    world.meanwhile(work, again_seconds=0.3)
    world.cache(server)
    _served(world, log, least=20)
    world.examine()
    return None


def plain_clients_of_a_tls_port(world: World) -> Over | None:
    authority = Authority(world.folder)
    leaf = authority.ca.issue_cert("localhost", "127.0.0.1", not_after=NOW + 90 * DAY)
    for name, part in (("key", leaf.private_key_pem), ("cert", leaf.cert_chain_pems[0])):
        part.write_to_path(world.folder / f"{name}.pem")
    port = free_port()
    folder = world.folder / "cache"
    folder.mkdir()
    log = (folder / "log").open("ab")
    world.program(
        binary("redis"), "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--tls-cert-file", str(world.folder / "cert.pem"), "--tls-key-file", str(world.folder / "key.pem"),
        "--tls-ca-cert-file", str(authority.path), "--tls-auth-clients", "no", "--save", "",
        stdout=log, stderr=log,
    )  # fmt: skip
    until(lambda: "Ready to accept" in (folder / "log").read_text())
    world.secret("basket-cache", f"rediss://localhost:{port}")
    more = (f'log = "{folder}/log"', f'ca = "file:{authority.path}"')
    world.service("basket-cache", "redis", 'url = "env:LOGIN_BASKET_CACHE"', *more)
    refused = world.log("orders", [])

    def ask() -> None:
        try:
            redis.Redis(port=port, retry=_ONCE, socket_timeout=2).get("basket:1")
        except redis.RedisError as error:
            _note(refused, _now(error))

    world.meanwhile(ask, again_seconds=0.2)
    _served(world, refused, least=20)
    world.examine()
    return None


def pool_of_the_program_is_too_small(world: World) -> Over | None:
    server = world.redis()
    pool = redis.ConnectionPool(port=server.port, max_connections=10, client_name="orders")
    client = redis.Redis(connection_pool=pool, retry=_ONCE)
    log = world.log("orders", [])
    for number in range(10):
        world.meanwhile(lambda number=number: client.blpop([f"jobs:{number}"], timeout=0))
    until(lambda: server.client().info("clients")["blocked_clients"] == 10)

    def ask() -> None:
        try:
            client.get("basket:1")
        except redis.RedisError as error:
            _note(log, _now(error))

    world.meanwhile(ask, again_seconds=0.2)
    world.cache(server)
    _served(world, log, least=20)
    world.examine()
    return None


_PROGRAM = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def one_of_two_upstreams_is_gone(world: World) -> Over | None:
    alive, gone = free_port(), 8099
    world.program(sys.executable, "-c", _PROGRAM, str(alive))
    time.sleep(1)
    conf = world.folder / "more.conf"
    conf.write_text(
        f"upstream orders {{ server 127.0.0.1:{alive}; server 127.0.0.1:{gone} fail_timeout=1s; }}\n"
    )
    nginx = _WithUpstream(world, "proxy_pass http://orders;")
    world.meanwhile(lambda: nginx.status("/orders"), again_seconds=0.05)
    until(lambda: nginx.log.read_text().count("Connection refused") >= 12, 60)
    nginx.configure(world, "/")
    world.examine()
    return None


class _WithUpstream(Nginx):
    """With more.conf in its http block."""

    def write(self, *lines: str) -> None:
        super().write(*lines)
        conf = self._conf.read_text()
        more = self._conf.with_name("more.conf")
        self._conf.write_text(conf.replace("http {", f"http {{ include {more};", 1))


_RESET = (
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, "
    "transport failure reason: delayed connect error: 111"
)


def a_proxy_answers_for_the_partner(world: World) -> Over | None:
    headers = ("Server: envoy", "Content-Type: text/plain")
    with serve(http(_RESET, "503 Service Unavailable", headers)) as port:
        world.dependency("payments", f"http://127.0.0.1:{port}/health")
        lines = [
            line
            for number in range(60)
            for at in (ago(300 - number * 5),)
            for line in (
                (at, f"{at:%Y-%m-%dT%H:%M:%SZ} ERROR orders.pay charge failed: 503 {_RESET}"),
                (at, _combined(at, "/checkout", 502)),
            )
        ]
        world.application(world.log("orders", _merged(list(_healthy()), lines)), needs=("payments",))
        world.examine()
    return None


def disk_filled_by_its_own_log(world: World) -> Over | None:
    place = world.file_system("srv", "size=48m")
    log = place / "debug.log"
    with suppress(OSError), log.open("w") as file:
        for number in range(600_000):
            at = f"{ago(max(0.0, 600 - number / 1000)):%Y-%m-%dT%H:%M:%SZ}"
            file.write(f"{at} DEBUG orders.cache looked up product {number}, hit, took 0.2 ms, {'x' * 40}\n")
    refused = []
    for number in range(40):
        try:
            (place / f"upload-{number}").write_bytes(b"x" * 20_000)
        except OSError as error:
            refused.append(f"{ago(40 - number):%Y-%m-%dT%H:%M:%SZ} ERROR orders.upload OSError: {error}")
    world.application(world.log("orders", refused))
    world.host(place)
    world.examine()
    return None


def starts_again_and_again_in_silence(world: World) -> Over | None:
    lines = []
    for number in range(24):
        at = ago(720 - number * 30)
        zone = f"[{at:%Y-%m-%d %H:%M:%S} +0000] [{7 + number * 5}] [INFO]"
        lines += [
            (at, f"{zone} Starting gunicorn 22.0.0"),
            (at, f"{zone} Listening at: http://127.0.0.1:8002 ({7 + number * 5})"),
            (at, f"{zone} Using worker: sync"),
            (at, f"{zone} Booting worker with pid: {9 + number * 5}"),
        ]
        for second in range(2, 26, 3):
            then = ago(720 - number * 30 - second)
            lines.append((then, _combined(then, "/orders", 200)))
    world.application(world.log("orders", _merged(lines)))
    world.examine()
    return None


def certificate_of_a_partner_ends_in_two_days(world: World) -> Over | None:
    authority = Authority(world.folder)
    context = authority.context("localhost", not_before=NOW - 88 * DAY, not_after=NOW + 2 * DAY)
    with serve(http("ok"), context=context) as port:
        ca = f'ca = "file:{authority.path}"'
        world.dependency("payments", f"https://localhost:{port}/", ca)
        world.application(world.log("orders", _merged(list(_healthy()))), needs=("payments",))
        world.examine()
    return None


def planned_restart_of_a_cache_is_over(world: World) -> Over | None:
    server = _under(world)
    log = world.log("orders", [])

    def ask() -> None:
        try:
            redis.Redis(port=server.port, retry=_ONCE).get("basket:1")
            at = ago(0)
            _note(log, _combined(at, "/orders", 200))
        except redis.RedisError as error:
            _note(log, _now(error))

    world.meanwhile(ask, again_seconds=0.5)
    time.sleep(20)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(10)
    time.sleep(1)
    again = (server.directory / "log").open("ab")
    where = ("--port", str(server.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(server.directory))
    world.program(binary("redis"), *where, stdout=again, stderr=subprocess.STDOUT)
    time.sleep(75)
    world.cache(server)
    _served(world, log)
    world.examine()
    return None
