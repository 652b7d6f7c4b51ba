"""What is read of a memcached server."""

import time
from functools import partial

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.model import Row, Window
from incident_lib.probes.base import Fetched, Lane, Probe

from .service import Keys, Session, open_session

_APART_SECONDS = 1.0


class MemcachedStats(Row, frozen=True, kw_only=True):
    """What a server counts, and how fast some of it rises."""

    version: str
    uptime_seconds: float
    connection_count: int
    connection_limit_count: int
    refused_count: int  # times that it stopped accepting, since its start
    used_bytes: int
    limit_bytes: int
    item_count: int
    evictions_per_second: float
    evicts_on_purpose: bool = False  # as configured


def fetch_connection(session: Session, _window: Window) -> Fetched:
    """Return nothing but that it answers. Source: version."""
    session.send("version", b"\r\n")
    return Fetched()


def fetch_stats(session: Session, _window: Window, *, keys: Keys) -> Fetched:
    """Return what the server counts. Source: stats, twice, a second apart; stats settings."""
    first, started = _numbers(session, "stats"), time.monotonic()
    time.sleep(_APART_SECONDS)
    second = _numbers(session, "stats")
    seconds = time.monotonic() - started
    settings = _numbers(session, "stats settings")
    row = MemcachedStats(
        version=second["version"],
        uptime_seconds=float(second["uptime"]),
        connection_count=int(second["curr_connections"]),
        connection_limit_count=int(settings["maxconns"]),
        refused_count=int(second.get("listen_disabled_num", 0)),
        used_bytes=int(second["bytes"]),
        limit_bytes=int(second["limit_maxbytes"]),
        item_count=int(second["curr_items"]),
        evictions_per_second=(int(second["evictions"]) - int(first["evictions"])) / seconds,
        evicts_on_purpose=keys.evicts_on_purpose,
    )
    return Fetched(rows=(row,))


def _numbers(session: Session, command: str) -> dict[str, str]:
    words = [line.split(" ", 2) for line in session.send(command, b"END\r\n")]
    return {name: value for _, name, value in (entry for entry in words if len(entry) == 3)}


PROBES = (
    Probe(
        name="memcached.connection",
        fetch=fetch_connection,
        question="Does it answer?",
        source="version",
        cost="one connection",
    ),
    Probe(
        name="memcached.stats",
        fetch=partial(fetch_stats, keys=Keys()),
        question="How full is it, and what does it throw away?",
        source="stats; stats settings",
        tier=1,
        in_watch={},
    ),
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return a lane for each memcached service."""
    services = (service for service in settings.services if service.kind == "memcached")
    return tuple(_lane(settings, service) for service in services)


def _lane(settings: Settings, service: Service) -> Lane:
    connection, stats = PROBES
    keys = service.options if isinstance(service.options, Keys) else Keys()
    stats = msgspec.structs.replace(stats, fetch=partial(fetch_stats, keys=keys))
    opening = partial(open_session, settings, service)
    return Lane(target=service.name, open=opening, probes=(connection, stats), name="memcached")
