"""Many services on loopback at once, each well, refusing, silent or failing, served by one thread."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

_ANSWERS = {"well": b"200 OK", "failing": b"503 Service Unavailable"}


class Services:
    """Ports of this machine by name: `well`, `failing` (503), `silent` or `refused` each."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._held: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._thread.start()

    def port(self, manner: str) -> int:
        """Return a port that answers in a manner."""
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        if manner == "silent":
            held.listen(64)
        elif manner != "refused":
            coroutine = asyncio.start_server(lambda r, w: _answer(r, w, _ANSWERS[manner]), sock=held)
            self._servers.append(asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10))
        self._held.append(held)
        return int(held.getsockname()[1])

    def close(self) -> None:
        """Stop them all."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        for held in self._held:
            with contextlib.suppress(OSError):
                held.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        answering = asyncio.all_tasks() - {asyncio.current_task()}
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await asyncio.sleep(0)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: bytes) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.contextmanager
def running() -> Iterator[Services]:
    """Yield services, and stop them afterwards."""
    services = Services()
    try:
        yield services
    finally:
        services.close()


def configure(place: Path, manners: Mapping[str, str], services: Services, more: str = "") -> Path:
    """Return a configuration of HTTP services, each answering in its manner; `more` goes into each."""
    text = "[workbench]\ndiscover_credentials = false\n[limits]\nhttp_seconds = 3.0\n"
    for name, manner in manners.items():
        url = f"http://127.0.0.1:{services.port(manner)}"
        text += f'[[service]]\nname = "{name}"\nkind = "http"\nurl = "{url}"\nhealth = ["/health"]\n{more}\n'
    path = place / "workbench.toml"
    path.write_text(text, encoding="utf-8")
    return path
