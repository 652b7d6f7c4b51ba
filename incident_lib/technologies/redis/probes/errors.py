"""Which commands are refused just now."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import Info, RedisSession
from incident_lib.technologies.redis.rows import RedisErrorClass, RedisStanding


def fetch_errors(session: RedisSession, _window: Window) -> Fetched:
    """Return error replies by class, and by how many they rose in a second.

    Source: INFO errorstats and replication, twice; CONFIG GET min-replicas-to-write. Shape: a row a class;
    ours are subtracted. Needs: +info, +config|get for the setting.
    """
    first, second = session.later()
    before = {name: int(parts["count"]) for name, parts in first.group("errorstat_")}
    rows = []
    for name, parts in second.group("errorstat_"):
        ours = second.refused[name] - first.refused[name]
        risen = int(parts["count"]) - before.get(name, 0) - ours
        rows.append(
            RedisErrorClass(
                name=name,
                total_count=int(parts["count"]) - second.refused[name],
                risen_count=None if risen < 0 else risen,
                seconds=second.read_at - first.read_at,
            )
        )
    return Fetched(rows=(*rows, _standing(session, second)))


def _standing(session: RedisSession, info: Info) -> RedisStanding:
    host, link = info.text("master_host"), info.text("master_link_status")
    good = info.count("min_slaves_good_slaves")
    wanted = session.setting("min-replicas-to-write") if good is not None else None
    return RedisStanding(
        role=info.text("role"),
        primary=f"{host}:{info.text('master_port')}" if host else None,
        link_up=None if link is None else link == "up",
        link_down_seconds=info.count("master_link_down_since_seconds"),
        replica_count=info.count("connected_slaves"),
        good_replica_count=good,
        least_replica_count=int(wanted) if wanted and wanted.isdecimal() else None,
    )


PROBE = Probe(
    name="redis.errors",
    fetch=fetch_errors,
    question="Which commands does it refuse?",
    source="INFO all, twice, a second apart (errorstats, replication); CONFIG GET min-replicas-to-write",
    needs="+info +config|get",
)
