"""What the workbench can send, read from its code: the tables of docs/sent.md, and what they do not explain.

What the code cannot say by itself, such as what a request changes, is written here. `unexplained` finds
what was added to the code and is not.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from incident_lib.config.own_probes import READING
from incident_lib.connections.places import container, inside
from incident_lib.remediation.actions import ACTIONS
from incident_lib.technologies import table
from incident_lib.technologies.postgres.connect import session
from incident_lib.technologies.postgres.connect.container import _FENCE
from incident_lib.technologies.redis.connect.commands import ALLOWED, SETTINGS

PACKAGE = Path(__file__).parent.parent / "incident_lib"
POSTGRES = PACKAGE / "technologies" / "postgres"
_NOTHING = "nothing"
_DEMO = "demo"  # makes its own servers, and never talks to others

# Actions are typed and confirmed by a person. What each sends, and what that changes.
OF_ACTIONS = {
    "restart": (
        "POST /containers/ID/restart, or the command `restart` of the service",
        "the service stops and starts again",
    ),
    "rollback": ("the command of `[deploy] rollback`", "the version of the service that runs"),
    "postgres.cancel": ("change/backend.sql, change/cancel.sql", "one session: its statement ends"),
    "postgres.terminate": ("change/backend.sql, change/terminate.sql", "one session: it ends"),
    "redis.delete_keys": (
        "INFO, DBSIZE, SCAN MATCH, TYPE, TTL, UNLINK",
        "the keys of the pattern are removed",
    ),
    "docker.prune": (
        "GET /containers/json, GET /images/json, DELETE /containers/ID, DELETE /images/ID",
        "stopped containers and untagged images are removed; never volumes",
    ),
    "log.rotate": ("no request: the file is copied, compressed and cut here", "the log file of the service"),
    "tls.renew": ("nothing: a checklist for people", _NOTHING),
}

# Methods of the Docker library -> request, and what it changes. Paths that are requested without a method
# of the library stand with their last part.
OF_DOCKER = {
    "version": ("GET /version", _NOTHING),
    "info": ("GET /info", _NOTHING),
    "containers": ("GET /containers/json", _NOTHING),
    "inspect_container": ("GET /containers/NAME/json", _NOTHING),
    "top": ("GET /containers/NAME/top", _NOTHING),
    "stats": ("GET /containers/NAME/stats", _NOTHING),
    "get_archive": ("GET /containers/NAME/archive", _NOTHING),
    "/logs": ("GET /containers/NAME/logs", _NOTHING),
    "/events": ("GET /events", _NOTHING),
    "inspect_image": ("GET /images/ID/json", _NOTHING),
    "images": ("GET /images/json", _NOTHING),
    "exec_create": ("POST /containers/NAME/exec", "nothing by itself: what may run is listed below"),
    "exec_start": ("POST /exec/ID/start, with its input kept open", "one short process in the container"),
    "/start": ("POST /exec/ID/start", "one short process in the container"),
    "exec_inspect": ("GET /exec/ID/json", _NOTHING),
    "restart": ("POST /containers/ID/restart", "restarts it; only the action `restart`"),
    "remove_container": ("DELETE /containers/ID", "removes a stopped one; only the action `docker.prune`"),
    "remove_image": ("DELETE /images/ID", "removes an untagged one; only the action `docker.prune`"),
}
_OF_THE_CLIENT = {"close", "get", "post"}  # the paths of get and post are found by themselves

# Redis, while it is changed: methods of the client in redis/change.py -> command.
OF_REDIS_CHANGE = {
    "info": "INFO",
    "dbsize": "DBSIZE",
    "scan": "SCAN",
    "type": "TYPE",
    "ttl": "TTL",
    "unlink": "UNLINK",
}
# What the library sends when it connects for a change.
_REDIS_LOGIN = ("AUTH", "CLIENT SETNAME", "CLIENT SETINFO", "SELECT")
_IDLE = "when a stream was last used; only of streams that the server cannot evict for that"
_REDIS_CHANGES = {
    "XINFO GROUPS": _IDLE,
    "XLEN": _IDLE,
    "XPENDING": _IDLE,
    "CLIENT SETNAME": "the name of our own connection",
    "CLIENT SETINFO": "the library's name, of our own connection",
    "SELECT": "the database of our own connection",
    "UNLINK": "removes keys; only the action `redis.delete_keys`",
}

# Statements that are written in code: file -> those that it sends. All others are for people to read.
_SQL = r"\s*(?:SELECT|WITH|SET|SHOW|BEGIN|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|GRANT|VACUUM|CALL|COPY|DO)\b"
_FOR_PEOPLE = re.compile(
    r"GRANT|ALTER (?:DATABASE|EXTENSION)|CREATE ROLE|VACUUM$|SELECT on the sequences$|SELECT$"
)

# Files that start processes here, and what each starts.
OF_PROCESSES = {
    "cli/lab.py": ("JupyterLab on 127.0.0.1", _NOTHING),
    "connections/places/machine.py": (
        "`journalctl --output=json --unit=X`; `git -C FOLDER log`; `df -Pk PATH`, `-Pi`; `[deploy]` command",
        "nothing; of `[deploy] command` your team says so",
    ),
    "remediation/commands.py": (
        "the team's `restart` and `[deploy] rollback` commands, confirmed by a person",
        "what your team's command changes",
    ),
    "run/kernels.py": ("a Jupyter kernel for each notebook of a run", _NOTHING),
    "run/parents.py": ("the Python process that kernels are forked from", _NOTHING),
    "run/provisioner.py": ("a Jupyter kernel, where it is not forked", _NOTHING),
    "technologies/logs/summary.py": ("Python processes that count log lines", _NOTHING),
}
_STARTS = {"subprocess", "multiprocessing", "jupyter_client"}
# Programs whose first words stand in code -> where they are explained.
_PROGRAMS = {"psql", "python3", "sh", "cat", "df", "git", "journalctl"}

# Files that open connections -> to whom, what, and what it changes.
OF_CONNECTIONS = {
    "connections/http.py": (
        "`health_url`, `url` of services and own probes",
        "GET, `Authorization` only if the address has a login",
        _NOTHING,
    ),
    "connections/peer.py": (
        "a target that speaks another protocol than it should",
        "`HEAD / HTTP/1.0`, or the SSLRequest of PostgreSQL",
        _NOTHING,
    ),
    "connections/names.py": ("each resolver of this machine", "A and AAAA queries; getaddrinfo", _NOTHING),
    "connections/sockets.py": ("every address of a target", "a TCP connection, no byte sent", _NOTHING),
    "connections/tls.py": ("services and dependencies with TLS", "a TLS handshake", _NOTHING),
    "technologies/network/probes/tls.py": (
        "services and dependencies with TLS",
        "TLS handshakes, verified and not",
        _NOTHING,
    ),
    "connections/places/view_inside.py": (
        "the same targets, from inside a container",
        "a name, a TCP connection, a TLS handshake",
        _NOTHING,
    ),
    "connections/docker.py": ("the Docker engine", "the requests above", "see above"),
    "connections/docker_transport.py": ("the socket of the Docker engine", "the requests above", "see above"),
    "technologies/logs/probes/container.py": ("the Docker engine", "GET /containers/NAME/logs", _NOTHING),
    "technologies/postgres/connect/direct.py": (
        "PostgreSQL and PgBouncer",
        "the statements above",
        "see above",
    ),
    "technologies/redis/connect/stream.py": ("Redis and Valkey", "the commands above", "see above"),
    "technologies/redis/connect/wire.py": ("Redis and Valkey", "the commands above", "see above"),
    "technologies/redis/connect/resp.py": ("Redis and Valkey", "nothing: it takes replies apart", _NOTHING),
    "technologies/redis/change.py": ("Redis and Valkey", "the commands of the change above", "see above"),
    "technologies/logs/sources/remote.py": (
        "object stores that `logs` names, through fsspec",
        "HEAD, LIST and GET of objects",
        _NOTHING,
    ),
    "technologies/logs/fleet.py": (
        "Dask workers that `logs` is told of",
        "tasks that count log lines, through Dask",
        "processor time and memory of the workers",
    ),
    "notify/chat.py": (
        "the chat, mail or webhook of `notify`, through Apprise",
        "one message, once a person confirmed its text",
        "a message is there",
    ),
    "notify/pagerduty.py": (
        "events.pagerduty.com, or the address of the channel",
        "POST of one event, once a person confirmed it",
        "a person is paged",
    ),
    "run/lab_files.py": ("your browser, on 127.0.0.1", "the files of the incident, in JupyterLab", _NOTHING),
    "run/lab_server.py": ("your browser, on 127.0.0.1", "JupyterLab's pages, behind a token", _NOTHING),
}
_CONNECTS = {
    *("socket", "ssl", "http", "httpx", "dns", "requests", "docker", "psycopg", "redis", "fsspec", "apprise"),
    *("distributed", "aiohttp", "smtplib", "ftplib", "s3fs", "paramiko", "jupyter_server", "jupyterlab"),
}
# They use constants, errors or certificates of these libraries and open nothing.
_OPEN_NOTHING = {
    "connections/places/inside.py",
    "connections/received.py",
    "run/forking.py",
    "run/parents.py",
    "technologies/redis/connect/address.py",
    "technologies/redis/connect/problems.py",
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def actions_table() -> Iterator[str]:
    """Yield the lines of what each probe and each action sends, and what that changes."""
    yield from _head("probe or action", "sends", "changes")
    for technology in table().technologies:
        for probe in technology.probes:
            source = probe.source
            if source.startswith("--"):
                source = ", ".join(f"{name}.sql" for name in _statements_of(probe.fetch, source))
            yield _row(f"`{probe.name}`", source, _IDLE if "XLEN" in source else _NOTHING)
    yield _row(
        "own `[[probe]]`", "one SELECT, one GET, one reading command, or a file of this machine", _NOTHING
    )
    for name in ACTIONS:
        sends, changes = OF_ACTIONS.get(name, ("?", "?"))
        yield _row(f"action `{name}`", sends, changes)


def _statements_of(fetch: object, source: str) -> list[str]:
    """Return the files of statements that a probe sends: its own, then those that its code names."""
    own = [path.stem for path in _sql_files() if path.read_text(encoding="utf-8").strip() == source.strip()]
    code = getattr(fetch, "__code__", None)
    path = Path(code.co_filename) if code else POSTGRES / "probes" / "reading.py"
    named = _reached(ast.parse(path.read_text(encoding="utf-8")), getattr(fetch, "__name__", ""))
    files = {path.stem for path in _sql_files()}
    return list(dict.fromkeys((*own, *sorted(named & files))))


def _reached(tree: ast.Module, name: str) -> set[str]:
    """Return the texts that the definition of `name` holds, and those of what it uses in its module."""
    known: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            known[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            known |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    texts: set[str] = set()
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        # A column of an answer, or the words of a comparison, is no statement.
        columns = {
            id(part)
            for node in ast.walk(known[name])
            if isinstance(node, ast.Subscript | ast.keyword)
            for part in ast.walk(node.slice if isinstance(node, ast.Subscript) else node.value)
            if isinstance(node, ast.Subscript) or node.arg == "key"
        }
        for node in ast.walk(known[name]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in columns:
                texts.add(node.value)
            elif isinstance(node, ast.Name):
                waiting.append(node.id)
    return texts


@cache
def _sql_files() -> tuple[Path, ...]:
    return tuple(sorted((POSTGRES / "sql").rglob("*.sql")))


@cache
def _users() -> dict[str, list[str]]:
    """Return which files of code name each statement."""
    texts = {path.name: _strings(path) for path in (*POSTGRES.glob("probes/*.py"), POSTGRES / "change.py")}
    return {
        path.stem: sorted(name for name, strings in texts.items() if path.stem in strings)
        for path in _sql_files()
    }


@cache
def _strings(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def statements_table() -> Iterator[str]:
    """Yield the lines of all statements to PostgreSQL and PgBouncer."""
    yield from _head("statement", "reads", "changes")
    for path in _sql_files():
        text = path.read_text(encoding="utf-8")
        comment = " ".join(line.removeprefix("-- ") for line in text.splitlines() if line.startswith("--"))
        views = re.search(r"View: (.+?)\. Needs", comment)
        yield _row(
            f"`{path.relative_to(POSTGRES / 'sql')}`", views[1] if views else "?", _changes_of_sql(text)
        )
    limits = "; ".join(f"{name}={value}" for name, value in session.SETTINGS.items())
    yield _row("in the start-up packet", limits, "limits of our own session")
    yield _row(
        f"`{session.LOCAL_SETTINGS}`", "behind a pooler, instead of these", "limits of our own transaction"
    )
    for statement in session.SHOWS:
        yield _row(f"`{statement}`", "the console of PgBouncer", _NOTHING)
    yield _row(f"`{_FENCE}`", "what psql in a container sends: STATEMENT is one of those above", _NOTHING)
    yield _row("`SELECT 1 AS alive`", "whether psql in a container answers", _NOTHING)
    yield _row("`SELECT * FROM ( ... ) AS own LIMIT 2`", "your own `[[probe]]` of kind sql", _NOTHING)


def _changes_of_sql(text: str) -> str:
    if "pg_terminate_backend" in text:
        return "ends one session; only the action `postgres.terminate`"
    if "pg_cancel_backend" in text:
        return "ends one statement; only the action `postgres.cancel`"
    return _NOTHING


def redis_table() -> Iterator[str]:
    """Yield the lines of all commands to Redis and Valkey."""
    yield from _head("command", "of", "changes")
    probes = {" ".join(words) for words in ALLOWED}
    change = {*OF_REDIS_CHANGE.values(), *_REDIS_LOGIN}
    for name in sorted(probes | change):
        of = " and ".join(["probes"] * (name in probes) + ["`redis.delete_keys`"] * (name in change))
        yield _row(f"`{name}`", of, _REDIS_CHANGES.get(name, _NOTHING))
    yield _row("`CONFIG GET` asks for", ", ".join(SETTINGS), _NOTHING)


def docker_table() -> Iterator[str]:
    """Yield the lines of all requests to a Docker engine."""
    yield from _head("request", "changes")
    for request, changes in OF_DOCKER.values():
        yield _row(f"`{request}`", changes)


def commands_table() -> Iterator[str]:
    """Yield the lines of all commands, in containers and on this machine."""
    yield from _head("where", "command", "changes")
    clients = "with the statements and commands above alone"
    for name in sorted(container._CLIENTS):
        yield _row("in a container", f"`{name}`, {clients}", "see above")
    yield _row("in a container", f"`{' '.join(container._VERSION)}`", _NOTHING)
    for way in inside.WAYS:
        yield _row("in a container", f"`{' '.join(way.start)}` with {way.file} and no other text", _NOTHING)
    yield _row("in a container", "`cat` of a file under /proc or /sys", _NOTHING)
    reading = ", ".join(f"`{name}`" for name in sorted(READING))
    yield _row("in a container", f"own probes and health: {reading}", _NOTHING)
    for file, (what, changes) in OF_PROCESSES.items():
        yield _row(f"this machine (`{file}`)", what, changes)


def connections_table() -> Iterator[str]:
    """Yield the lines of everything that opens a connection."""
    yield from _head("to", "sent", "changes", "code")
    for file, (to, what, changes) in OF_CONNECTIONS.items():
        yield _row(to, what, changes, f"`{file}`")


def unexplained() -> Iterator[str]:
    """Yield what the code can send and the tables do not explain, and what they explain in vain."""
    yield from _differing("the action", set(ACTIONS), set(OF_ACTIONS))
    for path in _sql_files():
        name = path.relative_to(POSTGRES / "sql")
        if not _users()[path.stem]:
            yield f"sql/{name} is sent by no probe and no action"
        yield from _writes(str(name), path.read_text(encoding="utf-8"))
    modules = list(_modules())
    yield from _differing("the Docker request", _docker_calls(modules), set(OF_DOCKER))
    change = _attributes(PACKAGE / "technologies/redis/change.py", "self._client") - {"close"}
    yield from _differing("the Redis method", change, set(OF_REDIS_CHANGE))
    yield from _differing(
        "processes of", _importing(modules, _STARTS), set(OF_PROCESSES) | {"run/kernel_specs.py"}
    )
    connecting = _importing(modules, _CONNECTS)
    yield from _differing("connections of", connecting, set(OF_CONNECTIONS) | _OPEN_NOTHING)
    yield from _strange_programs(modules)
    yield from _strange_statements()


def _differing(what: str, found: set[str], explained: set[str]) -> Iterator[str]:
    for name in sorted(found - explained):
        yield f"{what} {name} is not explained in tests/sent.py"
    for name in sorted(explained - found):
        yield f"{what} {name} is explained in tests/sent.py and does not exist"


def _writes(name: str, text: str) -> Iterator[str]:
    code = re.sub(r"--[^\n]*|'[^']*'", " ", text)
    words = (
        r"\b(insert|update|delete|merge|truncate|create|alter|drop|grant|vacuum|copy|nextval|setval"
        r"|lock)\b[\s(]"
    )
    if found := re.search(words, code, re.IGNORECASE):
        yield f"sql/{name} has {found[1].upper()}, and docs/sent.md says that it changes nothing"
    signals = {"pg_cancel_backend", "pg_terminate_backend", "pg_reload_conf"}
    if not name.startswith("change/") and any(signal in code for signal in signals):
        yield f"sql/{name} signals a session and does not stand in sql/change"


_Nodes = tuple[ast.AST, ...]


def _modules() -> Iterator[tuple[str, _Nodes]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] != _DEMO:
            yield name.as_posix(), _nodes(path)


def _nodes(path: Path) -> _Nodes:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _importing(modules: Iterable[tuple[str, _Nodes]], libraries: set[str]) -> set[str]:
    return {name for name, nodes in modules if libraries & set(_imports(nodes))}


def _imports(nodes: _Nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _attributes(path: Path, owner: str) -> set[str]:
    return _called(_nodes(path), owner)


def _called(nodes: _Nodes, owner: str) -> set[str]:
    """Return the methods of `owner` that are called: of `api`, those of `engine.client.api` too."""
    return {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and f".{_dotted(node.func.value)}".endswith(f".{owner}")
    }


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _docker_calls(modules: Iterable[tuple[str, _Nodes]]) -> set[str]:
    found: set[str] = set()
    for _, nodes in modules:
        found |= _called(nodes, "api") - _OF_THE_CLIENT
        for node in nodes:
            if isinstance(node, ast.JoinedStr) and any(
                isinstance(part, ast.Attribute) and part.attr == "base_url" for part in ast.walk(node)
            ):
                last = node.values[-1]
                text = last.value if isinstance(last, ast.Constant) else "?"
                found.add("/" + str(text).rpartition("/")[2])
    return found


def _strange_programs(modules: Iterable[tuple[str, _Nodes]]) -> Iterator[str]:
    for name, nodes in modules:
        for node in nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in {"run", "stream", "execute", "Popen", "check_output"}:
                continue
            for argument in node.args[:2]:
                if isinstance(argument, ast.Tuple | ast.List) and argument.elts:
                    first = argument.elts[0]
                    if isinstance(first, ast.Constant) and first.value not in _PROGRAMS:
                        yield f"{name} runs {first.value}, which tests/sent.py does not explain"


def _strange_statements() -> Iterator[str]:
    """Yield statements in code that the table does not list."""
    listed = " ".join(" ".join(statements_table()).split())
    for path in sorted(POSTGRES.rglob("*.py")):
        if path.name in {"runbook.py", "__init__.py"} or "findings" in path.parts:
            continue  # they are shown to people
        for text in _strings(path):
            statement = " ".join(text.split())
            if re.match(_SQL, text) and not _FOR_PEOPLE.match(text) and statement not in listed:
                where = path.relative_to(PACKAGE)
                yield f"{where} has a statement that docs/sent.md does not list: {statement[:80]}"
