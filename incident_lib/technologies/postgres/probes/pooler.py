"""Do clients wait in the pooler?"""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect.session import CONSOLE, SHOWS
from incident_lib.technologies.postgres.rows import PostgresPool, PostgresPooler

if TYPE_CHECKING:
    from incident_lib.technologies.postgres.connect.direct import PoolerSession

_APART_SECONDS = 1.0
Answer = list[dict[str, Any]]


def fetch_pooler(session: "PoolerSession", _window: Window) -> Fetched:
    """Return PgBouncer and its pools: a PostgresPooler, then a PostgresPool each.

    Source: SHOW POOLS, twice, a second apart; SHOW DATABASES, LISTS, CONFIG, VERSION. Needs: stats_users.
    """
    before = {(row["database"], row["user"]): row for row in session.show("SHOW POOLS")}
    version, lists, config = (session.show(f"SHOW {what}") for what in ("VERSION", "LISTS", "CONFIG"))
    about = pooler_row(version, lists, config)
    databases = {row["name"]: row for row in session.show("SHOW DATABASES")}
    time.sleep(_APART_SECONDS)
    pools = [
        pool_row(row, before.get((row["database"], row["user"])), databases.get(row["database"], {}))
        for row in session.show("SHOW POOLS")
        if row["database"] != CONSOLE
    ]
    return Fetched(rows=(about, *limited_by_user(pools, config)))


def limited_by_user(pools: list[PostgresPool], config: Answer) -> list[PostgresPool]:
    """Return the pools with the limit that those of one role share, and how much of it they have.

    >>> pool = pool_row({"database": "shop", "user": "app", "cl_active": 2, "cl_waiting": 1, "maxwait": 1,
    ...     "sv_active": 2, "sv_idle": 1, "sv_used": 0, "sv_login": 0}, None, {})
    >>> [limited] = limited_by_user([pool], [{"key": "max_user_connections", "value": "3"}])
    >>> limited.user_limit_count, limited.user_connection_count
    (3, 3)
    """
    settings = {row["key"]: row["value"] for row in config}
    limit = int(settings.get("max_user_connections") or 0)
    if not limit:
        return pools
    taken: Counter[str] = Counter()
    for pool in pools:
        servers = pool.server_active_count + pool.server_idle_count + pool.server_used_count
        taken[pool.server_role or pool.role] += servers + pool.server_login_count
    return [
        msgspec.structs.replace(
            pool, user_limit_count=limit, user_connection_count=taken[pool.server_role or pool.role]
        )
        for pool in pools
    ]


def pooler_row(version: Answer, lists: Answer, config: Answer) -> PostgresPooler:
    """Return what PgBouncer says of itself.

    >>> pooler_row([{"version": "PgBouncer 1.18.0"}], [{"list": "used_clients", "items": 9}],
    ...     [{"key": "max_client_conn", "value": "100"}]).client_limit
    100
    """
    items = {row["list"]: row["items"] for row in lists}
    settings = {row["key"]: row["value"] for row in config}
    limit = settings.get("max_client_conn")
    return PostgresPooler(
        version=str(version[0]["version"]) if version else None,
        client_count=int(items.get("used_clients", 0)),
        client_limit=int(limit) if limit else None,
        server_count=int(items.get("used_servers", 0)),
    )


def pool_row(row: dict[str, Any], before: dict[str, Any] | None, database: dict[str, Any]) -> PostgresPool:
    """Return one pool as a record; columns that a version does not have count as nothing."""
    port = database.get("port")
    host = database.get("host")
    return msgspec.convert(
        {
            "database": row["database"],
            "role": row["user"],
            "mode": row.get("pool_mode"),
            "client_active_count": row["cl_active"],
            "client_waiting_count": row["cl_waiting"],
            "client_waiting_before_count": before["cl_waiting"] if before else 0,
            "longest_wait_seconds": row["maxwait"] + row.get("maxwait_us", 0) / 1e6,
            "server_active_count": row["sv_active"],
            "server_idle_count": row["sv_idle"],
            "server_used_count": row["sv_used"],
            "server_login_count": row["sv_login"],
            "size_limit_count": database.get("pool_size"),
            "database_limit_count": database.get("max_connections") or None,
            "database_connection_count": database.get("current_connections"),
            "is_paused": _is_on(database.get("paused")),
            "is_disabled": _is_on(database.get("disabled")),
            "server_address": f"{host}:{port}" if host else None,
            "server_database": database.get("database"),
            "server_role": database.get("force_user") or None,
        },
        PostgresPool,
    )


def _is_on(value: int | str | None) -> bool | None:
    return None if value is None else str(value) not in {"0", "no", "f", "false"}


POOLER = Probe(
    name="postgres.pooler",
    fetch=fetch_pooler,
    question="Do clients wait in PgBouncer?",
    source="; ".join(SHOWS),
    needs="pooler_dsn of the service, a name in stats_users",
    cost="one connection with its console",
    tier=1,
)
