"""Servers that speak enough of HTTP to be believed, and then answer what no server does."""

import gzip
import itertools
import socket
import time
from collections.abc import Callable, Iterable

from tests.integration.network_service import read_request

Talk = Callable[[socket.socket], None]
_MEGABYTE = b"x" * (1 << 20)


def answer(*pieces: bytes, then: Iterable[bytes] = (), pause: float = 0.0) -> Talk:
    """Return a server that answers each request with `pieces`, then with what comes of `then`."""

    def talk(client: socket.socket) -> None:
        read_request(client)
        for piece in itertools.chain(pieces, then):
            client.sendall(piece)
            time.sleep(pause)

    return talk


def head(*lines: str) -> bytes:
    """Return the head of an answer."""
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "", "")).encode("latin-1")


def json_answer(body: bytes) -> Talk:
    """Return a server whose answer calls itself JSON."""
    return answer(head("Content-Type: application/json", f"Content-Length: {len(body)}"), body)


FLOODS: dict[str, Talk] = {
    "a body without end": answer(head(), then=itertools.repeat(_MEGABYTE)),
    "chunks without end": answer(
        head("Transfer-Encoding: chunked"), then=itertools.repeat(b"100000\r\n" + _MEGABYTE + b"\r\n")
    ),
    "a chunk without end": answer(
        head("Transfer-Encoding: chunked"), b"FFFFFFFFFFFF\r\n", then=itertools.repeat(_MEGABYTE)
    ),
    "headers without end": answer(
        b"HTTP/1.1 200 OK\r\n", then=itertools.repeat(b"X-Some: " + b"x" * 60_000 + b"\r\n")
    ),
    "a header without end": answer(b"HTTP/1.1 200 OK\r\nX: ", then=itertools.repeat(_MEGABYTE)),
    "a first line without end": answer(then=itertools.repeat(_MEGABYTE)),
    "a size of a chunk without end": answer(
        head("Transfer-Encoding: chunked"), then=itertools.repeat(b"0" * 65_536)
    ),
    "continue without end": answer(then=itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "trailers without end": answer(
        head("Transfer-Encoding: chunked"),
        b"0\r\n",
        then=itertools.repeat(b"X-Some: " + b"x" * 60_000 + b"\r\n"),
    ),
}
BROKEN: dict[str, Talk] = {
    "silent": answer(then=(b"" for _ in itertools.count()), pause=0.5),
    "drips its head": answer(then=(b"H" for _ in itertools.count()), pause=0.5),
    "drips its body": answer(head("Content-Length: 100000"), then=itertools.repeat(b"x"), pause=0.5),
    "hangs up": lambda client: client.close(),
    "no status": answer(b"HTTP/1.1\r\n\r\n"),
    "a status past all": answer(b"HTTP/1.1 " + b"9" * 400 + b" OK\r\n\r\n"),
    "a status that is no number": answer(b"HTTP/1.1 abc OK\r\n\r\n"),
    "another version": answer(b"HTTP/9.9 200 OK\r\n\r\n"),
    "a negative length": answer(head("Content-Length: -5"), b"hello"),
    "a length past all": answer(head("Content-Length: " + "9" * 400), b"hello"),
    "a length of too many digits": answer(head("Content-Length: " + "9" * 5000), b"hello"),
    "two lengths": answer(head("Content-Length: 5", "Content-Length: 7"), b"hello"),
    "a chunk of a negative size": answer(head("Transfer-Encoding: chunked"), b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk of no size": answer(head("Transfer-Encoding: chunked"), b"zz\r\nhello\r\n0\r\n\r\n"),
    "a body that ends early": answer(head("Content-Length: 100"), b"hello"),
    "packed nothings": answer(head("Content-Encoding: gzip"), gzip.compress(b"\0" * 50_000_000)),
    "deep JSON": json_answer(b"[" * 60_000),
    "deep objects": json_answer(b'{"a":' * 12_000),
    "JSON of numbers past all": json_answer(
        b'{"status": "ok", "database": 1e999999, "n": ' + b"9" * 5000 + b"}"
    ),
    "JSON of control characters": json_answer(
        b'{"status": "\\u001b[2J\\u202e", "db": {"status": "\\ud800"}}'
    ),
    "invalid text": answer(head("Content-Length: 6"), b"\xff\xfe\0\x1b[2"),
    "headers of control characters": answer(head("Server: \x1b[2J\x07", "Retry-After: " + "9" * 400), b""),
    "a date of the year 9999": answer(head("Date: Fri, 31 Dec 9999 23:59:59 GMT", "Content-Length: 0")),
    "a date past all": answer(head("Date: Fri, 99 Dec 99999 99:99:99 +9999999", "Content-Length: 0")),
    "a date before all": answer(head("Date: Mon, 01 Jan 0001 00:00:00 +2359", "Content-Length: 0")),
    "redirects in a circle": answer(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to metadata": answer(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n"
    ),
    "a redirect to nowhere": answer(
        b"HTTP/1.1 302 Found\r\nLocation: http://[::bad/\r\nContent-Length: 0\r\n\r\n"
    ),
    "a redirect to a file": answer(
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"
    ),
    "another protocol": lambda client: client.sendall(b"\x15\x03\x01\0\2\2\x50"),
    "no protocol": answer(b"\0" * 4096),
}
# These answer 200 and bring a body that can be read: to be reported as well is right.
WELL = {
    "a body without end",
    "chunks without end",
    "a chunk without end",
    "packed nothings",
    "deep JSON",
    "deep objects",
    "JSON of numbers past all",
    "JSON of control characters",
    "invalid text",
    "headers of control characters",
    "a date of the year 9999",
    "a date past all",
    "a date before all",
    "another version",
    "two lengths",
    "a negative length",
    "a length of too many digits",
}
