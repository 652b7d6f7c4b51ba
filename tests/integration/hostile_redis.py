"""Servers that speak enough of Redis' protocol to be believed, and then answer what no Redis does."""

import itertools
import socket
import time
from collections.abc import Callable, Iterable, Iterator

Talk = Callable[[socket.socket], None]
_MEGABYTE = b"x" * (1 << 20)


def bulk(content: bytes) -> bytes:
    """Return one bulk string."""
    return b"$%d\r\n%s\r\n" % (len(content), content)


def array(*items: bytes) -> bytes:
    """Return one array."""
    return b"*%d\r\n%s" % (len(items), b"".join(items))


def info(**fields: str) -> bytes:
    """Return an INFO reply with some fields as they should not be."""
    usual = {
        "redis_version": "7.2.4",
        "redis_mode": "standalone",
        "process_id": "7",
        "uptime_in_seconds": "86400",
        "server_time_usec": str(int(time.time() * 1e6)),
        "connected_clients": "3",
        "maxclients": "10000",
        "used_memory": "1000000",
        "used_memory_rss": "2000000",
        "maxmemory": "0",
        "role": "master",
        "total_commands_processed": "1000",
        "db0": "keys=5,expires=0,avg_ttl=0",
    }
    lines = (f"{name}:{value}" for name, value in (usual | fields).items())
    return bulk("\r\n".join(lines).encode("utf-8", "surrogateescape"))


USUAL: dict[bytes, bytes] = {
    b"PING": b"+PONG\r\n",
    b"INFO": info(),
    b"SLOWLOG": array(),
    b"LATENCY": array(),
    b"ACL": array(),
    b"CLIENT": b"+OK\r\n",
    b"CLUSTER": b"-ERR This instance has cluster support disabled\r\n",
    b"CONFIG": array(bulk(b"maxmemory"), bulk(b"0")),
    b"SCAN": array(bulk(b"0"), array()),
    b"MEMORY": b":5\r\n",
    b"TYPE": b"+none\r\n",
}


def answering(changed: dict[bytes, bytes], then: Iterable[bytes] = ()) -> Talk:
    """Return a server whose replies to some commands are others; `then` goes on behind the first of them."""

    def talk(client: socket.socket) -> None:
        for name in _commands(client):
            if name in changed:
                client.sendall(changed[name])
                for piece in then:
                    client.sendall(piece)
            else:
                client.sendall(USUAL.get(name, b"+OK\r\n"))

    return talk


def always(reply: bytes, then: Iterable[bytes] = ()) -> Talk:
    """Return a server that answers every command with the same."""
    return answering(dict.fromkeys((*USUAL, b"AUTH", b"SELECT"), reply), then)


def _commands(client: socket.socket) -> Iterator[bytes]:
    """Yield the name of each command that comes."""
    held = b""
    while data := client.recv(65_536):
        held += data
        while (found := _first(held)) is not None:
            name, used = found
            held = held[used:]
            yield name


def _first(data: bytes) -> tuple[bytes, int] | None:
    head, separator, rest = data.partition(b"\r\n")
    if not separator or head[:1] != b"*":
        return None
    words, used = [], len(head) + 2
    for _ in range(int(head[1:])):
        size, separator, rest = rest.partition(b"\r\n")
        if not separator or len(rest) < int(size[1:]) + 2:
            return None
        words.append(rest[: int(size[1:])])
        rest = rest[int(size[1:]) + 2 :]
        used += len(size) + 2 + int(size[1:]) + 2
    return words[0].upper(), used


def drip(client: socket.socket) -> None:
    """Send a byte of an answer without end, twice a second."""
    client.recv(4096)
    while True:
        client.sendall(b"+")
        time.sleep(0.5)


def silent(client: socket.socket) -> None:
    """Listen, and say nothing."""
    while client.recv(4096):
        pass


FLOODS: dict[str, Talk] = {
    "a bulk without end": always(b"$99999999999\r\n", itertools.repeat(_MEGABYTE)),
    "a line without end": always(b"+", itertools.repeat(_MEGABYTE)),
    "a list without end": always(b"*2000000000\r\n", itertools.repeat(b":1\r\n" * 200_000)),
    "an error without end": always(b"-", itertools.repeat(_MEGABYTE)),
    "an INFO without end": answering(
        {b"INFO": b"$99999999999\r\n"}, itertools.repeat(b"field:1\r\n" * 100_000)
    ),
    "lists inside lists without end": always(b"", itertools.repeat(b"*1\r\n" * 200_000)),
    "clients without end": answering(
        {b"CLIENT": b"$99999999999\r\n"},
        itertools.repeat(b"id=1 addr=10.0.0.7:1 name= age=1 db=0 cmd=get\n" * 20_000),
    ),
}
_HUGE = str(10**400)
BROKEN: dict[str, Talk] = {
    "silent": silent,
    "drips": drip,
    "hangs up": lambda client: client.close(),
    "no protocol": always(b"\0\1\2\3\r\n"),
    "a length that is no number": always(b"$abc\r\n"),
    "a negative length": always(b"$-77\r\n"),
    "a list of a negative length": always(b"*-77\r\n"),
    "a length past all": always(b"$" + b"9" * 400 + b"\r\n"),
    "a number past all": always(b":" + b"9" * 400 + b"\r\n"),
    "a number of too many digits": always(b":" + b"9" * 5000 + b"\r\n"),
    "deep lists": always(b"*1\r\n" * 100_000 + b":1\r\n"),
    "lists where text belongs": always(array(array(), array(array()))),
    "numbers where text belongs": always(b":7\r\n"),
    "nothing where text belongs": always(b"$-1\r\n"),
    "nothing where a list belongs": always(b"*-1\r\n"),
    "another version of the protocol": always(b"%1\r\n+a\r\n,inf\r\n"),
    "two answers to one": always(b"+PONG\r\n+PONG\r\n"),
    "an empty error": always(b"-\r\n"),
    "invalid text": always(bulk(b"\xff\xfe\0\x1b[2J")),
    "a time past all": answering({b"INFO": info(server_time_usec="9" * 30)}),
    "a time of the year 9999": answering({b"INFO": info(server_time_usec=str(253402300799 * 10**6))}),
    "a time before all": answering({b"INFO": info(server_time_usec="-" + "9" * 18)}),
    "an uptime past all": answering({b"INFO": info(uptime_in_seconds=_HUGE)}),
    "a negative uptime": answering({b"INFO": info(uptime_in_seconds="-" + "9" * 15)}),
    "numbers past all": answering(
        {b"INFO": info(used_memory=_HUGE, maxmemory="1", connected_clients=_HUGE, used_memory_rss=_HUGE)}
    ),
    "no numbers": answering(
        {
            b"INFO": info(
                used_memory="nan", maxmemory="inf", connected_clients="-inf", mem_fragmentation_ratio="nan"
            )
        }
    ),
    "negative numbers": answering({b"INFO": info(used_memory="-5", maxmemory="-7", connected_clients="-1")}),
    "names with control characters": answering(
        {b"INFO": info(redis_version="\x1b[2J7.2\x07", role="master\x00", executable="\udcff\udcfe")}
    ),
    "a slow log of nonsense": answering(
        {b"SLOWLOG": array(array(b":1\r\n"), b":7\r\n", bulk(b"x"), array())}
    ),
    "a slow log of the year 9999": answering(
        {
            b"SLOWLOG": array(
                array(
                    b":1\r\n",
                    b":%s\r\n" % (b"9" * 17),
                    b":5\r\n",
                    array(bulk(b"GET")),
                    bulk(b"a:1"),
                    bulk(b""),
                )
            )
        }
    ),
    "latencies of nonsense": answering(
        {b"LATENCY": array(array(bulk(b"fork"), b":%s\r\n" % (b"9" * 17), b":1\r\n"))}
    ),
    "a scan without end": answering({b"SCAN": array(bulk(b"1"), array(bulk(b"a")))}),
    "a scan that is no scan": answering({b"SCAN": bulk(b"0")}),
    "settings that are none": answering({b"CONFIG": bulk(b"maxmemory")}),
    "databases of nonsense": answering(
        {b"INFO": info(db0="keys=" + "9" * 400 + ",expires=-1", db1="x", db2="keys=nan")}
    ),
    "replicas of nonsense": answering(
        {
            b"INFO": info(
                connected_slaves="3", slave0="ip=\x1b,port=x,state=online,offset=" + "9" * 400 + ",lag=nan"
            )
        }
    ),
}
# No command of theirs gets an answer that can be read.
BREAKS_ALL = {
    "silent",
    "drips",
    "hangs up",
    "no protocol",
    "a length that is no number",
    "a negative length",
    "a list of a negative length",
    "a length past all",
    "a number past all",
    "a number of too many digits",
    "deep lists",
    "lists where text belongs",
    "numbers where text belongs",
    "nothing where text belongs",
    "nothing where a list belongs",
    "another version of the protocol",
    "an empty error",
}
