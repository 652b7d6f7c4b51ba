"""Which commands are refused just now."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import RedisSession
from incident_lib.technologies.redis.rows import RedisErrorClass


def fetch_errors(session: RedisSession, _window: Window) -> Fetched:
    """Return error replies by class, and by how many they rose in a second.

    Source: INFO errorstats, twice. Shape: a row a class; ours are subtracted. Needs: +info.
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
    return Fetched(rows=tuple(rows))


PROBE = Probe(
    name="redis.errors",
    fetch=fetch_errors,
    question="Which commands does it refuse?",
    source="INFO all, twice, a second apart (errorstats)",
    needs="+info",
)
