"""What needs what: the graph that moves blame from a symptom to its cause."""

from functools import cached_property

import msgspec


class Topology(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Targets by name: what each is, and what it needs."""

    kinds: dict[str, str] = {}  # http, postgres, redis, process; outside, host, docker
    depends_on: dict[str, tuple[str, ...]] = {}
    addresses: dict[str, tuple[str, ...]] = {}  # "db.example.com:5432"; "app-db" where any port is meant
    places: dict[str, str] = {}  # in which container a service runs
    is_assumed: bool = False  # nothing is configured: these are the targets of the usual stack

    def needs(self, name: str) -> frozenset[str]:
        """Return everything `name` needs, at any distance.

        >>> sorted(Topology(depends_on={"web": ("api",), "api": ("db",)}).needs("web"))
        ['api', 'db']
        """
        return self._needs.get(name, frozenset())

    def users(self, name: str) -> frozenset[str]:
        """Return everything that needs `name`, at any distance.

        >>> sorted(Topology(depends_on={"web": ("api",), "api": ("db",)}).users("db"))
        ['api', 'web']
        """
        return self._users.get(name, frozenset())

    def called(self, address: str) -> frozenset[str]:
        """Return the targets that an address in a log line names: `host:port`, or a host alone.

        The port decides on this machine's own address, and wherever both sides name a port.

        >>> shop = Topology(addresses={"db": ("127.0.0.1:5432", "app-db"), "cache": ("127.0.0.1:6379",)})
        >>> [sorted(shop.called(address)) for address in ("localhost:5432", "app-db:5432", "localhost")]
        [['db'], ['db'], []]
        """
        host, port = _parted(address)
        return frozenset(
            name
            for name, known in self.addresses.items()
            if any(_is_same(host, port, *_parted(other)) for other in known)
        )

    @cached_property
    def _needs(self) -> dict[str, frozenset[str]]:
        """What each target needs: asked for thousands of times where many targets fail."""
        return {name: _reached(name, self.depends_on) for name in self.depends_on}

    @cached_property
    def _users(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for user, needed in self._needs.items():
            for name in needed:
                found.setdefault(name, set()).add(user)
        return {name: frozenset(users) for name, users in found.items()}


def _reached(name: str, edges: dict[str, tuple[str, ...]]) -> frozenset[str]:
    """Return what can be reached from `name`; itself only where there is a circle."""
    seen: set[str] = set()
    left = [*edges.get(name, ())]
    while left:
        other = left.pop()
        if other not in seen:
            seen.add(other)
            left += edges.get(other, ())
    return frozenset(seen)


_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def _parted(address: str) -> tuple[str, str]:
    """Return host and port, "" for none.

    >>> _parted("[::1]:5432"), _parted("DB.example.com"), _parted("fe80::7")
    (('localhost', '5432'), ('db.example.com', ''), ('fe80::7', ''))
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit() or (":" in host and not host.endswith("]")):
        host, port = address, ""
    host = host.strip("[]").lower().rstrip(".")
    return ("localhost" if host in _HERE else host), port


def _is_same(host: str, port: str, known_host: str, known_port: str) -> bool:
    if host != known_host or (port and known_port and port != known_port):
        return False
    return host != "localhost" or bool(port and known_port)
