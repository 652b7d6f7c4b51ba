"""Its part in replication and in a cluster, or what a Sentinel watches."""

from collections.abc import Iterator

from incident_lib.model import Problem, Row, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import (
    Info,
    RedisSession,
    ReplyError,
    difference,
    from_reply,
    mode_of,
    text_of,
)
from incident_lib.technologies.redis.connect.session import parse
from incident_lib.technologies.redis.rows import (
    RedisCluster,
    RedisReplica,
    RedisReplication,
    RedisWatched,
)


def fetch_replication(session: RedisSession, _window: Window) -> Fetched:
    """Return role, link, offsets and replicas, and the cluster's state where there is one.

    Source: INFO, twice; CLUSTER INFO in a cluster; CONFIG GET replica-serve-stale-data of a replica without
    its link. Shape: of a Sentinel a row for each primary that it watches. Needs: +info, +cluster|info in a
    cluster.
    """
    first, second = session.later()
    if mode_of(second) == "sentinel":
        return Fetched(rows=tuple(_watched(second)))
    rows: list[Row] = [_replication(first, second, stale=_serves_stale_data(session, second))]
    rows += _replicas(second)
    problem = None
    if second.flag("cluster_enabled"):
        reply = session.exchange([("CLUSTER", "INFO")])[0]
        if isinstance(reply, ReplyError):
            problem = Problem.from_error(from_reply(reply))
        else:
            rows.append(_cluster(parse(text_of(reply))))
    return Fetched(rows=tuple(rows), problem=problem)


def _watched(info: Info) -> Iterator[RedisWatched]:
    for name, parts in info.group("master"):
        if name.isdigit():
            yield RedisWatched(
                name=parts.get("name", "?"),
                address=parts.get("address", "?"),
                status=parts.get("status", "?"),
                replica_count=_whole(parts.get("slaves")),
                sentinel_count=_whole(parts.get("sentinels")),
            )


def _serves_stale_data(session: RedisSession, info: Info) -> bool | None:
    if info.text("master_link_status") != "down":
        return None
    value = session.setting("replica-serve-stale-data")
    return None if value is None else value == "yes"


def _replication(first: Info, second: Info, *, stale: bool | None) -> RedisReplication:
    host, port = second.text("master_host"), second.text("master_port")
    link = second.text("master_link_status")
    replica = second.text("role") == "slave"
    history, ended = second.text("master_replid2") or "", second.count("second_repl_offset")
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
        backlog_used_bytes=second.count("repl_backlog_histlen"),
        full_sync_count=difference(first, second, "sync_full"),
        role_before=first.text("role"),
        replication_id=second.text("master_replid"),
        previous_replication_id=history if history.strip("0") else None,  # all zeros: it followed none
        previous_offset_bytes=None if ended is None or ended < 0 else ended,
        failover_state=second.text("master_failover_state"),
        serves_stale_data=stale,
        uptime_seconds=second.count("uptime_in_seconds"),
        full_sync_total_count=second.count("sync_full"),
        partial_sync_total_count=second.count("sync_partial_ok"),
        partial_refused_total_count=second.count("sync_partial_err"),
        limit_closed_total_count=second.count("client_output_buffer_limit_disconnections"),
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
    source="INFO all, twice, a second apart (replication, sentinel); CLUSTER INFO in a cluster",
    needs="+info +cluster|info",
)
