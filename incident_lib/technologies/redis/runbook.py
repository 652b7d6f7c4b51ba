"""What a person types to see what a Redis probe sees."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command, shell_reference

FIRST = ("redis.connection", "redis.memory", "redis.clients")
_REDIS = {
    "redis.connection": ("PING",),
    "redis.memory": ("INFO", "memory"),
    "redis.errors": ("INFO", "errorstats"),
    "redis.clients": ("INFO", "clients"),
    "redis.persistence": ("INFO", "persistence"),
    "redis.replication": ("INFO", "replication"),
    "redis.slowlog": ("SLOWLOG", "GET", "10"),
    "redis.commands": ("INFO", "commandstats"),
    "redis.keyspace": ("INFO", "keyspace"),
}


def by_hand(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe sees."""
    if probe not in _REDIS or not isinstance(target, Service) or target.kind != "redis":
        return ()
    if target.url:
        way = f"redis-cli --no-auth-warning -u {_address(target.url)}"
    elif target.container:
        way = f"docker exec {quote(target.container)} redis-cli"
    else:
        return ()
    return (Command(text=f"{way} {' '.join(_REDIS[probe])}", shows=probe.partition(".")[2]),)


def _address(value: str) -> str:
    """Return the address for redis-cli, which takes a password without a user for one of user "".

    >>> _address("file:cache.url"), _address("redis://cache:6379")
    ('"$(sed s,://:,://default:, cache.url)"', 'redis://cache:6379')
    """
    scheme, _, rest = value.partition(":")
    if scheme == "file":
        return f'"$(sed s,://:,://default:, {quote(rest)})"'
    if scheme == "env" and rest.isidentifier():
        return f'"$(printenv {rest} | sed s,://:,://default:,)"'
    return shell_reference(value)
