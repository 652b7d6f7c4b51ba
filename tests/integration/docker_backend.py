"""A backend of the standard library alone, for images that the demo's packages do not fit."""

import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


def reachable(variable: str) -> bool:
    """Return whether something accepts connections at the address in `variable`."""
    parts = urlsplit(os.environ[variable])
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


class Pages(BaseHTTPRequestHandler):
    """/health, /health/ready and /api/v1/."""

    def do_GET(self) -> None:
        checks = {"status": "ok"}
        if self.path == "/health/ready":
            named = (("database", "DATABASE_URL"), ("cache", "REDIS_URL"))
            checks = {name: "ok" if reachable(variable) else "down" for name, variable in named}
        known = self.path in {"/health", "/health/ready", "/api/v1/"}
        self.send_response((200 if known else 404) if set(checks.values()) == {"ok"} else 503)
        self.end_headers()
        self.wfile.write(json.dumps(checks).encode())

    def log_request(self, code: object = "-", size: object = "-") -> None:
        host, port = self.client_address[:2]
        print(f'INFO:     {host}:{port} - "{self.requestline}" {code} ', file=sys.stdout, flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Pages).serve_forever()
