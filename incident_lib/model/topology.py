"""What needs what: the graph that moves blame from a symptom to its cause."""

from collections.abc import Iterator

import msgspec


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """Targets by name: what each is, and what it needs."""

    kinds: dict[str, str] = {}  # http, postgres, redis, process; outside, host, docker
    depends_on: dict[str, tuple[str, ...]] = {}

    def needs(self, name: str) -> frozenset[str]:
        """Return everything `name` needs, at any distance.

        >>> sorted(Topology(depends_on={"web": ("api",), "api": ("db",)}).needs("web"))
        ['api', 'db']
        """
        return frozenset(self._walk(name, self.depends_on, set()))

    def users(self, name: str) -> frozenset[str]:
        """Return everything that needs `name`, at any distance.

        >>> sorted(Topology(depends_on={"web": ("api",), "api": ("db",)}).users("db"))
        ['api', 'web']
        """
        return frozenset(other for other in self.depends_on if name in self.needs(other))

    def _walk(self, name: str, edges: dict[str, tuple[str, ...]], seen: set[str]) -> Iterator[str]:
        for other in edges.get(name, ()):
            if other not in seen:
                seen.add(other)
                yield other
                yield from self._walk(other, edges, seen)
