"""Settings that matter in an incident, to be compared with a healthy time."""

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import SETTINGS, RedisSession
from incident_lib.technologies.redis.rows import RedisSetting


def fetch_settings(session: RedisSession, _window: Window) -> Fetched:
    """Return settings by name. Source: CONFIG GET, a name at a time, never `*`. Needs: +config|get."""
    session.need_data()
    found = session.settings(*SETTINGS)
    rows = tuple(RedisSetting(name=name, value=value) for name, value in found.items() if value is not None)
    if not rows:
        raise TargetError(
            ProblemKind.PRIVILEGE,
            "CONFIG GET is not allowed here",
            "ask the provider for the settings, or allow it: ACL SETUSER <user> +config|get",
        )
    return Fetched(rows=rows)


PROBE = Probe(
    name="redis.settings",
    fetch=fetch_settings,
    question="How is it set up?",
    source="CONFIG GET, for each of: " + ", ".join(SETTINGS),
    needs="+config|get",
)
