"""What is over, what is of another day, and what is of a test."""

import random
import time
from datetime import datetime

import psycopg

from tests.integration.network_service import Authority, free_port, http, serve
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, ago, is_blocked, until

_ALARM = ("CRITICAL", "WARNING")
_OVER = Rule("\\bover\\b|recover|well (again )?since|no longer|until \\d|ended|stopped|last seen")
EXPECTED = {
    "connections_ran_out_and_are_back": Expected(
        right="The database had no free connections for three minutes and has them again since six: over.",
        must=(_OVER,),
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "resolver_failed_and_is_back": Expected(
        right="Names did not resolve for two minutes, and do again since six: over.",
        must=(_OVER,),
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "errors_of_yesterday": Expected(
        right="The log holds an outage of yesterday; today all is well.",
        never=(Rule(".", where="finding", severity=_ALARM),),
        first="",
    ),
    "errors_of_a_test_database": Expected(
        right="A test suite runs against shop_test on the same server and expects its errors; shop is well.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
    "trust_store_of_the_application": Expected(
        source="certifi/python-certifi#194",
        right="The application's own list of authorities is too old; the partner's certificate verifies from "
        "here, and renewing it would not help.",
        must=(
            Rule("issuer|authorit|trust|CA\\b"),
            Rule("verif|valid|from (here|this machine)", where="finding", severity=("OK", "INFO")),
        ),
        never=(Rule("renew", where="first"), Rule("has expired|partner is down", where="hypothesis")),
        first="trust|tls|certificate|authorit",
    ),
    "login_that_sees_little": Expected(
        right="The workbench's role has no pg_monitor: that five sessions wait for one is seen, what "
        "that one does is not. It may not end it either, so that is not offered.",
        must=(Rule("pg_monitor|privilege"), Rule("wait|block", severity=_ALARM, where="finding")),
        never=(
            Rule(
                "no session (waits|is blocked)|nothing (waits|is blocked)", where="finding", severity=("OK",)
            ),
            Rule("postgres\\.(cancel|terminate)", where="action"),
        ),
    ),
    "everything_refused_at_once": Expected(
        right="Fifteen of sixteen services were gone in one moment: one event, of what they have in common.",
        must=(Rule("(15|fifteen) (of|services|targets)|most |all (but|of)", where="hypothesis"),),
        first="once|most|host|common|machine|(15|14) ",
    ),
    "file_table_of_the_workbench_is_full": Expected(
        right="The workbench itself may open very few files: it answers all the same, and blames no target.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
}


def _line(moment: datetime, status: int) -> str:
    path, took = random.choice(("/", "/orders", "/orders/17", "/basket")), random.randint(10, 60)
    when = f"{moment:%d/%b/%Y:%H:%M:%S +0000}"
    return f'203.0.113.9 - - [{when}] "GET {path} HTTP/1.1" {status} 812 "-" "Mozilla/5.0" 0.0{took}'


def _spell(error: str, *, of: tuple[float, float], seconds: float = 840) -> list[str]:
    """Return a log with a request a second, which failed between two moments before now."""
    lines = []
    moment = seconds
    while moment > 0:
        at = ago(moment)
        fails = of[0] >= moment > of[1]
        if fails:
            lines.append(f"{at:%Y-%m-%d %H:%M:%S,000} ERROR [orders.store] {error}")
        lines.append(_line(at, 500 if fails else 200))
        moment -= 1
    return lines


def connections_ran_out_and_are_back(world: World) -> Over | None:
    server = world.postgres(max_connections=20)
    held = []
    error = ""
    while not error:
        try:
            held.append(server.connect("app", application_name="orders-api"))
        except psycopg.OperationalError as refused:
            error = str(refused).strip().replace("\n", " ")
    for connection in held[4:]:
        connection.close()
    log = server.data / "log"
    spell = [
        f"{ago(540 - second):%Y-%m-%d %H:%M:%S.000 UTC} [{700 + second}] app@shop FATAL:  sorry, "
        "too many clients already"
        for second in range(180)
    ]
    text = "".join(line for line in log.read_text().splitlines(keepends=True) if "FATAL" not in line)
    log.write_text("\n".join(spell) + "\n" + text)
    world.database(server)
    lines = _spell(f"psycopg.OperationalError: {error}", of=(540, 360))
    world.application(world.log("orders", lines), needs=("orders-db",))
    world.examine()
    for connection in held[:4]:
        connection.close()
    return None


def resolver_failed_and_is_back(world: World) -> Over | None:
    error = "socket.gaierror: [Errno -3] Temporary failure in name resolution: localhost"
    world.dependency("payments", "dns://localhost")
    world.application(world.log("orders", _spell(error, of=(480, 360))), needs=("payments",))
    world.examine()
    return None


def errors_of_yesterday(world: World) -> Over | None:
    day = 86_400
    error = "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused."
    lines = []
    for number in range(600):
        at = ago(day + 7200 - number)
        lines += [f"{at:%Y-%m-%d %H:%M:%S,000} ERROR [orders.basket] {error}", _line(at, 500)]
    lines += [_line(ago(840 - number), 200) for number in range(840)]
    world.application(world.log("orders", lines))
    world.examine()
    return None


def errors_of_a_test_database(world: World) -> Over | None:
    server = world.postgres()
    with server.connect() as connection:
        connection.execute("CREATE DATABASE shop_test OWNER app")
    with server.connect("app", "shop_test", application_name="pytest") as connection:
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY)")
        connection.execute("INSERT INTO orders VALUES (1)")
    for _ in range(40):
        with server.connect("app", "shop_test", application_name="pytest") as connection:
            for statement in ("INSERT INTO orders VALUES (1)", "SELECT * FROM nothing", "SELECT 1 / 0"):
                try:
                    connection.execute(statement)
                except psycopg.Error:
                    continue
    world.database(server)
    world.application(
        world.log("orders", [_line(ago(840 - n), 200) for n in range(840)]), needs=("orders-db",)
    )
    world.examine()
    return None


def trust_store_of_the_application(world: World) -> Over | None:
    authority = Authority(world.folder)
    with serve(http("ok"), context=authority.context("localhost"), host="127.0.0.1") as port:
        reason = (
            "(Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
            "verify failed: unable to get local issuer certificate (_ssl.c:992)')))"
        )
        error = (
            f"requests.exceptions.SSLError: HTTPSConnectionPool(host='localhost', port={port}): "
            f"Max retries exceeded with url: /v1/charges {reason}"
        )
        world.dependency("payments", f"https://localhost:{port}/", f'ca = "file:{authority.path}"')
        world.application(world.log("orders", _spell(error, of=(400, 0))), needs=("payments",))
        world.examine()
    return None


def login_that_sees_little(world: World) -> Over | None:
    server = world.postgres()
    with server.connect("app") as connection:
        connection.execute("CREATE TABLE stock (id int PRIMARY KEY, left_count int)")
        connection.execute("INSERT INTO stock SELECT n, 9 FROM generate_series(1, 50) n")
    holder = world.hold(server, autocommit=False, application_name="backfill")
    holder.execute("UPDATE stock SET left_count = 5 WHERE id = 7")
    statement = "UPDATE stock SET left_count = left_count - 1 WHERE id = 7"
    for _ in range(5):
        writer = world.hold(server, application_name="orders-api")
        world.meanwhile(lambda writer=writer: writer.execute(statement))  # type: ignore[misc]
    until(lambda: is_blocked(server, 5))
    time.sleep(12)
    world.database(server, login=server.dsn("plain"))
    world.examine()
    return None


def everything_refused_at_once(world: World) -> Over | None:
    log = [_line(ago(840 - n), 200) for n in range(700)]
    for number in range(15):
        port = f'url = "http://127.0.0.1:{free_port()}"'
        path = world.log(f"service-{number}", log)
        world.service(f"service-{number}", "http", port, 'health = ["/"]', f'log = "{path}"')
    with serve(http("ok")) as port:
        world.service("status-page", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
        world.examine()
    return None


def file_table_of_the_workbench_is_full(world: World) -> Over | None:
    world.database(world.postgres())
    world.cache(world.redis())
    with serve(http("ok")) as port:
        world.service("web", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
        world.application(world.log("orders", [_line(ago(840 - n), 200) for n in range(840)]))
        world.examine(under=("prlimit", "--nofile=16"))
    return None
