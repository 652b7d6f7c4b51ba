"""Redis and Valkey: one bounded connection that can only read."""

from incident_lib.technologies.redis.connect.commands import MOST_PENDING, SETTINGS, acl_rule, is_known
from incident_lib.technologies.redis.connect.problems import ReplyError, from_reply
from incident_lib.technologies.redis.connect.session import (
    NAME,
    Info,
    RedisSession,
    difference,
    mode_of,
    own_count,
    risen,
    text_of,
)
from incident_lib.technologies.redis.connect.ways import open_session

__all__ = [
    "MOST_PENDING",
    "NAME",
    "SETTINGS",
    "Info",
    "RedisSession",
    "ReplyError",
    "acl_rule",
    "difference",
    "from_reply",
    "is_known",
    "mode_of",
    "open_session",
    "own_count",
    "risen",
    "text_of",
]
