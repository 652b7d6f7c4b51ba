"""Who is connected."""

from collections import defaultdict

from incident_lib.model import Problem, ProblemKind, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import RedisSession, ReplyError, difference, from_reply, text_of
from incident_lib.technologies.redis.rows import RedisClientGroup, RedisClients

# The list is made in one piece while everybody waits, 2 to 5 microseconds a client: no command of ours may
# take 10 ms.
LIST_LIMIT = 1_500
GROUP_LIMIT = 50


def fetch_clients(session: RedisSession, _window: Window) -> Fetched:
    """Return how many clients there are, and who they are.

    Source: INFO, twice; CLIENT LIST where there are at most 1,500. Needs: +info +client|list.
    Cost: CLIENT LIST holds everybody up for 2 to 5 microseconds a client, so for under 10 ms.
    """
    first, second = session.later()
    limit = second.count("maxclients") or int(session.setting("maxclients") or 0) or None
    connected = second.count("connected_clients")
    row = RedisClients(
        seconds=second.read_at - first.read_at,
        connected_count=None if connected is None else max(connected - 1, 0),
        limit_count=limit,
        blocked_count=second.count("blocked_clients"),
        rejected_count=difference(first, second, "rejected_connections"),
        new_count=difference(first, second, "total_connections_received"),
    )
    groups, problem = _groups(session, connected)
    kept = groups[:GROUP_LIMIT]
    cut = Truncation(kept=len(kept), total=len(groups), unit="groups") if len(kept) < len(groups) else None
    return Fetched(rows=(row, *kept), problem=problem, truncated=cut)


def _groups(
    session: RedisSession, connected: int | None
) -> tuple[tuple[RedisClientGroup, ...], Problem | None]:
    if connected is not None and connected > LIST_LIMIT:
        return (), Problem(
            kind=ProblemKind.SKIPPED,
            message=f"the list of clients was not read, as there are {connected:,}, over {LIST_LIMIT:,}",
            advice="CLIENT LIST could hold up everybody else for over 10 ms; check the applications' pools",
        )
    reply = session.exchange([("CLIENT", "LIST")])[0]
    if isinstance(reply, ReplyError):
        return (), Problem.from_error(from_reply(reply))
    lines = [parse_client(line) for line in text_of(reply).splitlines() if line]
    return group_clients([line for line in lines if not session.is_ours(line)]), None


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
    source="INFO all, twice, a second apart (clients, stats); CLIENT LIST",
    needs="+info +client|list",
    cost="CLIENT LIST, under 10 ms; skipped over 1,500 clients",
)
