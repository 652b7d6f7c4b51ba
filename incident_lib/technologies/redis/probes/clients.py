"""Who is connected, and which single client holds much."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from incident_lib.model import Problem, ProblemKind, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import (
    Info,
    RedisSession,
    ReplyError,
    difference,
    from_reply,
    text_of,
)
from incident_lib.technologies.redis.rows import RedisClient, RedisClientGroup, RedisClients

# The list is made in one piece while everybody waits, 2 to 5 microseconds a client: no command of ours may
# take 10 ms.
LIST_LIMIT = 1_500
GROUP_LIMIT = 50
CLIENT_LIMIT = 10
_HELD_BYTES = 1_000_000  # of one client, from which on it is kept by itself
# Commands in which a client may wait of its own accord; in any other one it is held up.
_WAITING = frozenset(
    {
        *("blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread"),
        *("xreadgroup", "wait", "waitaof", "shutdown", "debug", "eval", "evalsha", "fcall", "exec", ""),
    }
)
_AGAIN_SECONDS = 0.4  # who reads at all has taken some of it by then


def fetch_clients(session: RedisSession, _window: Window) -> Fetched:
    """Return how many clients there are, who they are, and those that hold most, read twice.

    Source: INFO, twice; CLIENT LIST where there are at most 1,500, else of the replicas and the subscribers
    where these are as few; CLIENT LIST ID of those that hold over a megabyte, 0.4 s later; CONFIG GET. Needs:
    +info +client|list. Cost: CLIENT LIST holds everybody up for 2 to 5 microseconds a client, for under
    10 ms.
    """
    first, second = session.later()
    limit = second.count("maxclients") or int(session.setting("maxclients") or 0) or None
    connected = second.count("connected_clients")
    lines, problem = _list(session, second)
    is_whole = problem is None
    row = RedisClients(
        seconds=second.read_at - first.read_at,
        connected_count=None if connected is None else max(connected - 1, 0),
        limit_count=limit,
        blocked_count=second.count("blocked_clients"),
        rejected_count=difference(first, second, "rejected_connections"),
        new_count=difference(first, second, "total_connections_received"),
        maxmemory_bytes=second.count("maxmemory") or None,
        output_limits=session.setting("client-output-buffer-limit") if lines else None,
        limit_closed_count=difference(first, second, "client_output_buffer_limit_disconnections"),
        limit_closed_total_count=second.count("client_output_buffer_limit_disconnections"),
        recent_output_bytes=second.count("client_recent_max_output_buffer"),
        recent_input_bytes=second.count("client_recent_max_input_buffer"),
        listed_count=len(lines),
        idle_limit_seconds=float(session.setting("timeout") or 0) or None,
    )
    paused = Counter(_paused(lines))
    unread = _unread(session, lines)
    row = replace(
        row,
        paused_count=paused.total() if lines else None,
        paused_command=next((command for command, _ in paused.most_common(1)), None),
        paused_by=_reason(second),
        unread_count=len(unread) if lines else None,
        unread_address=next((address for address, _ in Counter(unread).most_common(1)), None),
    )
    groups = group_clients(lines) if is_whole else ()
    kept = groups[:GROUP_LIMIT]
    cut = Truncation(kept=len(kept), total=len(groups), unit="groups") if len(kept) < len(groups) else None
    return Fetched(rows=(row, *_again(session, largest(lines)), *kept), problem=problem, truncated=cut)


def _list(session: RedisSession, info: Info) -> tuple[list[dict[str, str]], Problem | None]:
    """Return the clients without us, and why some are missing."""
    connected = info.count("connected_clients")
    commands: list[tuple[str, ...]] = [("CLIENT", "LIST")]
    problem = None
    if connected is not None and connected > LIST_LIMIT:
        problem = Problem(
            kind=ProblemKind.SKIPPED,
            message=f"the list of clients was not read, as there are {connected:,}, over {LIST_LIMIT:,}",
            advice="CLIENT LIST could block all clients for over 10 ms; check the applications' pools",
        )
        few = {"replica": info.count("connected_slaves"), "pubsub": info.count("pubsub_clients")}
        commands = [("CLIENT", "LIST", "TYPE", kind) for kind, count in few.items() if _is_few(count)]
    replies = session.exchange(commands) if commands else []
    lines: list[dict[str, str]] = []
    for reply in replies:
        if isinstance(reply, ReplyError):
            return [], problem or Problem.from_error(from_reply(reply))
        lines += [parse_client(line) for line in text_of(reply).splitlines() if line]
    return [line for line in lines if not session.is_ours(line)], problem


def _paused(clients: list[dict[str, str]]) -> Iterator[str]:
    """Yield the command of each client that waits in one which never waits.

    >>> list(_paused([parse_client("flags=b cmd=set"), parse_client("flags=b cmd=blpop")]))
    ['set']
    """
    for client in clients:
        command = client.get("cmd", "")
        is_core = command not in _WAITING and "." not in command  # a module may let its clients wait
        if "b" in client.get("flags", "") and is_core:
            yield command


def _unread(session: RedisSession, clients: list[dict[str, str]]) -> list[str]:
    """Return the address of each client that has sent something, and never a whole command.

    What is on its way is whole a moment later; the greeting of TLS to a port without it never is.
    """
    found = [client for client in clients if is_unread(client)]
    late = [client for client in found if _number(client, "idle")]
    ids = [client["id"] for client in found if client not in late and "id" in client][:CLIENT_LIMIT]
    if ids:
        time.sleep(_AGAIN_SECONDS)
        reply = session.exchange([("CLIENT", "LIST", "ID", *ids)])[0]
        lines = [] if isinstance(reply, ReplyError) else text_of(reply).splitlines()
        late += filter(is_unread, map(parse_client, lines))
    return [client.get("addr", "").rpartition(":")[0] for client in late]


def is_unread(client: dict[str, str]) -> bool:
    """Return whether what a client sent is no whole command, and it sent none before.

    >>> is_unread(parse_client("qbuf=517 cmd=NULL")), is_unread(parse_client("qbuf=0 cmd=NULL"))
    (True, False)
    """
    return bool(_number(client, "qbuf")) and client.get("cmd", "").lower() == "null"


def _reason(info: Info) -> str | None:
    """Return what pauses clients, as Valkey 8.1 and later report; None for nothing, or not reported."""
    reason = info.text("paused_reason")
    return None if reason in {None, "none"} else f"{reason} ({info.text('paused_actions')})"


def _is_few(count: int | None) -> bool:
    return count is not None and 0 < count <= LIST_LIMIT


def _again(session: RedisSession, clients: tuple[RedisClient, ...]) -> tuple[RedisClient, ...]:
    """Return the clients with what those that hold much hold a moment later: who reads holds less by then."""
    ids = [client.client_id for client in clients if client.client_id and held_bytes(client) >= _HELD_BYTES]
    if not ids:
        return clients
    time.sleep(_AGAIN_SECONDS)
    reply = session.exchange([("CLIENT", "LIST", "ID", *ids)])[0]
    if isinstance(reply, ReplyError):  # before 6.2 there is no such filter
        return clients
    lines = {line.get("id"): line for line in map(parse_client, text_of(reply).splitlines())}
    return tuple(_with_later(client, lines.get(str(client.client_id))) for client in clients)


def _with_later(client: RedisClient, line: dict[str, str] | None) -> RedisClient:
    if line is None:
        return client
    return replace(
        client,
        later_output_bytes=_number(line, "omem") or 0,
        later_query_bytes=_number(line, "qbuf") or 0,
    )


def held_bytes(client: RedisClient) -> int:
    """Return what a client holds in its buffers."""
    return max(client.output_bytes + client.query_bytes + client.queued_bytes, client.memory_bytes or 0)


def largest(clients: list[dict[str, str]]) -> tuple[RedisClient, ...]:
    """Return those that hold over a megabyte, the largest first, and those that run MONITOR.

    >>> [row.flags for row in largest([parse_client("id=3 flags=O"), parse_client("id=4 flags=N")])]
    ['O']
    """
    rows = sorted(map(_client, clients), key=held_bytes, reverse=True)
    kept = [row for row in rows if held_bytes(row) >= _HELD_BYTES][:CLIENT_LIMIT]
    return (*kept, *[row for row in rows if "O" in row.flags and row not in kept][:CLIENT_LIMIT])


def _client(line: dict[str, str]) -> RedisClient:
    queued = _number(line, "multi")
    channels = (_number(line, field) or 0 for field in ("sub", "psub", "ssub"))
    return RedisClient(
        client_id=_number(line, "id"),
        address=line.get("addr", ""),
        name=line.get("name", ""),
        user=line.get("user", ""),
        library=line.get("lib-name", ""),
        command=line.get("cmd", ""),
        flags=line.get("flags", ""),
        age_seconds=_number(line, "age"),
        idle_seconds=_number(line, "idle"),
        subscription_count=sum(channels),
        queued_count=None if queued is None or queued < 0 else queued,
        output_bytes=_number(line, "omem") or 0,
        query_bytes=_number(line, "qbuf") or 0,
        queued_bytes=_number(line, "multi-mem") or 0,
        memory_bytes=_number(line, "tot-mem"),
    )


def _number(line: dict[str, str], field: str) -> int | None:
    text = line.get(field, "")
    return int(text) if text.removeprefix("-").isdecimal() else None


def parse_client(line: str) -> dict[str, str]:
    """Return the fields of a line of CLIENT LIST.

    >>> parse_client("id=3 addr=10.0.0.7:4711 name= age=5")["addr"]
    '10.0.0.7:4711'
    """
    return dict(part.split("=", 1) for part in line.split(" ") if "=" in part)


def group_clients(clients: list[dict[str, str]]) -> tuple[RedisClientGroup, ...]:
    """Return clients that are alike as one row each, the biggest group first."""
    alike: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for client in clients:
        address = client.get("addr", "").rpartition(":")[0]
        names = (client.get(field, "") for field in ("name", "user", "lib-name", "cmd"))
        alike[(address, *names)].append(client)
    rows = (_group(key, members) for key, members in alike.items())
    return tuple(sorted(rows, key=lambda row: -row.client_count))


def _group(key: tuple[str, ...], members: list[dict[str, str]]) -> RedisClientGroup:
    idle = [int(client["idle"]) for client in members if "idle" in client]
    memory = [int(client["tot-mem"]) for client in members if "tot-mem" in client]
    return RedisClientGroup(
        address=key[0],
        name=key[1],
        user=key[2],
        library=key[3],
        command=key[4],
        client_count=len(members),
        idle_min_seconds=min(idle, default=None),
        idle_max_seconds=max(idle, default=None),
        output_buffer_bytes=sum(int(client.get("omem", 0)) for client in members),
        memory_bytes=sum(memory) if memory else None,
    )


PROBE = Probe(
    name="redis.clients",
    fetch=fetch_clients,
    question="Who is connected, and is there room for more?",
    source="INFO all, twice, a second apart (clients, stats); CLIENT LIST; CLIENT LIST ID of the largest",
    needs="+info +client|list",
    cost="CLIENT LIST, under 10 ms; skipped over 1,500 clients",
)
