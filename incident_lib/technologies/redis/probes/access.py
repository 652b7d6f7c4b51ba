"""Who was refused by the access rules, and how is it set up?"""

from datetime import timedelta
from typing import Any

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import SETTINGS as SETTING_NAMES
from incident_lib.technologies.redis.connect import RedisSession, is_known, text_of
from incident_lib.technologies.redis.probes.clients import parse_client
from incident_lib.technologies.redis.probes.patterns import command_name, key_pattern
from incident_lib.technologies.redis.rows import RedisDenial, RedisSetting

ENTRIES = 128


def fetch_acl(session: RedisSession, window: Window) -> Fetched:
    """Return refusals inside the window, without the names of keys. Source: ACL LOG 128. Needs: +acl|log."""
    replies = session.call("ACL", "LOG", ENTRIES)
    entries = [dict(zip(map(text_of, reply[::2]), reply[1::2], strict=False)) for reply in replies]
    others = [entry for entry in entries if not _is_ours(session, entry)]
    rows = tuple(row for row in map(_denial, others) if row.last_at >= window.start)
    cut = Truncation(kept=len(entries), unit="entries") if len(entries) >= ENTRIES else None
    return Fetched(rows=rows, truncated=cut)


def _is_ours(session: RedisSession, entry: dict[str, Any]) -> bool:
    """Return whether we were refused, now or in an earlier collection whose connection is gone."""
    client = _client(entry)
    if session.is_ours(client):
        return True
    by_key = text_of(entry.get("reason", b"")) == "key"
    command = client.get("cmd", "") if by_key else text_of(entry.get("object", b""))
    return text_of(entry.get("username", b"")) == session.user and is_known(command)


def _client(entry: dict[str, Any]) -> dict[str, str]:
    return parse_client(text_of(entry.get("client-info", b"")))


def _denial(entry: dict[str, Any]) -> RedisDenial:
    reason = text_of(entry.get("reason", b""))
    what = entry.get("object", b"")
    return RedisDenial(
        reason=reason,
        what=key_pattern(what) if reason in {"key", "channel"} else command_name(what.split(b"|")),
        user=text_of(entry.get("username", b"")),
        address=_client(entry).get("addr", "").rpartition(":")[0],
        denied_count=int(entry.get("count", 1)),
        last_at=clock.now() - timedelta(seconds=float(text_of(entry.get("age-seconds", b"0")))),
    )


ACL = Probe(
    name="redis.acl",
    fetch=fetch_acl,
    question="Who was refused by the access rules?",
    source="ACL LOG 128",
    needs="+acl|log",
)


def fetch_settings(session: RedisSession, _window: Window) -> Fetched:
    """Return settings by name. Source: CONFIG GET, a name at a time, never `*`. Needs: +config|get."""
    session.need_data()
    found = session.settings(*SETTING_NAMES)
    rows = tuple(RedisSetting(name=name, value=value) for name, value in found.items() if value is not None)
    if not rows:
        raise TargetError(
            ProblemKind.PRIVILEGE,
            "CONFIG GET is not allowed here",
            "get the settings from the provider, or allow it: ACL SETUSER <user> +config|get",
        )
    return Fetched(rows=rows)


SETTINGS = Probe(
    name="redis.settings",
    fetch=fetch_settings,
    question="How is it configured?",
    source="CONFIG GET, for each of: " + ", ".join(SETTING_NAMES),
    needs="+config|get",
)
