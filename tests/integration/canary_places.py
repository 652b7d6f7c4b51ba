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
from pathlib import Path

import docker
import psycopg
import redis
import trustme

from incident_lib import clock
from tests import services
from tests.integration import canary_configurations as configurations
from tests.integration import (
    docker_service,
    journal_service,
    network_service,
    postgres_service,
    redis_service,
)
from tests.integration.canary_stack import Stack
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
_WITH_JSON_LOG = 15


@contextmanager
def planted(folder: Path, canaries: Canaries, engine: docker.DockerClient | None = None) -> Iterator[Stack]:
    """Yield the stack; everything it started is gone afterwards."""
    team, given = folder / "team", folder / "given"
    team.mkdir()
    given.mkdir()
    stack = Stack(team, given, canaries)
    with ExitStack() as ending:
        parts = [
            _log_files(stack),
            _journal(stack),
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
        stack.broken.write_text(configurations.failing(stack))
        stack.wrong = configurations.wrong(stack)
        yield stack


def _log_files(stack: Stack) -> str:
    """Application logs: plain lines, JSON lines, tracebacks and blocks over several lines."""
    c, now = stack.canaries, clock.now().isoformat()
    plain = [f"{now} ERROR shop.db cannot log in: {text}" for text in c.texts("plain log", one_line=True)]
    plain.append(f"{now} ERROR {c.proof('plain log', 'logs/plain')}")
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
    as_json.append(
        json.dumps({"timestamp": now, "level": "ERROR", "message": c.proof("JSON log", "logs/json")})
    )
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


def _journal(stack: Stack) -> str:
    """The journal of a unit: what it printed and sent, over one line or several, and fields of its own."""
    c, at = stack.canaries, clock.now()
    entries = [journal_service.Entry(at, text) for text in c.texts("journal of a unit")]
    for name, make in (("DB_PASSWORD", Canaries.word), ("_CMDLINE", lambda c: f"app --password={c.word()}")):
        added = {name: c.plant("field of a journal", name, make)}
        entries.append(journal_service.Entry(at, "started", fields=added))
    of_systemd = c.plant("systemd about a unit", "option", lambda c: f"app --admin-token {c.word()}: exited")
    entries.append(journal_service.of_systemd(at, of_systemd, priority=4))
    entries.append(journal_service.Entry(at, f"error: {c.proof('journal of a unit', 'logs/unit')}"))
    journal_service.write(stack.given / "journal", entries)
    return (
        '[[service]]\nname = "unit"\nkind = "process"\njournal = "shop.service"\n'
        'journal_directory = "journal"\n'
    )


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
                "checks": {"db": {"status": "down", "error": f"{c.proof('HTTP readiness')} {detail}"}},
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
    served = table | _answers(c)
    port = ending.enter_context(network_service.serve(network_service.routes(served)))
    user = c.plant("URL of a service", "user", Canaries.word)
    stack.environment["CANARY_URL"] = f"http://app:{user}@127.0.0.1:{port}"
    paths = json.dumps([*table])
    return (
        f'[[service]]\nname = "backend"\nkind = "http"\nurl = "env:CANARY_URL"\nhealth = {paths}\n'
        'depends_on = ["db", "cache"]\npurpose = "orders"\n'
    )


def _answers(c: Canaries) -> dict[str, network_service.Conversation]:
    """What custom probes get: metrics with labels, and JSON whose keys are named when one is missing."""
    dsn = c.plant("label of a metric", "dsn", SHAPES["dsn"])
    password = c.plant("label of a metric", "password", Canaries.word)
    metrics = f'jobs{{place="{c.proof("metric of a custom probe")} {dsn}",password="{password}"}} 7\n'
    key = c.plant("key in JSON", "key=value", _token)
    keys = json.dumps({c.proof("answer without what a custom probe wants"): 1, key: 2})
    return {"/metrics": network_service.http(metrics), "/keys": network_service.http(keys)}


def _postgres(stack: Stack, ending: ExitStack) -> str:
    if not any(one.major >= _WITH_JSON_LOG for one in postgres_service.INSTALLATIONS):
        services.missing("no PostgreSQL that writes a log in JSON is installed here")
    c = stack.canaries
    suited = [one for one in postgres_service.INSTALLATIONS if one.major >= _WITH_JSON_LOG]
    with_statements = [one for one in suited if one.has_statements]
    conf = {
        "archive_mode": "on",
        "archive_command": c.plant("setting", "option", lambda c: f"false --password={c.word()}"),
        "primary_conninfo": c.plant(
            "setting", "conninfo", lambda c: f"host=db user=repl password={c.word()}"
        ),
        "cluster_name": c.plant("setting", "key=value", lambda c: f"token={c.word()}"),
        "log_min_duration_statement": 0,
        "logging_collector": "on",
        "log_destination": "stderr,csvlog,jsonlog",
        "log_directory": "collected",
        "log_filename": "shop.log",
    }
    server = ending.enter_context(postgres_service.running((with_statements or suited)[-1], **conf))
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
    for name, suffix in (("db", "log"), ("db-csv", "csv"), ("db-json", "json")):
        with suppress(psycopg.Error):  # a statement that is wrong stands in all of them
            admin.execute(f"SELECT {c.proof(f'{suffix} of PostgreSQL', f'logs/{name}.')}".encode())
    logs = server.data / "collected"
    for folder in (server.data, logs):  # whoever runs the workbench reads the logs
        folder.chmod(0o755)
        ending.callback(folder.chmod, 0o700)
    configurations.elsewhere(stack, server, ending)
    return (
        f'[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:CANARY_DSN"\nlog = "{logs}/shop.log"\n'
        f'[[service]]\nname = "db-csv"\nkind = "process"\nlog = "{logs}/shop.csv"\n'
        f'[[service]]\nname = "db-json"\nkind = "process"\nlog = "{logs}/shop.json"\n'
    )


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
    note = c.plant("row that a statement cannot convert", "dsn", SHAPES["dsn"])
    run(f"CREATE TABLE notes AS SELECT '{c.proof('answer of a custom probe')} {note}' AS note")
    run("GRANT SELECT ON notes TO workbench")
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
    _refusals(c, server, ending)
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


def _refusals(c: Canaries, server: redis_service.Server, ending: ExitStack) -> None:
    """What the access rules refuse, with its names in ACL LOG; the client and its library have names too."""
    admin = ending.enter_context(server.client())
    user, password = c.proof("ACL LOG"), c.plant("password of a Redis user", "acl", Canaries.word)
    admin.execute_command(
        "ACL", "SETUSER", user, "on", f">{password}", "~shop:*", "&shop:*", "+get", "+publish"
    )
    admin.execute_command("ACL", "SETUSER", user, "+client")
    client = ending.enter_context(server.client(username=user, password=password))

    def refused(*words: str) -> None:
        with suppress(redis.RedisError):
            client.execute_command(*words)

    refused("CLIENT", "SETNAME", c.proof("CLIENT LIST"))
    refused("CLIENT", "SETINFO", "LIB-NAME", c.plant("library of a client", "key=value", _token))
    refused("GET", c.plant("ACL LOG", "key", _token))
    refused("GET", c.plant("ACL LOG", "url user", SHAPES["url user"]))
    refused("PUBLISH", c.plant("ACL LOG", "channel", _token), "x")
    refused("SET", c.plant("ACL LOG", "command", _token), "x")
    refused(c.plant("ACL LOG", "name of a command", _token), "x")
    for shape in ("key=value", "dsn redis", "github", "json"):
        name = c.plant("ACL LOG", f"user: {shape}", SHAPES[shape])
        with suppress(redis.RedisError), server.client(username=name, password="wrong") as stranger:
            stranger.ping()


def _token(c: Canaries) -> str:
    return f"token={c.word()}"


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

[[probe]]
name = "shop.row"
target = "db"
kind = "sql"
sql = "SELECT 7 AS n, note FROM public.notes"

[[probe]]
name = "shop.cast"
target = "db"
kind = "sql"
sql = "SELECT note::int AS n FROM public.notes"

[[probe]]
name = "shop.metric"
target = "backend"
kind = "http"
url = "/metrics"
metric = "jobs"

[[probe]]
name = "shop.keys"
target = "backend"
kind = "http"
url = "/keys"
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
    logged = [*c.texts("log of a container"), f"ERROR {c.proof('log of a container', 'logs/boxed')}"]
    (stack.given / "container.txt").write_text("\n".join(logged) + "\n")
    word = c.proof("output of a custom probe")
    said = c.plant("output of a custom probe", "key=value", lambda c: f"{word} password={c.word()}")
    (stack.given / "said.txt").write_text(said)
    health = " ".join(c.texts("health check of a container", ("dsn", "key=value", "bearer"), one_line=True))
    name = f"canary-{uuid.uuid4().hex[:8]}"
    version = c.proof("label of a container")
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
                    (c.proof("environment of a container"), Canaries.word),
                )
            },
            labels={
                key: c.plant("label of a container", key, make)
                for key, make in (
                    ("traefik.auth", lambda c: f"password={c.word()}"),
                    ("deploy.token", Canaries.word),
                    ("note", lambda c: f"https://app:{c.word()}@git.example.com"),
                    ("org.opencontainers.image.version", lambda c: f"{version} token={c.word()}"),
                    ("org.opencontainers.image.revision", lambda c: f"ghp_{c.word(36)}"),
                    ("com.docker.compose.service", lambda c: f"password={c.word()}"),
                )
            },
            healthcheck={
                "test": ["CMD-SHELL", f"echo '{c.proof('health check of a container')} {health}'; exit 1"],
                "interval": 500_000_000,
                "retries": 2,
            },
            volumes={
                str(stack.given / "container.txt"): {"bind": "/canaries", "mode": "ro"},
                str(stack.given / "said.txt"): {"bind": "/said", "mode": "ro"},
            },
        )
    )
    missing = c.plant("error of a custom probe", "key=value", lambda c: f"/password={c.word()}")
    absent = c.proof("error of a custom probe")
    return f"""
[[service]]
name = "boxed"
kind = "process"
container = "{name}"

[[probe]]
name = "shop.said"
target = "boxed"
kind = "command"
command = ["cat", "/said"]

[[probe]]
name = "shop.error"
target = "boxed"
kind = "command"
command = ["cat", "{missing}", "/{absent}"]
"""
