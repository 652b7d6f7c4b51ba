"""A real nginx before a real program."""

import os
import shutil
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.integration.network_service import free_port
from tests.situations.judging import Expected, Rule
from tests.situations.world import Over, World, until

_ALARM = ("CRITICAL", "WARNING")
EXPECTED = {
    "reload_that_was_refused": Expected(
        source="acmesh-official/acme.sh#2028",
        right="A reload was refused as a certificate of the new configuration is missing; nginx serves on "
        "with the old one. Mend and reload; a restart now would take the site down.",
        must=(Rule("emerg|reload|configuration|certificate"),),
        never=(
            Rule("restart", where="first"),
            Rule(".", where="finding", severity=("CRITICAL",)),
            Rule("web is down"),
        ),
    ),
    "header_larger_than_its_buffer": Expected(
        source="overhangio/tutor#451",
        right="The login answers with cookies over proxy_buffer_size, so nginx makes it a 502: raise the "
        "buffer or shrink the cookie. The program behind it is well.",
        must=(Rule("too big header|proxy_buffer_size|header"),),
        never=(Rule("(upstream|orders) is down", where="hypothesis"), Rule("^restart", where="first")),
        first="header|buffer",
    ),
    "redirect_that_never_ends": Expected(
        right="The site redirects to itself without end: it does not know that its proxy ended TLS.",
        must=(Rule("redirect", severity=_ALARM, where="finding"),),
        never=(Rule("^restart", where="first"),),
        first="redirect|endpoint|http",
    ),
    "deploy_behind_a_proxy": Expected(
        right="The program was restarted for a deployment two minutes ago and refused for two seconds; all "
        "is well since.",
        never=(Rule(".", where="finding", severity=("CRITICAL",)),),
        first="",
    ),
}
_PROGRAM = """\
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path == "/login":
            for number in range(8):
                self.send_header("Set-Cookie", f"part{number}=" + "x" * 900)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Nginx:
    """A running nginx with one server."""

    def __init__(self, world: World, location: str, *, user: str = "root") -> None:
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/bin")
        assert program, "nginx is not installed"
        self.port = free_port()
        self.log = world.folder / "web.log"
        self._conf = world.folder / "nginx.conf"
        self._user = user  # of its workers, where the test runs as root
        self._location = location.format(port=self.port)
        self.write()
        world.folder.joinpath("tmp").mkdir()
        self.process = world.program(program, "-c", str(self._conf), "-p", str(world.folder))
        until(lambda: self.log.exists() and self.status("/nothing") is not None)

    def write(self, *lines: str) -> None:
        """Write the configuration, with more lines of its server."""
        temporary = "\n".join(
            f"{name}_temp_path tmp/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = f"user {self._user};" if Path("/root").exists() else ""
        self._conf.write_text(
            f"{user} daemon off; worker_processes 1; pid nginx.pid; error_log {self.log} notice;\n"
            f"events {{ worker_connections 128; }}\nhttp {{ access_log {self.log} combined; {temporary}\n"
            f"server {{ listen 127.0.0.1:{self.port}; {' '.join(lines)}\n"
            f"location / {{ {self._location} }} }} }}\n"
        )

    def status(self, path: str) -> int | None:
        """Return the status of one answer; None when there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=3) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def configure(self, world: World, *paths: str) -> None:
        """Have the workbench examine it."""
        health = ", ".join(f'"{path}"' for path in paths)
        url = f'url = "http://127.0.0.1:{self.port}"'
        world.service("web", "http", url, f"health = [{health}]", f'log = "{self.log}"')


def _orders(world: World, port: int) -> None:
    """Start the program behind nginx."""
    world.program(sys.executable, "-c", _PROGRAM, str(port))

    def answers() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
            return True
        return False

    until(answers)


def _behind(world: World) -> tuple[Nginx, int]:
    port = free_port()
    _orders(world, port)
    world.service("orders", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
    return Nginx(world, f"proxy_pass http://127.0.0.1:{port};"), port


def reload_that_was_refused(world: World) -> Over | None:
    nginx, _ = _behind(world)
    for _ in range(60):
        nginx.status("/orders")
    missing = world.folder / "shop.example.pem"
    nginx.write(
        f"listen 127.0.0.1:{free_port()} ssl; ssl_certificate {missing}; ssl_certificate_key {missing};"
    )
    nginx.process.send_signal(1)
    until(lambda: "[emerg]" in nginx.log.read_text())
    for _ in range(200):
        nginx.status("/orders")
        time.sleep(0.05)
    nginx.configure(world, "/orders")
    world.examine()
    return None


def header_larger_than_its_buffer(world: World) -> Over | None:
    nginx, _ = _behind(world)
    for number in range(300):
        nginx.status("/login" if number % 4 == 0 else "/orders")
        time.sleep(0.05)
    nginx.configure(world, "/orders")
    world.examine()
    return None


def redirect_that_never_ends(world: World) -> Over | None:
    nginx = Nginx(world, "return 301 http://127.0.0.1:{port}$request_uri;")
    for _ in range(20):
        nginx.status("/orders")
    nginx.configure(world, "/orders")
    world.examine()
    return None


def deploy_behind_a_proxy(world: World) -> Over | None:
    port = free_port()
    first = world.program(sys.executable, "-c", _PROGRAM, str(port))
    nginx = Nginx(world, f"proxy_pass http://127.0.0.1:{port};")
    until(lambda: nginx.status("/orders") == 200)
    for _ in range(150):
        nginx.status("/orders")
        time.sleep(0.03)
    first.terminate()
    first.wait()
    for _ in range(20):
        nginx.status("/orders")
        time.sleep(0.1)
    _orders(world, port)
    for _ in range(900):
        nginx.status("/orders")
        time.sleep(0.1)
    world.service("orders", "http", f'url = "http://127.0.0.1:{port}"', 'health = ["/"]')
    nginx.configure(world, "/orders")
    world.examine()
    return None
