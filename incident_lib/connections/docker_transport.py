"""How bytes reach a Docker engine. Imported lazily: it stands on the Docker library."""

import socket
import weakref
from contextlib import suppress
from typing import Any

import requests
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

_Sockets = weakref.WeakSet[socket.socket]


class _Connection(UnixHTTPConnection):
    """A connection whose socket can be found again, and leaves none behind without a listener."""

    made: _Sockets

    def connect(self) -> None:
        """Open the socket; what fails leaves nothing open."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(self.timeout)
        try:
            made.connect(self.unix_socket)
        except OSError:
            made.close()
            raise
        self.made.add(made)
        self.sock = made


class _Pool(UnixHTTPConnectionPool):
    """Connections that know where to write their sockets down."""

    made: _Sockets
    seconds: int

    def _new_conn(self) -> Any:
        connection = _Connection(self.base_url, self.socket_path, self.seconds)
        connection.made = self.made
        return connection


class Breakable(UnixHTTPAdapter):
    """The library's adapter for Unix sockets, whose waiting reads `break_off` ends.

    The library's own `close` leaves a connection alone that is in use, and its reader waiting. Sockets
    are kept and not connections, because a connection lets go of its socket while an answer is read.
    """

    def __init__(self, path: str, seconds: int) -> None:
        super().__init__(f"http+unix://{path}", timeout=seconds)
        self._seconds = seconds
        self._made: _Sockets = weakref.WeakSet()

    def get_connection(self, url: Any, proxies: Any = None) -> Any:  # noqa: ARG002 - the library's signature
        """Return the pool for `url`."""
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
                pool.made, pool.seconds = self._made, self._seconds
                self.pools[url] = pool
        return pool

    def break_off(self) -> None:
        """Shut every connection down, from any thread; whoever reads from one hears that it has ended."""
        for made in list(self._made):
            with suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)


def mount(session: requests.Session, path: str, seconds: int) -> Breakable:
    """Return the adapter, in place of the library's own in `session`."""
    adapter = Breakable(path, seconds)
    session.get_adapter("http+docker://localhost").close()
    session.mount("http+docker://", adapter)
    return adapter
