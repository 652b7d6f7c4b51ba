"""Kinds of services: what a technology declares to the configuration before anything of it is reached."""

from collections.abc import Mapping

import msgspec


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What `kind` of a `[[service]]` may be."""

    name: str
    keys: type[msgspec.Struct] | None = None  # further keys of such a service: `Service.options`
    default_port: int | None = None
    schemes: tuple[str, ...] = ()  # of its addresses: "redis", "rediss"
    url_schemes: tuple[str, ...] = ()  # that its `url` must have; any if empty
    variables: tuple[str, ...] = ()  # parts of the names of variables that hold its address: "REDIS"
    has_sql: bool = False  # whether a team's own SELECT can be sent to it
    is_deployed: bool = False  # whether it runs code of the team's own


Kinds = Mapping[str, Kind]
