"""A socket proxy before a real Docker engine, as teams put one there: it denies or cuts what it is asked.

Each connection is one conversation: the head of its requests is read, what is not denied goes to the engine.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LINE = re.compile(rb"^(\w+) (?:/v[\d.]+)?(/\S*) HTTP/1\.[01]\r\n")
_DENIED = b"<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n"
_REFUSAL = b"HTTP/1.0 403 Forbidden\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n"


class Proxy:
    """What it does can be changed while it runs: patterns of paths, each searched in METHOD /path."""

    def __init__(self, folder: Path, host: str) -> None:
        self.path = folder / "proxy.sock"
        self.host = f"unix://{self.path}"
        self.denied = ""  # answered with 403
        self.half = ""  # answered with the beginning of what the engine says, then closed
        self.silent = ""  # never answered
        self.seen: list[str] = []
        self._engine = host.removeprefix("unix://")
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(50)
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it; the file of its socket stays, as a proxy that was killed leaves it."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for client in tuple(self._open):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self._engine)
            halves = threading.Event()
            threading.Thread(target=_pass_on, args=(engine, client, halves), daemon=True).start()
            while data := client.recv(1 << 16):
                if found := _LINE.match(data):
                    what = f"{found[1].decode()} {found[2].decode()}"
                    self.seen.append(what)
                    if self.denied and re.search(self.denied, what):
                        client.sendall(_REFUSAL + _DENIED)
                        return
                    if self.silent and re.search(self.silent, what):
                        while client.recv(1 << 16):
                            pass
                        return
                    if self.half and re.search(self.half, what):
                        halves.set()
                engine.sendall(data)
        self._open.discard(client)


def _pass_on(engine: socket.socket, client: socket.socket, halves: threading.Event) -> None:
    with suppress(OSError):
        while data := engine.recv(1 << 16):
            if halves.is_set():
                client.sendall(data[: max(len(data) // 2, 1)])
                break
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(folder: Path, host: str) -> Iterator[Proxy]:
    """Yield a proxy before the engine at `host`."""
    made = Proxy(folder, host)
    try:
        yield made
    finally:
        made.close()
