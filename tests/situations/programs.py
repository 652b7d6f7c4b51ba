"""What stands in the logs of nginx, gunicorn, uvicorn and applications, as plain processes without Docker."""

import json
import random
import time
from collections.abc import Iterator
from datetime import datetime

from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago

_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "nginx_has_no_connections_left": Expected(
        source="medic/cht-core#2885",
        right="nginx has used up its worker_connections; raise them, and find what holds them.",
        must=(Rule("worker_connections"),),
        first="worker_connections|connection|limit",
    ),
    "nginx_keeps_an_old_address": Expected(
        source="NginxProxyManager/nginx-proxy-manager#5602",
        right="The upstream got another address when it was made anew; nginx resolved it once: reload.",
        must=(Rule("172\\.18\\.0\\.5|upstream"), Rule("reload|resolve|address", where="hypothesis")),
    ),
    "uploads_over_the_limit": Expected(
        right="A client sends bodies over client_max_body_size: 413 is the right answer, no outage.",
        must=(Rule("413|too large|client_max_body_size"),),
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
    ),
    "workers_hang_in_an_outside_api": Expected(
        source="benoitc/gunicorn#1655",
        right="Workers hang in requests.get to the shipping API without a timeout; gunicorn kills them.",
        must=(Rule("worker", severity=_ALARM), Rule("shipping|outside|dependency|requests|time-?out")),
        never=(Rule("out of memory|more memory", where="first"),),
    ),
    "port_is_taken_at_start": Expected(
        right="The program cannot start because its port is taken by another process.",
        must=(Rule("already in use|port .*(taken|used)"),),
        never=(Rule("^restart", where="first"),),
    ),
    "a_dependency_missing_from_the_image": Expected(
        right="A deployment lacks a Python package: the workers cannot boot.",
        must=(Rule("No module named|ModuleNotFoundError"),),
        first="deploy|crash|boot|start|import|module",
    ),
    "outside_api_limits_us": Expected(
        right="The outside API answers 429: we are over its rate limit; fewer calls, back off.",
        must=(Rule("429|rate limit|too many requests"),),
        never=(Rule("is down", where="hypothesis"),),
        first="429|rate|limit|dependency|many requests",
    ),
    "no_inodes_left": Expected(
        right="The file system has room but no inodes left: remove small files.",
        must=(Rule("inode"),),
        never=(Rule("0 (bytes|B) free"),),
        first="inode|disk",
    ),
    "expired_session_of_a_cloud": Expected(
        right="The temporary credentials for the object store expired.",
        must=(Rule("expired|ExpiredToken"),),
        never=(Rule("certificate", where="first"),),
        first="credential|token|expired|login",
    ),
    "scanners_from_the_internet": Expected(
        right="Robots ask for pages that never were, and get 404: nothing is wrong.", first=""
    ),
    "a_graceful_deploy": Expected(
        right="gunicorn was reloaded: old workers end, new ones boot: nothing is wrong.", first=""
    ),
    "declined_cards": Expected(
        right="Errors that belong to the business, at the same rate as all the time: no outage.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
}
_CHARGES = "https://api.pay.example/v1/charges"
_PATHS = ("/", "/orders", "/orders/17", "/basket", "/search?q=tea")


def _combined(moment: datetime, path: str, status: int, *, agent: str = "Mozilla/5.0") -> str:
    client, size, took = random.randint(1, 200), random.randint(200, 5000), random.randint(10, 60)
    when = f"{moment:%d/%b/%Y:%H:%M:%S +0000}"
    request = f'"GET {path} HTTP/1.1" {status} {size} "-" "{agent}" 0.0{took}'
    return f"203.0.113.{client} - - [{when}] {request}"


def _nginx_error(
    moment: datetime, text: str, request: str, *, level: str = "error", upstream: str = ""
) -> str:
    behind = f', upstream: "http://{upstream}{request.split()[1]}"' if upstream else ""
    where = f'client: 203.0.113.9, server: shop.example, request: "{request} HTTP/1.1"{behind}'
    number = random.randint(900, 99999)
    return f'{moment:%Y/%m/%d %H:%M:%S} [{level}] 1161#1161: *{number} {text}, {where}, host: "shop.example"'


def _healthy(seconds: int = 840, each: float = 2.0) -> Iterator[tuple[datetime, str]]:
    moment = float(seconds)
    while moment > 0:
        at = ago(moment)
        yield at, _combined(at, random.choice(_PATHS), 200)
        moment -= each


def _merged(*parts: list[tuple[datetime, str]]) -> list[str]:
    return [line for _, line in sorted((each for part in parts for each in part), key=lambda each: each[0])]


def nginx_has_no_connections_left(world: World) -> Over | None:
    text = "1024 worker_connections are not enough while connecting to upstream"
    bad = []
    for number in range(120):
        at = ago(180 - number * 1.5)
        line = _nginx_error(at, text, "GET /orders", level="alert", upstream="127.0.0.1:8088")
        bad += [(at, _combined(at, "/orders", 500)), (at, line)]
    world.application(world.log("web", _merged(list(_healthy()), bad)), "web")
    world.examine()
    return None


def nginx_keeps_an_old_address(world: World) -> Over | None:
    text = "connect() failed (113: No route to host) while connecting to upstream"
    bad = []
    for number in range(150):
        at = ago(200 - number * 1.3)
        line = _nginx_error(at, text, "GET /orders", upstream="172.18.0.5:8000")
        bad += [(at, _combined(at, "/orders", 502)), (at, line)]
    before = [each for each in _healthy() if each[0] < ago(205)]
    world.application(world.log("web", _merged(before, bad)), "web")
    world.examine()
    return None


def uploads_over_the_limit(world: World) -> Over | None:
    bad = []
    for number in range(20):
        at = ago(600 - number * 28)
        line = _nginx_error(at, "client intended to send too large body: 20971520 bytes", "POST /upload")
        bad += [(at, _combined(at, "/upload", 413)), (at, line)]
    world.application(world.log("web", _merged(list(_healthy()), bad)), "web")
    world.examine()
    return None


_HANGING = """\
Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.11/site-packages/gunicorn/workers/sync.py", line 135, in handle
    self.handle_request(listener, req, client, addr)
  File "/srv/app/orders/shipping.py", line 41, in quote
    return requests.get(SHIPPING_URL, params=params).json()
  File "/usr/lib/python3.11/ssl.py", line 1134, in read
    return self._sslobj.read(len, buffer)
  File "/srv/app/.venv/lib/python3.11/site-packages/gunicorn/workers/base.py", line 204, in handle_abort
    sys.exit(1)
SystemExit: 1"""


def workers_hang_in_an_outside_api(world: World) -> Over | None:
    lines = []
    for number in range(12):
        at = f"[{ago(400 - number * 31):%Y-%m-%d %H:%M:%S +0000}]"
        lines += [
            f"{at} [7] [CRITICAL] WORKER TIMEOUT (pid:{100 + number})",
            f"{at} [{100 + number}] [ERROR] Error handling request /orders/{number}/shipping",
            *_HANGING.splitlines(),
            f"{at} [{100 + number}] [INFO] Worker exiting (pid: {100 + number})",
            f"{at} [{200 + number}] [INFO] Booting worker with pid: {200 + number}",
        ]
    world.application(world.log("orders", lines))
    world.examine()
    return None


_TAKEN = (
    "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use"
)


def port_is_taken_at_start(world: World) -> Over | None:
    lines = []
    for number in range(8):
        pid = 300 + number
        lines += [
            f"INFO:     Started server process [{pid}]",
            "INFO:     Waiting for application startup.",
            "INFO:     Application startup complete.",
            _TAKEN,
            "INFO:     Waiting for application shutdown.",
            "INFO:     Application shutdown complete.",
        ]
    world.ended(world.log("orders", lines))
    world.examine()
    return None


_BOOT = """\
Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.11/site-packages/gunicorn/arbiter.py", line 609, in spawn_worker
    worker.init_process()
  File "/srv/app/orders/main.py", line 4, in <module>
    import orjson
ModuleNotFoundError: No module named 'orjson'"""


def a_dependency_missing_from_the_image(world: World) -> Over | None:
    lines = []
    for number in range(6):
        at, pid = f"[{ago(200 - number * 33):%Y-%m-%d %H:%M:%S +0000}]", 400 + number * 10
        lines += [
            f"{at} [{pid}] [INFO] Starting gunicorn 22.0.0",
            f"{at} [{pid}] [INFO] Listening at: http://0.0.0.0:8000 ({pid})",
            f"{at} [{pid + 1}] [INFO] Booting worker with pid: {pid + 1}",
            f"{at} [{pid + 1}] [ERROR] Exception in worker process",
            *_BOOT.splitlines(),
            f"{at} [{pid + 1}] [INFO] Worker exiting (pid: {pid + 1})",
            f"{at} [{pid}] [ERROR] Worker (pid:{pid + 1}) exited with code 3",
            f"{at} [{pid}] [ERROR] Shutting down: Master",
            f"{at} [{pid}] [ERROR] Reason: Worker failed to boot.",
        ]
    world.ended(world.log("orders", lines))
    world.examine()
    return None


def outside_api_limits_us(world: World) -> Over | None:
    lines = []
    for number in range(400):
        at = f"{ago(600 - number * 1.5):%Y-%m-%dT%H:%M:%SZ}"
        status = 502 if number > 200 else 200
        lines.append(
            json.dumps(
                {"timestamp": at, "level": "info", "path": "/checkout", "status": status, "duration_ms": 37}
            )
        )
        if number > 200:
            error = "requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: " + _CHARGES
            fields = {"timestamp": at, "level": "error", "event": "charge failed", "exception": error}
            lines.append(json.dumps(fields))
    world.application(world.log("checkout", lines), "checkout")
    world.examine()
    return None


def no_inodes_left(world: World) -> Over | None:
    place = world.file_system("spool", "size=64m,nr_inodes=300")
    lines = []
    for number in range(400):
        try:
            (place / f"mail-{number}").write_text("x")
        except OSError as error:
            lines.append(f"{ago(0):%Y-%m-%dT%H:%M:%SZ} ERROR spool: OSError: {error}")
            time.sleep(0.02)
    world.application(world.log("mailer", lines), "mailer")
    world.host(place)
    world.examine()
    return None


def expired_session_of_a_cloud(world: World) -> Over | None:
    lines = []
    for number in range(300):
        at = ago(600 - number * 2)
        if number < 180:
            lines.append(f"{at:%Y-%m-%dT%H:%M:%SZ} INFO exporter: uploaded report-{number}.csv in 0.2s")
        else:
            lines.append(
                f"{at:%Y-%m-%dT%H:%M:%SZ} ERROR exporter: botocore.exceptions.ClientError: An error occurred "
                "(ExpiredToken) when calling the PutObject operation: The provided token has expired."
            )
    world.application(world.log("exporter", lines), "exporter")
    world.examine()
    return None


def scanners_from_the_internet(world: World) -> Over | None:
    bad = []
    for number in range(60):
        at = ago(800 - number * 12)
        path = random.choice(("/wp-login.php", "/.env", "/phpmyadmin/", "/.git/config", "/cgi-bin/luci"))
        bad.append((at, _combined(at, path, 404, agent="zgrab/0.x")))
    world.application(world.log("web", _merged(list(_healthy()), bad)), "web")
    world.examine()
    return None


def a_graceful_deploy(world: World) -> Over | None:
    at = f"[{ago(120):%Y-%m-%d %H:%M:%S +0000}]"
    reload = [f"{at} [7] [INFO] Handling signal: hup", f"{at} [7] [INFO] Hang up: Master"]
    reload += [f"{at} [{20 + n}] [INFO] Booting worker with pid: {20 + n}" for n in range(4)]
    reload += [f"{at} [{10 + n}] [INFO] Worker exiting (pid: {10 + n})" for n in range(4)]
    before = [line for moment, line in _healthy() if moment < ago(121)]
    after = [line for moment, line in _healthy() if moment > ago(119)]
    world.application(world.log("orders", [*before, *reload, *after]))
    world.examine()
    return None


def declined_cards(world: World) -> Over | None:
    bad = []
    for number in range(28):
        at = ago(840 - number * 30)
        bad.append(
            (at, f"{at:%Y-%m-%d %H:%M:%S} ERROR checkout: card declined (insufficient_funds) order={number}")
        )
    world.application(world.log("checkout", _merged(list(_healthy()), bad)), "checkout")
    world.examine()
    return None
