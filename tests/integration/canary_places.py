"""A real stack with a secret in every place that the workbench reads, and a configuration that names it."""

import json
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import psycopg
import redis
import trustme

from incident_lib import clock
from tests import services
from tests.integration import docker_service, network_service, postgres_service, redis_service
from tests.integration.canary_values import SHAPES, Canaries

_SQL = (
    "sql password",
    "sql mapping",
    "sql where",
    "conninfo",
    "dsn",
    "jwt",
    "github",
    "json",
    "bearer",
    "key=value",
)
_COMMAND = ("option", "psql", "redis-cli", "mysql", "curl", "docker login", "url user", "dsn", "environment")
_HEADERS = ("bearer", "basic", "header", "set-cookie", "cookie")
_HOST = '[[host]]\nname = "machine"\n'
# As many sessions as the server has room for, each with one statement.
_SESSIONS = 16


@dataclass
class Stack:
    """Where the planted stack is, as the commands need it."""

    folder: Path  # where the commands are typed, and all that they write is
    given: Path  # what was there before, with the secrets in it
    config: Path
    broken: Path  # a configuration whose every target fails, with a secret in what failed
    environment: dict[str, str]
    canaries: Canaries
    values: dict[str, str] = field(default_factory=dict)  # what commands are given


@contextmanager
def planted(folder: Path, canaries: Canaries, engine: docker.DockerClient | None = None) -> Iterator[Stack]:
    """Yield the stack; everything it started is gone afterwards."""
    team, given = folder / "team", folder / "given"
    team.mkdir()
    given.mkdir()
    stack = Stack(team, given, given / "workbench.toml", given / "broken.toml", {}, canaries)
    with ExitStack() as ending:
        parts = [
            _log_files(stack),
            _http(stack, ending),
            _postgres(stack, ending),
            _redis(stack, ending),
            _process(stack, ending),
            _certificate(stack, ending),
            _deploys(stack),
            _own_probes(stack),
            _notify(stack),
        ]
        if engine:
            parts.append(_container(stack, ending, engine))
        stack.config.write_text(
            f'[workbench]\nincidents = "{team}/incidents"\nrunbooks = "{team}/runbooks"\n' + "\n".join(parts)
        )
        stack.broken.write_text(_broken(stack))
        yield stack


def _log_files(stack: Stack) -> str:
    """Application logs: plain lines, JSON lines, tracebacks and blocks over several lines."""
    c, now = stack.canaries, clock.now().isoformat()
    plain = [f"{now} ERROR shop.db cannot log in: {text}" for text in c.texts("plain log", one_line=True)]
    plain += [f"{now} ERROR shop.db failed\n{text}" for text in c.texts("plain log, over lines")]
    as_json = [
        json.dumps({"timestamp": now, "level": "ERROR", "logger": "shop", "message": text})
        for text in c.texts("JSON log")
    ]
    as_json += [
        json.dumps(
            {
                "timestamp": now,
                "level": "ERROR",
                "message": "refused",
                name: c.plant("JSON log field", name, Canaries.word),
            }
        )
        for name in ("password", "apiKey", "x-auth-token", "dbPass", "client_secret")
    ]
    access = [
        f'10.0.0.7 - - [{clock.now():%d/%b/%Y:%H:%M:%S +0000}] "GET /orders?{query} HTTP/1.1" 500 12'
        for query in c.texts("access log", ("access query",))
    ]
    (stack.given / "plain.log").write_text("\n".join([*plain, *access]) + "\n")
    (stack.given / "json.log").write_text("\n".join(as_json) + "\n")
    services_of = [
        f'[[service]]\nname = "{name}"\nkind = "process"\nlog = "{name}.log"\n' for name in ("plain", "json")
    ]
    return "\n".join(services_of)


def _http(stack: Stack, ending: ExitStack) -> str:
    c, table = stack.canaries, {}
    for name in SHAPES:
        (text,) = c.texts("HTTP body", (name,))
        table[f"/text/{len(table)}"] = network_service.http(text, "503 Service Unavailable")
    (detail,) = c.texts("HTTP readiness", ("dsn",))
    table["/ready"] = network_service.http(
        json.dumps(
            {
                "status": "fail",
                "checks": {"db": {"status": "down", "error": detail}},
                "token": c.plant("HTTP readiness", "field", Canaries.word),
            }
        ),
        "503 Service Unavailable",
    )
    headers = tuple(c.texts("HTTP header", _HEADERS))
    table["/headers"] = network_service.http("no", "500 Internal Server Error", headers)
    query = c.plant("HTTP redirect", "query", lambda c: f"access_token={c.word()}")
    table["/redirect"] = network_service.http(
        "",
        "302 Found",
        (
            f"Location: /login?{query}",
            f"Location: https://app:{c.plant('HTTP redirect', 'user', Canaries.word)}@x/",
        ),
    )
    reason = c.plant("HTTP reason", "key=value", lambda c: f"500 password={c.word()}")
    table["/reason"] = network_service.http("", reason)
    page = c.texts("HTTP page", ("html", "dsn", "json"))
    table["/page"] = network_service.http(
        f"<html><body>{' '.join(page)}</body></html>", "500 Oops", ("Content-Type: text/html",)
    )
    port = ending.enter_context(network_service.serve(network_service.routes(table)))
    user = c.plant("URL of a service", "user", Canaries.word)
    stack.environment["CANARY_URL"] = f"http://app:{user}@127.0.0.1:{port}"
    paths = json.dumps([*table])
    return (
        f'[[service]]\nname = "backend"\nkind = "http"\nurl = "env:CANARY_URL"\nhealth = {paths}\n'
        'depends_on = ["db", "cache"]\npurpose = "orders"\n'
    )


def _postgres(stack: Stack, ending: ExitStack) -> str:
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    c = stack.canaries
    with_statements = [one for one in postgres_service.INSTALLATIONS if one.has_statements]
    conf = {
        "archive_mode": "on",
        "archive_command": c.plant("setting", "option", lambda c: f"false --password={c.word()}"),
        "primary_conninfo": c.plant(
            "setting", "conninfo", lambda c: f"host=db user=repl password={c.word()}"
        ),
        "cluster_name": c.plant("setting", "key=value", lambda c: f"token={c.word()}"),
        "log_min_duration_statement": 0,
    }
    server = ending.enter_context(
        postgres_service.running((with_statements or [*postgres_service.INSTALLATIONS])[-1], **conf)
    )
    known = c.plant("DSN of the configuration", "dsn", Canaries.word)
    admin = ending.enter_context(server.connect())
    admin.execute(f"ALTER ROLE workbench PASSWORD '{known}'")  # type: ignore[call-overload]
    stack.environment["CANARY_DSN"] = f"postgresql://workbench:{known}@127.0.0.1:{server.port}/shop"
    _statements(c, admin)
    for text in c.texts("activity", tuple(list(SHAPES)[: _SESSIONS // 2]) + _SQL[: _SESSIONS // 2]):
        name = c.plant("application name", "key=value", lambda c: f"app password={c.word()}")
        session = ending.enter_context(server.connect(application_name=name, autocommit=False))
        session.execute(f"SELECT 1 /* {text} */")  # type: ignore[call-overload]
    _locks(c, server, ending)
    log = server.data / "log"
    server.data.chmod(0o755)  # whoever runs the workbench reads the log
    ending.callback(server.data.chmod, 0o700)
    return f'[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:CANARY_DSN"\nlog = "{log}"\n'


def _statements(c: Canaries, admin: psycopg.Connection) -> None:
    """Statements that are kept: by pg_stat_statements, in the log, in the catalogue."""

    def run(text: str) -> None:
        with suppress(psycopg.Error):
            admin.execute(text)  # type: ignore[call-overload]

    for text in c.texts("statement"):
        run(f"DO $canary$BEGIN /* {text} */ END$canary$")
        run(f"SELECT 'x' || $1 /* {text} */")  # wrong: stands in the log as an error
    for make in (
        lambda c: f"ALTER ROLE plain PASSWORD '{c.word()}'",
        lambda c: f"CREATE ROLE canary LOGIN ENCRYPTED PASSWORD '{c.word()}'",
        lambda c: (
            f"CREATE SUBSCRIPTION canary CONNECTION 'host=127.0.0.1 port=1 password={c.word()}'"
            " PUBLICATION p WITH (connect = false)"
        ),
        lambda c: f"SET shop.api_key = '{c.word()}'",
        lambda c: f"SELECT set_config('shop.token', '{c.word()}', false)",
        lambda c: f"ALTER ROLE app SET shop.secret = '{c.word()}'",
        lambda c: f"ALTER DATABASE shop SET shop.secret = '{c.word()}'",
        lambda c: f"COMMENT ON ROLE app IS 'password: {c.word()}'",
        lambda c: f"SELECT 1 WHERE 'x' = 'y' AND 'postgresql://app:{c.word()}@db/shop' <> ''",
    ):
        run(c.plant("statement that keeps its literals", "sql", make))
    run("CREATE TABLE keys (api_token text PRIMARY KEY)")
    taken = c.plant("unique key", "sql detail", Canaries.word)
    for _ in range(2):  # as an application does it: the value stands in the detail of the error alone
        with suppress(psycopg.Error):
            admin.execute("INSERT INTO keys VALUES (%s)", (taken,))
    gid = c.plant("prepared transaction", "key=value", lambda c: f"token={c.word()}")
    run("BEGIN")
    run("INSERT INTO keys VALUES ('x')")
    run(f"PREPARE TRANSACTION '{gid}'")
    run("CREATE TABLE slow (id int, name text)")
    run("INSERT INTO slow VALUES (1)")


def _locks(c: Canaries, server: postgres_service.Server, ending: ExitStack) -> None:
    """A session that holds a lock and those that wait for it, each with its statement."""
    holder = ending.enter_context(server.connect(autocommit=False))
    (text,) = c.texts("lock, its holder", ("sql where",))
    holder.execute(f"UPDATE slow SET name = 'x' /* {text} */")  # type: ignore[call-overload]
    for text in c.texts("lock, who waits", ("sql password", "dsn", "bearer")):
        waiting = ending.enter_context(server.connect(application_name="waits"))

        def wait(connection: psycopg.Connection = waiting, text: str = text) -> None:
            with suppress(psycopg.Error):
                connection.execute(f"UPDATE slow SET name = 'y' /* {text} */")  # type: ignore[call-overload]

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        ending.callback(thread.join, 10)
        ending.callback(_cancel, waiting)


def _cancel(connection: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        connection.cancel()


def _redis(stack: Stack, ending: ExitStack) -> str:
    c = stack.canaries
    kind = (
        "redis"
        if subprocess.run(["which", "redis-server"], capture_output=True, check=False).returncode == 0
        else "valkey"
    )
    password = c.plant("URL of Redis", "dsn redis", Canaries.word)
    server = ending.enter_context(
        redis_service.running(
            kind, "--slowlog-log-slower-than", "0", "--slowlog-max-len", "512", password=password
        )
    )
    client = ending.enter_context(server.client())

    def run(*words: str) -> None:
        with suppress(redis.RedisError):
            client.execute_command(*words)

    for text in c.texts("slow log", one_line=True):
        run("SET", f"note:{uuid.uuid4().hex[:6]}", text)
    for place, words in (
        ("Redis AUTH", ("AUTH", "app", "{}")),
        ("Redis CONFIG", ("CONFIG", "SET", "masterauth", "{}")),
        ("Redis ACL", ("ACL", "SETUSER", "app", "on", ">{}", "~*", "+@all")),
        ("Redis EVAL", ("EVAL", "return redis.call('set', 'password', '{}')", "0")),
        ("Redis key", ("SET", "session:{}", "x")),
        ("Redis key", ("SET", "password={}", "x")),
        ("Redis hash", ("HSET", "user:1", "password", "{}")),
        ("Redis list", ("LPUSH", "jobs", '{{"token": "{}"}}')),
        ("Redis channel", ("PUBLISH", "token={}", "x")),
        ("Redis MIGRATE", ("MIGRATE", "127.0.0.1", "1", "jobs", "0", "10", "AUTH", "{}")),
        ("Redis HELLO", ("HELLO", "3", "AUTH", "app", "{}")),
    ):
        value = c.plant(place, words[0], Canaries.word)
        run(*(word.format(value) if "{}" in word else word for word in words))
    for _ in range(3):
        named = ending.enter_context(server.client())
        named.execute_command(
            "CLIENT", "SETNAME", c.plant("Redis client", "key=value", lambda c: f"token={c.word()}")
        )
        ending.callback(named.close)
    listener = ending.enter_context(server.client())
    subscribed = listener.pubsub()
    subscribed.subscribe(c.plant("Redis subscription", "key=value", lambda c: f"password={c.word()}"))
    ending.callback(subscribed.close)
    stack.environment["CANARY_REDIS"] = f"{server.url}/0"
    log = server.directory / "log"
    return f'[[service]]\nname = "cache"\nkind = "redis"\nurl = "env:CANARY_REDIS"\nlog = "{log}"\n'


def _process(stack: Stack, ending: ExitStack) -> str:
    c = stack.canaries
    words = [word for text in c.texts("command line", _COMMAND, one_line=True) for word in text.split(" ")]
    secrets = {
        name: c.plant("environment of a process", name, Canaries.word)
        for name in ("DB_PASSWORD", "API_KEY", "SECRET_KEY_BASE", "SMTP_PASS")
    }
    script = "import time\nwhile True: time.sleep(0.05)"
    process = subprocess.Popen([sys.executable, "-c", script, *words], env={**os.environ, **secrets})
    ending.callback(process.wait)
    ending.callback(process.kill)
    (stack.given / "worker.pid").write_text(f"{process.pid}\n")
    return '[[service]]\nname = "worker"\nkind = "process"\npid_file = "worker.pid"\n\n' + _HOST


def _certificate(stack: Stack, ending: ExitStack) -> str:
    c = stack.canaries
    authority = trustme.CA()
    authority.cert_pem.write_to_path(stack.given / "ca.pem")
    leaf = authority.issue_cert(
        "127.0.0.1",
        organization_name=c.plant("certificate", "organisation", lambda c: f"password={c.word()}"),
        organization_unit_name=c.plant("certificate", "unit", lambda c: f"ghp_{c.word(36)}"),
        common_name=c.plant("certificate", "common name", lambda c: f"token={c.word()}"),
    )
    context = network_service.server_context(leaf)
    talk = network_service.http("no", "500 Oops", tuple(c.texts("header of a dependency", _HEADERS)))
    port = ending.enter_context(network_service.serve(talk, context=context))
    query = c.plant("URL of a dependency", "query", Canaries.word)
    return (
        f'[[dependency]]\nname = "payments"\nurl = "https://127.0.0.1:{port}/health?api_key={query}"\n'
        'ca = "file:ca.pem"\n\n'
        f'[[dependency]]\nname = "bank"\nurl = "tls://127.0.0.1:{port}"\nca = "file:ca.pem"\n'
    )


def _deploys(stack: Stack) -> str:
    c, now = stack.canaries, clock.now().isoformat()
    lines = [
        json.dumps({"at": now, "service": "backend", "version": f"1.{number} {text}"})
        for number, text in enumerate(c.texts("version in the deploy log"))
    ]
    lines += [
        json.dumps(
            {
                "at": now,
                "service": c.plant("service in the deploy log", "key=value", lambda c: f"x token={c.word()}"),
                "version": "2",
            }
        ),
        c.plant("deploy log, no JSON", "key=value", lambda c: f"deploy --password={c.word()} done"),
        json.dumps(
            {
                "at": c.plant("time in the deploy log", "key=value", lambda c: f"token={c.word()}"),
                "service": "a",
            }
        ),
    ]
    (stack.given / "deploys.jsonl").write_text("\n".join(lines) + "\n")
    return '[deploy]\nlog = "deploys.jsonl"\n'


def _own_probes(stack: Stack) -> str:
    """Probes of the team's own: in what they ask, and in the answers, which are no numbers."""
    c = stack.canaries
    (stack.given / "number.txt").write_text(
        "\n".join(c.texts("file of an own probe", ("dsn", "json", "jwt")))
    )
    label = c.plant("label of an own probe", "dsn", lambda c: f"postgresql://app:{c.word()}@db/x")
    literal = c.plant("statement of an own probe", "sql where", lambda c: f"'token={c.word()}'")
    return f"""
[[probe]]
name = "shop.number"
target = "machine"
kind = "file"
file = "{stack.given / "number.txt"}"

[[probe]]
name = "shop.label"
target = "db"
kind = "sql"
sql = "SELECT 7 AS n, '{label}' AS place WHERE {literal} <> ''"

[[probe]]
name = "shop.text"
target = "db"
kind = "sql"
sql = "SELECT '{c.plant("answer of an own probe", "dsn", lambda c: f"redis://:{c.word()}@cache/0")}' AS n"

[[probe]]
name = "shop.page"
target = "backend"
kind = "http"
url = "/ready?api_key={c.plant("address of an own probe", "query", Canaries.word)}"
json = "queue.depth"
"""


def _notify(stack: Stack) -> str:
    c = stack.canaries
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chat = c.plant("address of a channel", "token", Canaries.word)
    stack.environment["CANARY_CHAT"] = (
        f"json://app:{c.plant('address of a channel', 'user', Canaries.word)}@127.0.0.1:{port}/{chat}"
    )
    stack.environment["CANARY_PAGER"] = c.plant("key of the pager", "key", Canaries.hex)
    return (
        '[notify]\nincidents = "env:CANARY_CHAT"\npagerduty = "env:CANARY_PAGER"\n'
        f'pagerduty_url = "http://127.0.0.1:{port}/v2"\nseconds = 2.0\n'
    )


def _container(stack: Stack, ending: ExitStack, engine: docker.DockerClient) -> str:
    """A container on a real engine: environment, labels, command, health checks, logs."""
    c = stack.canaries
    (stack.given / "container.txt").write_text("\n".join(c.texts("log of a container")) + "\n")
    health = " ".join(c.texts("health check of a container", ("dsn", "key=value", "bearer"), one_line=True))
    name = f"canary-{uuid.uuid4().hex[:8]}"
    words = [
        word
        for text in c.texts("command of a container", ("option", "dsn"), one_line=True)
        for word in text.split(" ")
    ]
    ending.enter_context(
        docker_service.container(
            engine,
            ["sh", "-c", "cat /canaries; cat /canaries >&2; sleep 600", *words],
            name=name,
            environment={
                key: c.plant("environment of a container", key, make)
                for key, make in (
                    ("DB_PASSWORD", Canaries.word),
                    ("STRIPE_KEY", lambda c: f"sk_live_{c.word(24)}"),
                    ("DATABASE_URL", lambda c: f"postgresql://app:{c.word()}@db/shop"),
                    ("JAVA_OPTS", lambda c: f"-Xmx1g -Ddb.password={c.word()}"),
                )
            },
            labels={
                key: c.plant("label of a container", key, make)
                for key, make in (
                    ("traefik.auth", lambda c: f"password={c.word()}"),
                    ("deploy.token", Canaries.word),
                    ("note", lambda c: f"https://app:{c.word()}@git.example.com"),
                )
            },
            healthcheck={
                "test": ["CMD-SHELL", f"echo '{health}'; exit 1"],
                "interval": 500_000_000,
                "retries": 2,
            },
            volumes={str(stack.given / "container.txt"): {"bind": "/canaries", "mode": "ro"}},
        )
    )
    return f'[[service]]\nname = "boxed"\nkind = "process"\ncontainer = "{name}"\n'


def _broken(stack: Stack) -> str:
    """Targets that cannot be reached or understood: what is raised holds their addresses."""
    c, env = stack.canaries, stack.environment
    addresses = {
        "NOWHERE": ("postgres", lambda c: f"postgresql://app:{c.word()}@127.0.0.1:1/shop"),
        "ODD": ("postgres", lambda c: f"postgresql://app:{c.word()}@db:notaport/shop"),
        "WORDS": ("postgres", lambda c: f"host=127.0.0.1 port=1 password={c.word()} nonsense"),
        "BARE": ("postgres", Canaries.word),
        "CACHE": ("redis", lambda c: f"redis://:{c.word()}@127.0.0.1:1/0"),
        "ODDCACHE": ("redis", lambda c: f"redis://:{c.word()}@cache:notaport/0"),
        "SITE": ("http", lambda c: f"http://app:{c.word()}@127.0.0.1:1/x?token={c.word()}"),
        "ODDSITE": ("http", lambda c: f"http://app:{c.word()}@[::1:notaport/x"),
    }
    text = f'[workbench]\nincidents = "{stack.folder}/broken"\n'
    for name, (kind, make) in addresses.items():
        env[f"CANARY_{name}"] = c.plant("address that fails", name.lower(), make)
        key = "dsn" if kind == "postgres" else "url"
        text += f'\n[[service]]\nname = "{name.lower()}"\nkind = "{kind}"\n{key} = "env:CANARY_{name}"\n'
    command = [
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1]); sys.stderr.write(sys.argv[1]); sys.exit(3)",
    ]
    command.append(
        c.plant("output of the deploy command", "dsn", lambda c: f"postgresql://app:{c.word()}@db/x")
    )
    command.append(c.plant("deploy command", "option", lambda c: f"--password={c.word()}"))
    return f"{text}\n[deploy]\ncommand = {json.dumps(command)}\n"
