"""Wires between a client and a server that can be cut, silenced, or answered by something else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.integration.postgres_service import Server


@contextmanager
def serving(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """Yield the port of a listener that hands each client to `serve`, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening, accepting(listening, serve):
        yield int(listening.getsockname()[1])


@contextmanager
def accepting(listening: socket.socket, serve: Callable[[socket.socket], object]) -> Iterator[None]:
    """Hand each client of `listening` to `serve` until the block ends."""

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield
    listening.shutdown(socket.SHUT_RDWR)


def _pipe(source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
    """Forward what `source` says until one end closes; swallow it while `silent`."""
    try:
        while data := source.recv(65536):
            if not silent.is_set():
                sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    source.close()


def join(client: socket.socket, server: Server, silent: threading.Event, first: bytes = b"") -> socket.socket:
    """Return the upstream end of a new wire between `client` and `server`."""
    upstream = socket.create_connection(("127.0.0.1", server.port))
    upstream.sendall(first)
    couple(client, upstream, silent)
    return upstream


def couple(one: socket.socket, other: socket.socket, silent: threading.Event) -> None:
    """Forward what each of the two says to the other, until one of them closes."""
    for pair in ((one, other), (other, one)):
        threading.Thread(target=_pipe, args=(*pair, silent), daemon=True).start()


def say(client: socket.socket, greeting: bytes = b"") -> None:
    """Answer with `greeting`, then be silent until the client goes."""
    client.recv(1000)
    client.sendall(greeting)
    client.recv(1000)
    client.close()
