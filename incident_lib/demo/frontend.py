"""The web frontend: one page, and a second one that calls the backend."""

import argparse
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PAGE = b"""<!doctype html><html lang="en"><title>The shop</title>
<h1>The shop</h1><p><a href="/orders">Latest orders</a></p></html>
"""
_UNAVAILABLE = b"<!doctype html><title>The shop</title><h1>We will be back soon</h1>\n"
_BACKEND_SECONDS = 5.0


class Frontend(ThreadingHTTPServer):
    """The server, which knows where the backend is."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], backend: str) -> None:
        super().__init__(address, Pages)
        self.backend = backend


class Pages(BaseHTTPRequestHandler):
    """`GET /` and `GET /orders`."""

    server: Frontend
    started_at = 0.0
    sent_bytes = 0

    def do_GET(self) -> None:
        """Answer with a page."""
        self.started_at = time.monotonic()
        if self.path == "/":
            self._answer(HTTPStatus.OK, _PAGE)
        elif self.path == "/orders":
            self._answer(*self._orders())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"")

    def _orders(self) -> tuple[HTTPStatus, bytes]:
        url = f"{self.server.backend}/api/v1/orders"
        try:
            with urllib.request.urlopen(url, timeout=_BACKEND_SECONDS) as answer:  # noqa: S310 - its owner's
                return HTTPStatus.OK, answer.read()
        except TimeoutError:
            return HTTPStatus.GATEWAY_TIMEOUT, _UNAVAILABLE
        except (urllib.error.URLError, OSError):
            return HTTPStatus.BAD_GATEWAY, _UNAVAILABLE

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.sent_bytes = len(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: Any = "-", _size: Any = "-") -> None:
        """Write nginx's combined format, with the request's time in seconds at the end."""
        stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        agent = self.headers.get("User-Agent", "-") if hasattr(self, "headers") else "-"
        seconds = time.monotonic() - self.started_at
        sys.stderr.write(
            f'{self.client_address[0]} - - [{stamp}] "{self.requestline}" {int(code)} '
            f'{self.sent_bytes} "-" "{agent}" {seconds:.3f}\n'
        )


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--backend", default="http://127.0.0.1:8000")
    options = parser.parse_args()
    with Frontend((options.host, options.port), options.backend) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
