"""The payments provider: an outside service over HTTPS, in a process of its own."""

import argparse
import json
import socket
import ssl
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

_USUAL_SECONDS = 0.02
_IDLE_SECONDS = 30.0


class Provider(ThreadingHTTPServer):
    """A TLS server that shakes hands in the connection's own thread, so that one client cannot stop all."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, delay: Path, failing: Path | None
    ) -> None:
        super().__init__(address, Charges)
        self.context = context
        self.delay = delay
        self.failing = failing

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, then serve the connection until either side closes it."""
        request.settimeout(_IDLE_SECONDS)
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError as error:
            sys.stderr.write(f"{datetime.now(UTC).isoformat()} {client_address[0]}: {error}\n")

    def shutdown_request(self, request: Any) -> None:
        """Close the connection; wrapping has detached the plain socket already."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
        request.close()

    def seconds_for_an_answer(self) -> float:
        """Return how long an answer takes at present."""
        try:
            return float(self.delay.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return _USUAL_SECONDS


class Charges(BaseHTTPRequestHandler):
    """`GET /health` and `POST /v1/charges`."""

    protocol_version = "HTTP/1.1"
    server: Provider

    def do_GET(self) -> None:
        """Answer whether the provider is well."""
        known = self.path == "/health"
        self._answer(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, {"status": "ok"})

    def do_POST(self) -> None:
        """Take a charge."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(HTTPStatus.CREATED, {"id": uuid4().hex, "status": "succeeded"})

    def _answer(self, status: HTTPStatus, document: dict[str, str]) -> None:
        time.sleep(self.server.seconds_for_an_answer())
        if self.server.failing and self.server.failing.exists():
            status, document = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "internal error"}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - called so by its parent
        """Write the access log, with a time that says its zone."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        sys.stderr.write(f"{stamp} {self.client_address[0]} {format % args}\n")


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--delay", type=Path, required=True, help="file: seconds for an answer")
    parser.add_argument("--failing", type=Path, help="file: while it is there, answers are errors")
    options = parser.parse_args()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certificate)
    with Provider((options.host, options.port), context, options.delay, options.failing) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
