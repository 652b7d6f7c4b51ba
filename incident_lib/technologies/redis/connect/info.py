"""One answer to INFO: numbers and words by name, and what we had sent until then."""

from collections import Counter
from collections.abc import Iterator

import msgspec


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """INFO at one moment. `sent` and `refused` are our own commands and error replies before it."""

    fields: dict[str, str]
    read_at: float  # monotonic
    sent: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)

    def text(self, name: str) -> str | None:
        """Return a field as it stands, None where this version has none."""
        return self.fields.get(name)

    def count(self, name: str) -> int | None:
        """Return a whole number, None where there is none."""
        try:
            return int(self.fields[name])
        except (KeyError, ValueError):
            return None

    def number(self, name: str) -> float | None:
        """Return a number, None where there is none."""
        try:
            return float(self.fields[name])
        except (KeyError, ValueError):
            return None

    def flag(self, name: str) -> bool | None:
        """Return whether a field is 1, None where there is none."""
        value = self.fields.get(name)
        return None if value is None else value == "1"

    def group(self, prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the rest of the name and the parts of each field such as `cmdstat_get:calls=1,usec=4`.

        >>> dict(parse("db0:keys=5,expires=1").group("db"))
        {'0': {'keys': '5', 'expires': '1'}}
        """
        for name, value in self.fields.items():
            if name.startswith(prefix) and "=" in value:
                yield (
                    name.removeprefix(prefix),
                    dict(part.split("=", 1) for part in value.split(",") if "=" in part),
                )


def parse(text: str, *, read_at: float = 0.0) -> Info:
    r"""Return the fields of an INFO reply.

    >>> parse("# Server\r\nredis_version:7.0.15\r\n").text("redis_version")
    '7.0.15'
    """
    lines = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return Info(fields={name: value for name, _, value in lines}, read_at=read_at)


def difference(first: Info, second: Info, name: str) -> int | None:
    """Return by how much a counter rose between two samples, None where it was reset or is not there.

    >>> difference(parse("evicted_keys:3"), parse("evicted_keys:10"), "evicted_keys")
    7
    """
    before, after = first.count(name), second.count(name)
    return None if before is None or after is None or after < before else after - before
