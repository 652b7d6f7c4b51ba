"""Real services to send to: an HTTP server with every bad habit, and a small SMTP server."""

import contextlib
import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "T0KENthatNobodyMayEverRead42"


class WebService(ThreadingHTTPServer):
    """Answers by path: /ok, /<status>, /slow, /drip, /cut. Keeps what it was sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Web)
        self.received = []
        self.behaviour = "200"
        self.over = threading.Event()

    @property
    def place(self):
        return f"127.0.0.1:{self.server_address[1]}"


class _Web(BaseHTTPRequestHandler):
    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(data)))
        with contextlib.suppress(OSError):
            self.behave(self.server.behaviour)

    def behave(self, how):
        if how == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif how == "slow":
            self.server.over.wait(20)
        elif how == "drip":
            self.drip()
        else:
            body = json.dumps({"status": how, "echo": self.path}).encode()
            self.send_response(int(how))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def drip(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.over.wait(0.1):
            self.wfile.write(b"X-Drip: 1\r\n")

    def log_message(self, *_):
        pass


class MailService(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it accepts; `refuses` is the command it answers with 550."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Mail)
        self.received = []
        self.refuses = ""

    @property
    def place(self):
        return f"127.0.0.1:{self.server_address[1]}"


class _Mail(socketserver.StreamRequestHandler):
    def handle(self):
        recipients = []
        self.say("220 sink ready")
        while line := self.rfile.readline():
            word = line[:4].upper().strip().decode()
            if word == self.server.refuses:
                self.say("550 no such user here")
            elif word == "RCPT":
                recipients.append(line.split(b":", 1)[1].strip().decode())
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                self.server.received.append((recipients, self.message()))
                self.say("250 kept")
            else:
                self.say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def message(self):
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        return b"".join(lines).decode()

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextlib.contextmanager
def serving(server):
    """Yield `server` while it serves."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, WebService):
            server.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
