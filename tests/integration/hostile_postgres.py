"""Servers that speak just enough of the protocol of PostgreSQL to be believed, and then send nonsense."""

import itertools
import socket
import struct
from collections.abc import Callable, Iterable

Talk = Callable[[socket.socket], None]
_SSL, _GSS = 80877103, 80877104
_TEXT = 25


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return one message."""
    return kind + struct.pack("!I", len(body) + 4) + body


def parameter(name: str, value: str) -> bytes:
    """Return a ParameterStatus."""
    return message(b"S", f"{name}\0{value}\0".encode())


READY = message(b"Z", b"I")
LOGIN_OK = message(b"R", struct.pack("!I", 0))
WELCOME = LOGIN_OK + b"".join(
    (
        parameter("server_version", "17.2"),
        parameter("client_encoding", "UTF8"),
        parameter("standard_conforming_strings", "on"),
        message(b"K", struct.pack("!II", 7, 7)),
        READY,
    )
)
COMPLETE = message(b"C", b"SELECT 1\0") + READY
PARSED = message(b"1") + message(b"2")


def described(*names: bytes, oid: int = _TEXT) -> bytes:
    """Return what comes before the rows of a statement."""
    fields = b"".join(name + b"\0" + struct.pack("!IHIhih", 0, 0, oid, -1, -1, 1) for name in names)
    return PARSED + message(b"T", struct.pack("!H", len(names)) + fields)


def row(*values: bytes | None) -> bytes:
    """Return a DataRow."""
    parts = [
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in values
    ]
    return message(b"D", struct.pack("!H", len(values)) + b"".join(parts))


def announced(size: int) -> bytes:
    """Return the beginning of a row with one value of that size."""
    return b"D" + struct.pack("!I", size + 10) + struct.pack("!Hi", 1, size)


def endless(content: bytes) -> Iterable[bytes]:
    """Return the same for ever."""
    return itertools.repeat(content)


def greet(client: socket.socket) -> None:
    """Read what a client says first, until its login."""
    while True:
        head = client.recv(8, socket.MSG_WAITALL)
        if len(head) < 8:
            raise ConnectionResetError
        size, code = struct.unpack("!II", head)
        if size > 8:
            client.recv(size - 8, socket.MSG_WAITALL)
        if code not in {_SSL, _GSS}:
            return
        client.sendall(b"N")


def login(*pieces: bytes, then: Iterable[bytes] = ()) -> Talk:
    """Return a server that answers a login with `pieces`, then with whatever comes of `then`."""

    def talk(client: socket.socket) -> None:
        greet(client)
        _send(client, itertools.chain(pieces, then))

    return talk


def statement(*pieces: bytes, then: Iterable[bytes] = (), closes: bool = False) -> Talk:
    """Return a server that lets clients in and answers each statement with `pieces`, then with `then`."""

    def talk(client: socket.socket) -> None:
        greet(client)
        client.sendall(WELCOME)
        while client.recv(65_536):
            _send(client, itertools.chain(pieces, then))
            if closes:
                return

    return talk


def _send(client: socket.socket, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        client.sendall(piece)


_ROWS = row(b"x" * 100) * 4000
_MEGABYTE = b"x" * (1 << 20)
# Each of them keeps sending until the other side goes.
FLOODS: dict[str, Talk] = {
    "rows without end": statement(described(b"alive"), then=endless(_ROWS)),
    "rows without columns": statement(described(), then=endless(row() * 20_000)),
    "rows of nothing": statement(described(*[b"c"] * 1000), then=endless(row(*[None] * 1000) * 10)),
    "a value of a gigabyte": statement(described(b"alive"), announced(1 << 30), then=endless(_MEGABYTE)),
    "notices without end": statement(
        then=endless(message(b"N", b"SNOTICE\0C00000\0M" + b"n" * 20_000 + b"\0\0") * 20)
    ),
    "notifications without end": statement(
        then=endless(message(b"A", struct.pack("!I", 7) + b"channel\0" + b"p" * 7000 + b"\0") * 100)
    ),
    "settings without end at the login": login(
        LOGIN_OK, then=(parameter(f"setting_{number}", "v" * 9000) for number in itertools.count())
    ),
    "notices without end at the login": login(
        LOGIN_OK, then=endless(message(b"N", b"SNOTICE\0C00000\0M" + b"n" * 20_000 + b"\0\0") * 20)
    ),
    "a copy without end": statement(
        PARSED, message(b"H", b"\0\0\1\0\0"), then=endless(message(b"d", b"x" * 60_000) * 10)
    ),
}
BROKEN: dict[str, Talk] = {
    "hangs up": lambda client: client.close(),
    "hangs up after the login": login(WELCOME),
    "no protocol": lambda client: client.sendall(b"\0" * 4096),
    "another protocol": lambda client: client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "an unknown authentication": login(message(b"R", struct.pack("!I", 99))),
    "a broken challenge": login(message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0")),
    "a negative length": login(b"R" + struct.pack("!i", -5)),
    "a length past all": login(b"R" + struct.pack("!I", 0xFFFFFFFF)),
    "a value with a negative length": statement(
        described(b"alive"), message(b"D", struct.pack("!Hi", 1, -77)), COMPLETE, closes=True
    ),
    "a value longer than its row": statement(
        described(b"alive"), message(b"D", struct.pack("!Hi", 1, 1 << 30)), COMPLETE, closes=True
    ),
    "more values than columns": statement(described(b"alive"), row(b"a", b"b", b"c"), COMPLETE),
    "a row without a description": statement(PARSED, row(b"a"), COMPLETE),
    "other columns": statement(described(b"\xff\xfe", b"n\xc3\xafve"), row(b"\xff", b"\xf0\x28"), COMPLETE),
    "names with a control character": statement(described(b"\x1b[2J\x07"), row(b"\x1b]0;t\x07"), COMPLETE),
    "a number of too many digits": statement(
        described(b"alive", oid=1700), row(b"\x7f\xff" * 4000), COMPLETE
    ),
    "a date past all": statement(described(b"alive", oid=1184), row(b"\x7f" + b"\xff" * 7), COMPLETE),
    "a date before all": statement(described(b"alive", oid=1184), row(b"\x80" + b"\0" * 7), COMPLETE),
    "a number of the wrong width": statement(described(b"alive", oid=23), row(b"\1"), COMPLETE),
    "deep JSON": statement(described(b"alive", oid=114), row(b"[" * 100_000), COMPLETE),
    "no rows": statement(PARSED, message(b"n"), COMPLETE),
    "an empty error": statement(message(b"E", b"\0"), READY),
    "a copy in": statement(message(b"G", b"\0\0\0"), closes=True),
    "ready without an answer": statement(READY),
    "an unknown message": statement(message(b"?", b"x" * 100), READY, closes=True),
    "a hang-up in a row": statement(described(b"alive"), announced(1 << 20), closes=True),
    "a long error": statement(message(b"E", b"SERROR\0CXX000\0M" + b"\xff" * 20_000 + b"\0\0"), READY),
}
