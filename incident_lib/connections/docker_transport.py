"""How bytes reach a Docker engine. Imported lazily: it stands on the Docker library."""

import socket
import weakref
from typing import Any

import requests
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool


class _Connection(UnixHTTPConnection):
    """A connection that leaves no socket behind where nobody listens."""

    def connect(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(self.timeout)
        try:
            made.connect(self.unix_socket)
        except OSError:
            made.close()
            raise
        self.sock = made


class _Pool(UnixHTTPConnectionPool):
    """Connections that can be broken off while another thread waits on one of them."""

    made: "weakref.WeakSet[_Connection]"
    seconds: int

    def _new_conn(self) -> Any:
        connection = _Connection(self.base_url, self.socket_path, self.seconds)
        self.made.add(connection)
        return connection


class Breakable(UnixHTTPAdapter):
    """The library's adapter for Unix sockets, whose waiting reads `break_off` ends.

    The library's own `close` leaves a connection alone that is in use, and its reader waiting.
    """

    def __init__(self, path: str, seconds: int) -> None:
        super().__init__(f"http+unix://{path}", timeout=seconds)
        self._seconds = seconds
        self._made: weakref.WeakSet[_Connection] = weakref.WeakSet()

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
        """Shut every connection down, from any thread; whoever reads from one gets an error."""
        for connection in list(self._made):
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def mount(session: requests.Session, path: str, seconds: int) -> Breakable:
    """Return the adapter, in place of the library's own in `session`."""
    adapter = Breakable(path, seconds)
    session.get_adapter("http+docker://localhost").close()
    session.mount("http+docker://", adapter)
    return adapter
