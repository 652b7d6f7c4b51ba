"""Servers on real sockets that behave well and badly, and a real certificate authority."""

import datetime as dt
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import trustme

Conversation = Callable[[socket.socket], None]
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@contextmanager
def serve(
    talk: Conversation, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Yield the port of a server that has `talk` with each connection, in a thread of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        threading.Thread(target=_accept, args=(listener, talk, context), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, talk: Conversation, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(connection, talk, context), daemon=True).start()


def _talk(connection: socket.socket, talk: Conversation, context: ssl.SSLContext | None) -> None:
    with ExitStack() as stack:
        stack.enter_context(suppress(OSError))
        stack.enter_context(connection)
        connection.settimeout(10)
        if context:
            connection = stack.enter_context(context.wrap_socket(connection, server_side=True))
        talk(connection)


def read_request(connection: socket.socket) -> str:
    """Return the head of a request."""
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(4096)):
        data += more
    return data.decode("latin-1")


def http(
    body: bytes | str = b"ok", status: str = "200 OK", headers: tuple[str, ...] = (), delay: float = 0.0
) -> Conversation:
    """Return a conversation that answers a request with `body`."""
    content = body.encode() if isinstance(body, str) else body

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(delay)
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
        connection.sendall("\r\n".join(head).encode("latin-1") + content)

    return talk


def routes(table: dict[str, Conversation]) -> Conversation:
    """Return a conversation that depends on the path. The request was then read already."""

    def talk(connection: socket.socket) -> None:
        head = connection.recv(4096, socket.MSG_PEEK).decode("latin-1")
        table.get(head.split(" ")[1], http(b"", "404 Not Found"))(connection)

    return talk


def silent(connection: socket.socket) -> None:
    """Say nothing until the other side goes."""
    while connection.recv(4096):
        pass


def reset(connection: socket.socket) -> None:
    """Read the request, then hang up with a reset."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refuse_talk(connection: socket.socket) -> None:
    """Accept, then hang up with a reset before a word was said."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close_at_once(connection: socket.socket) -> None:
    """Accept, then close in good order before a word was said."""


def greet(connection: socket.socket) -> None:
    """Speak first, as mail and database servers do, then listen."""
    connection.sendall(b"220 ready\r\n")
    silent(connection)


def hang_up(connection: socket.socket) -> None:
    """Read the request, then close in good order."""
    connection.recv(4096)


def drip(connection: socket.socket) -> None:
    """Answer one byte every 50 ms, which no timeout between two bytes ends."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b".")
        time.sleep(0.05)


def drip_head(connection: socket.socket) -> None:
    """Drip the header too."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b".")
        time.sleep(0.05)


def says(data: bytes) -> Conversation:
    """Return a conversation that sends `data` and closes."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return talk


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def full_backlog() -> Iterator[int]:
    """Yield the port of a listener whose backlog is full, so that further connections are not answered."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(address)
        yield address[1]


class Authority:
    """A certificate authority with its certificate in a file."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.path = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.path)

    def context(
        self,
        *names: str,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> ssl.SSLContext:
        """Return a server's context with a certificate for `names`."""
        leaf = self.ca.issue_cert(*names, not_before=not_before, not_after=not_after or NOW + 90 * DAY)
        return server_context(leaf)

    def without_intermediate(self, *names: str) -> ssl.SSLContext:
        """Return a server's context that sends its own certificate only, signed by an intermediate one."""
        leaf = self.ca.create_child_ca().issue_cert(*names, not_after=NOW + 90 * DAY)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with leaf.private_key_pem.tempfile() as key, leaf.cert_chain_pems[0].tempfile() as chain:
            context.load_cert_chain(chain, key)
        return context


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context with the whole chain of `leaf`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context
