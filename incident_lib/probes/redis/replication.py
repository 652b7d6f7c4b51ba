"""Its part in replication and in a cluster."""

from incident_lib.connections.redis import Info, RedisSession, ReplyError, difference, from_reply, text_of
from incident_lib.connections.redis.info import parse
from incident_lib.model import AnyRow, Problem, Window
from incident_lib.model.redis import RedisCluster, RedisReplica, RedisReplication
from incident_lib.probes.base import Fetched, Probe


def fetch_replication(session: RedisSession, _window: Window) -> Fetched:
    """Return role, link, offsets and replicas, and the cluster's state where there is one.

    Source: INFO, twice; CLUSTER INFO in a cluster. Needs: +info, +cluster|info in a cluster.
    """
    first, second = session.later()
    rows: list[AnyRow] = [_replication(first, second), *_replicas(second)]
    problem = None
    if second.flag("cluster_enabled"):
        reply = session.exchange([("CLUSTER", "INFO")])[0]
        if isinstance(reply, ReplyError):
            problem = Problem.from_error(from_reply(reply))
        else:
            rows.append(_cluster(parse(text_of(reply))))
    return Fetched(rows=tuple(rows), problem=problem)


def _replication(first: Info, second: Info) -> RedisReplication:
    host, port = second.text("master_host"), second.text("master_port")
    link = second.text("master_link_status")
    replica = second.text("role") == "slave"
    return RedisReplication(
        role=second.text("role"),
        primary=f"{host}:{port}" if host else None,
        link_up=None if link is None else link == "up",
        link_down_seconds=second.count("master_link_down_since_seconds"),
        last_io_seconds=second.count("master_last_io_seconds_ago"),
        syncing=second.flag("master_sync_in_progress"),
        offset_bytes=second.count("slave_repl_offset" if replica else "master_repl_offset"),
        replica_count=second.count("connected_slaves"),
        backlog_bytes=second.count("repl_backlog_size") if second.flag("repl_backlog_active") else None,
        full_sync_count=difference(first, second, "sync_full"),
    )


def _replicas(info: Info) -> list[RedisReplica]:
    offset = info.count("master_repl_offset")
    return [
        RedisReplica(
            address=f"{parts.get('ip')}:{parts.get('port')}",
            state=parts.get("state", "?"),
            lag_seconds=_whole(parts.get("lag")),
            behind_bytes=_behind(offset, _whole(parts.get("offset"))),
        )
        for name, parts in info.group("slave")
        if name.isdigit()
    ]


def _behind(primary: int | None, replica: int | None) -> int | None:
    return None if primary is None or replica is None else max(primary - replica, 0)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _cluster(info: Info) -> RedisCluster:
    return RedisCluster(
        state=info.text("cluster_state"),
        slots_assigned_count=info.count("cluster_slots_assigned"),
        slots_ok_count=info.count("cluster_slots_ok"),
        slots_failing_count=info.count("cluster_slots_fail"),
        node_count=info.count("cluster_known_nodes"),
    )


PROBE = Probe(
    name="redis.replication",
    fetch=fetch_replication,
    question="Does replication work?",
    source="INFO all, twice, a second apart (replication); CLUSTER INFO in a cluster",
    needs="+info +cluster|info",
)
