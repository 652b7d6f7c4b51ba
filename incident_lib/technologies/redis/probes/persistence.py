"""Whether the data reaches the disk."""

from datetime import UTC, datetime

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import Info, RedisSession
from incident_lib.technologies.redis.rows import RedisPersistence


def fetch_persistence(session: RedisSession, _window: Window) -> Fetched:
    """Return the state of dumps and of the append-only file.

    Source: INFO; CONFIG GET save, stop-writes-on-bgsave-error. Needs: +info, +config|get for the settings.
    """
    session.need_data()
    info = session.info()
    settings = session.settings("save", "stop-writes-on-bgsave-error")
    stop = settings["stop-writes-on-bgsave-error"]
    lasted = info.count("rdb_last_bgsave_time_sec")
    dumped, fork = info.count("rdb_last_save_time"), info.count("latest_fork_usec")
    row = RedisPersistence(
        save=settings["save"],
        stop_writes_on_failure=None if stop is None else stop == "yes",
        dump_ok=_ok(info, "rdb_last_bgsave_status"),
        dump_running=info.flag("rdb_bgsave_in_progress"),
        dump_at=session.here(datetime.fromtimestamp(dumped, UTC)) if dumped else None,
        dump_seconds=None if lasted is None or lasted < 0 else lasted,
        unsaved_change_count=info.count("rdb_changes_since_last_save"),
        aof_enabled=info.flag("aof_enabled"),
        aof_write_ok=_ok(info, "aof_last_write_status"),
        aof_rewrite_ok=_ok(info, "aof_last_bgrewrite_status"),
        fork_seconds=None if fork is None else fork / 1_000_000,
        role=info.text("role"),
    )
    return Fetched(rows=(row,))


def _ok(info: Info, name: str) -> bool | None:
    status = info.text(name)
    return None if status is None else status == "ok"


PROBE = Probe(
    name="redis.persistence",
    fetch=fetch_persistence,
    question="Does the data reach the disk?",
    source="INFO all (persistence); CONFIG GET save; CONFIG GET stop-writes-on-bgsave-error",
    needs="+info +config|get",
)
