"""Whether one client holds much: one that does not read, one that sends too much, a MONITOR that was left."""

from collections.abc import Iterator, Sequence

from incident_lib.findings.base import Context, finding
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisClient, RedisClients
from incident_lib.units import format_bytes, format_count, format_duration, format_number, format_share

_MONITOR, _REPLICA, _PRIMARY, _SUBSCRIBER = "O", "S", "M", "P"
_WHAT = {
    "monitor_buffer": "a MONITOR that is not read",
    "replica_buffer": "a replica that reads too slowly",
    "subscriber_buffer": "a subscriber that does not read",
    "output_buffer": "a client that does not read its replies",
    "query_buffer": "a client that sends very large commands",
    "transaction_buffer": "an unfinished transaction",
}
_ADVICE = {
    "monitor_buffer": "MONITOR is for debugging: end it with CLIENT KILL ID {id}, nothing is lost",
    "replica_buffer": "disconnecting it starts another full copy; raise client-output-buffer-limit for "
    "replicas while there is memory, and check its network and disk",
    "subscriber_buffer": "CLIENT KILL ID {id} frees it, and it misses what is published until it is back; "
    "then set client-output-buffer-limit pubsub, and find out why it does not read",
    "output_buffer": "CLIENT KILL ID {id} frees it; then find what it requests and does not read",
    "query_buffer": "find what the application sends; CLIENT KILL ID {id} frees it, and the command is lost",
    "transaction_buffer": "CLIENT KILL ID {id} frees it, and the commands after MULTI are lost",
}


def analyze_buffers(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the largest client of each kind whose buffers are out of proportion, and who runs MONITOR."""
    counts = next(iter(evidence.of(RedisClients)), None)
    if counts is None:
        return
    clients = evidence.of(RedisClient)
    by_kind: dict[str, list[RedisClient]] = {}
    for client in clients:
        if kind := _kind(client):
            by_kind.setdefault(kind, []).append(client)
    found = [
        each
        for kind, members in by_kind.items()
        if (each := _judge(evidence, kind, members, counts, context))
    ]
    yield from found
    monitors = [client for client in clients if _MONITOR in client.flags]
    if monitors and not any(each.id.endswith(".monitor_buffer") for each in found):
        yield _monitor(evidence, monitors, context.thresholds)
    yield from _unlisted(evidence, counts, context.thresholds)
    if counts.limit_closed_count:
        yield finding(
            evidence,
            "limit_closed",
            FindingSeverity.WARNING,
            f"{format_count(counts.limit_closed_count, 'client')} disconnected just now for reading too "
            f"slowly",
            f"client-output-buffer-limit is {counts.output_limits or 'not known'}; a disconnected replica "
            f"starts with a full copy again",
            closed_count=counts.limit_closed_count,
        )


def _kind(client: RedisClient) -> str:
    """Return what takes the memory of a client, "" where nothing that is judged here does."""
    if _PRIMARY in client.flags:
        return ""
    queued = max(client.queued_bytes, 0)
    if client.output_bytes >= max(client.query_bytes, queued):
        if _MONITOR in client.flags:
            return "monitor_buffer"
        if _REPLICA in client.flags:
            return "replica_buffer"
        is_subscriber = _SUBSCRIBER in client.flags or client.subscription_count
        return "subscriber_buffer" if is_subscriber else "output_buffer"
    return "query_buffer" if client.query_bytes >= queued else "transaction_buffer"


def _held(kind: str, client: RedisClient) -> int:
    if kind == "query_buffer":
        return client.query_bytes
    return client.queued_bytes if kind == "transaction_buffer" else client.output_bytes


def _later(kind: str, client: RedisClient) -> int | None:
    return client.later_query_bytes if kind == "query_buffer" else client.later_output_bytes


def _judge(
    evidence: Evidence, kind: str, clients: Sequence[RedisClient], counts: RedisClients, context: Context
) -> Finding | None:
    client = max(clients, key=lambda member: _held(kind, member))
    held, total = _held(kind, client), sum(_held(kind, member) for member in clients)
    severity = _severity(kind, held, counts, context.thresholds)
    if severity is None:
        return None
    later = _later(kind, client)
    is_moving = kind != "transaction_buffer" and (later is None or later < held)
    name = client.name or client.library or client.address
    limit = counts.maxmemory_bytes
    share = f", {format_share(held / limit)} of maxmemory" if limit and kind != "replica_buffer" else ""
    others = f"; {format_count(len(clients), 'such client')}: {format_bytes(total)}" if clients[1:] else ""
    return finding(
        evidence,
        kind,
        FindingSeverity.INFO if is_moving else severity,
        f"one client, {name}, holds {format_bytes(held)}{share}"
        + (", and its buffer changes" if is_moving else f": {_WHAT[kind]}"),
        f"client id {client.client_id} from {client.address}, user {client.user or 'unknown'}, "
        f"{client.library or 'library unknown'}, last command {client.command or 'unknown'}, connected for "
        f"{format_duration(client.age_seconds)}, flags {client.flags}{others}"
        + ("" if is_moving else f". {_ADVICE[kind].format(id=client.client_id)}"),
        client=name,
        client_id=client.client_id,
        address=client.address,
        library=client.library or None,
        held=format_bytes(held),
        held_bytes=held,
        share_ratio=held / limit if limit else None,
        client_count=len(clients),
    )


def _severity(kind: str, held: int, counts: RedisClients, limits: Thresholds) -> FindingSeverity | None:
    if kind == "replica_buffer":  # not counted against maxmemory; the server ends it at a limit of its own
        hard = hard_limits(counts.output_limits or "").get("replica", 0)
        most = limits["redis.replica_buffer.warning_ratio"] * hard
        return (
            FindingSeverity.WARNING
            if held >= (most or limits["redis.replica_buffer.warning_bytes"])
            else None
        )
    ratio = held / counts.maxmemory_bytes if counts.maxmemory_bytes else 0.0
    of_limit = limits.severity("redis.client_held", ratio, "ratio")
    return of_limit or limits.severity("redis.client_held", held, "bytes")


def hard_limits(text: str) -> dict[str, int]:
    """Return the hard limit of each kind of client in client-output-buffer-limit; 0 is none.

    >>> hard_limits("normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60")
    {'normal': 0, 'replica': 268435456, 'pubsub': 33554432}
    """
    words = text.split()
    pairs = zip(words[::4], words[1::4], strict=False)
    return {"replica" if kind == "slave" else kind: int(size) for kind, size in pairs if size.isdecimal()}


def _monitor(evidence: Evidence, monitors: Sequence[RedisClient], limits: Thresholds) -> Finding:
    client = max(monitors, key=lambda member: member.age_seconds or 0)
    name, age = client.name or client.library or client.address, client.age_seconds
    is_left = limits.severity("redis.monitor", age, "seconds") is not None
    return finding(
        evidence,
        "monitor",
        FindingSeverity.WARNING if is_left else FindingSeverity.INFO,
        f"{format_count(len(monitors), 'client')} with MONITOR: {name}, connected for {format_duration(age)}",
        f"client id {client.client_id} from {client.address}, user {client.user or 'unknown'}. Every "
        f"command is copied to it, with all values: it costs up to half the throughput, and exposes the "
        f"values to whoever watches. If no one is debugging, CLIENT KILL ID {client.client_id} ends it: "
        f"nothing is lost",
        client=name,
        client_id=client.client_id,
        address=client.address,
        client_count=len(monitors),
        age_seconds=age,
    )


def _unlisted(evidence: Evidence, counts: RedisClients, limits: Thresholds) -> Iterator[Finding]:
    """Yield that some client of very many holds much, where the server itself knows no more than that."""
    listed, connected = counts.listed_count, counts.connected_count
    if listed is None or connected is None or listed >= connected / 2:
        return
    held = max(counts.recent_output_bytes or 0, counts.recent_input_bytes or 0)
    severity = _severity("output_buffer", held, counts, limits)
    if severity is None:
        return
    yield finding(
        evidence,
        "large_buffer",
        FindingSeverity.WARNING,
        f"one of {format_number(connected)} clients has a buffer of {format_bytes(held)}, but it is not "
        f"known which client",
        "there are too many clients to list them without blocking others; in a quiet moment, run redis-cli "
        "CLIENT LIST and compare omem and qbuf",
        held=format_bytes(held),
        held_bytes=held,
    )
