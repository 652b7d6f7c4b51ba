"""A session with one server: INFO twice, shared by all probes, and the other commands that may be sent."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.redis.connect.commands import name_of
from incident_lib.technologies.redis.connect.problems import ReplyError, from_reply
from incident_lib.technologies.redis.connect.stream import Command

NAME = "incident-workbench"
SAMPLE_SECONDS = 1.0


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
    lines = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return Info(fields={name: value for name, _, value in lines}, read_at=read_at)


def difference(first: Info, second: Info, name: str) -> int | None:
    """Return by how much a counter rose between two samples, None where it was reset or is not there.

    >>> difference(parse("evicted_keys:3"), parse("evicted_keys:10"), "evicted_keys")
    7
    """
    return risen(first.count(name), second.count(name))


def risen(before: int | None, after: int | None) -> int | None:
    """Return by how much a counter rose, None where it was reset or is not known.

    >>> risen(2, 5), risen(5, 2), risen(None, 2)
    (3, None, None)
    """
    return None if before is None or after is None or after < before else after - before


class Transport(Protocol):
    """A way to send commands: a socket, or redis-cli inside a container."""

    where: str
    local: str  # our end, as the server may show it: "127.0.0.1:40312"
    ends: tuple[str, str]  # our address and the server's, "" where there is none
    connect_seconds: float | None  # of the TCP handshake; None where each command is a process

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command; error replies are values."""

    def abort(self) -> None:
        """Break off, from another thread."""

    def close(self) -> None:
        """Give everything back."""


class RedisSession:
    """One logged-in connection. The first INFO is read as it opens, before our own commands count."""

    def __init__(self, transport: Transport, vantage: str, notes: tuple[str, ...] = ()) -> None:
        self.vantage = vantage
        self.notes = notes
        self.user = "default"  # as whom we are logged in
        self.transport = transport
        # Of the container or process, None where it has none; read only where maxmemory is not set.
        self.memory_limit: Callable[[], int | None] = lambda: None
        self.clock_difference = timedelta()  # the server's clock less ours
        self.first_at = clock.now()  # of the first sample
        self.info_refused: ReplyError | None = None
        self._sent: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._first: Info | None = None
        self._second: Info | None = None

    @property
    def is_quick(self) -> bool:
        """Whether a command costs a round trip, and not a process in a container."""
        return self.transport.connect_seconds is not None

    @property
    def info_problem(self) -> TargetError | None:
        """Why INFO cannot be read, None where it was."""
        return from_reply(self.info_refused) if self.info_refused else None

    def is_ours(self, client: Mapping[str, str]) -> bool:
        """Return whether a client, by the fields of CLIENT LIST, is the workbench."""
        address, local = client.get("addr", ""), self.transport.local
        if client.get("name") == NAME or (local and address == local):
            return True
        # redis-cli inside the container cannot be named: it is what sends from there what only we send.
        inside = not self.is_quick and address.startswith("127.0.0.1:") and not client.get("name")
        return inside and own_count(self._sent, client.get("cmd", "")) > 0

    def abort(self) -> None:
        """Break off what is going on, from another thread."""
        self.transport.abort()

    def close(self) -> None:
        """Give the connection back."""
        self.transport.close()

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command, in one round trip; error replies are values."""
        replies = self.transport.exchange(commands)
        for command, reply in zip(commands, replies, strict=True):
            name = "|".join(name_of(command)).lower()
            self._sent[name] += 1
            if isinstance(reply, ReplyError):
                reply.command = name
                self._refused[reply.code] += 1
        if not self.is_quick:  # each redis-cli logs in again
            self._sent["auth"] += len(commands)
        return replies

    def call(self, *command: str | bytes | int) -> Any:
        """Return the reply to one command. Errors: TargetError, also for an error reply."""
        reply = self.exchange([command])[0]
        if isinstance(reply, ReplyError):
            raise from_reply(reply)
        return reply

    def settings(self, *names: str) -> dict[str, str | None]:
        """Return settings by name, None where CONFIG GET is not allowed or the version has no such setting.

        Source: CONFIG GET, a name at a time, as versions before 7 take only one, in one round trip.
        """
        replies = self.exchange([("CONFIG", "GET", name) for name in names])
        found = (reply[1] if isinstance(reply, list) and len(reply) == 2 else None for reply in replies)
        return {
            name: None if value is None else text_of(value) for name, value in zip(names, found, strict=True)
        }

    def setting(self, name: str) -> str | None:
        """Return one setting, None where CONFIG GET is not allowed or the version has no such setting."""
        return self.settings(name)[name]

    def need_data(self) -> None:
        """Raise TargetError UNSUPPORTED at a Sentinel, which watches servers and holds nothing itself."""
        if self._first is not None and mode_of(self._first) == "sentinel":
            raise TargetError(
                ProblemKind.UNSUPPORTED,
                "this is a Sentinel, which holds no data",
                "add the server that it monitors as a separate service",
            )

    def read_first(self) -> None:
        """Read INFO for the first time, or keep the reply that refuses it."""
        sample = self._sample()
        if isinstance(sample, ReplyError):
            self.info_refused = sample
            return
        self._first, self.first_at = sample, clock.now()
        if micros := sample.count("server_time_usec"):
            with contextlib.suppress(OverflowError, ValueError, OSError):  # no time that there can be
                server = datetime.fromtimestamp(micros / 1_000_000, UTC)
                self.clock_difference = server - self.first_at

    def info(self) -> Info:
        """Return the first sample. Errors: TargetError where INFO is refused."""
        if self._first is None:
            raise from_reply(self.info_refused or ReplyError("ERR INFO was not read"))
        return self._first

    def later(self) -> tuple[Info, Info]:
        """Return two samples at least a second apart; the first call waits for what is left of it."""
        first = self.info()
        if self._second is None:
            time.sleep(max(first.read_at + SAMPLE_SECONDS - clock.monotonic(), 0))
            sample = self._sample()
            if isinstance(sample, ReplyError):
                raise from_reply(sample)
            self._second = sample
        return first, self._second

    def here(self, moment: datetime) -> datetime:
        """Return a time of the server's clock on ours."""
        return moment - self.clock_difference

    def _sample(self) -> Info | ReplyError:
        sent, refused = self._sent.copy(), self._refused.copy()
        read_at = clock.monotonic()
        reply = self.exchange([("INFO", "all")])[0]
        if isinstance(reply, ReplyError):
            return reply
        if not isinstance(reply, bytes):
            return ReplyError("ERR INFO gave no text")
        info = parse(text_of(reply), read_at=read_at)
        if not info.fields:  # no field is missing, and none is zero, in what is no INFO at all
            return ReplyError("ERR INFO gave no fields")
        return msgspec.structs.replace(info, sent=sent, refused=refused)


def mode_of(info: Info) -> str | None:
    """Return standalone, cluster or sentinel."""
    return info.text("server_mode") or info.text("redis_mode")


def own_count(sent: Mapping[str, int], name: str) -> int:
    """Return how often we sent `name`, which version 6 counts without subcommands.

    >>> own_count({"config|get": 3, "info": 2}, "config"), own_count({"config|get": 3}, "config|set")
    (3, 0)
    """
    return sum(count for command, count in sent.items() if name in {command, command.partition("|")[0]})


def text_of(value: object) -> str:
    r"""Return bytes of a reply as text; what is no UTF-8 is marked.

    >>> text_of(b"na\xc3\xafve \xff")
    'naïve �'
    """
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
