"""An engine on a Unix socket that speaks enough of the API of Docker to be believed, and answers nonsense."""

import contextlib
import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.integration.network_service import read_request

Answer = Callable[[socket.socket], None]
_MEGABYTE = b" " * (1 << 20)
_JSON = "Content-Type: application/json"


def sent(
    body: bytes, *headers: str, status: str = "200 OK", then: Iterable[bytes] = (), length: bool = True
) -> Answer:
    """Return what answers a request with a body, and then with what comes of `then`."""
    sized = (f"Content-Length: {len(body)}",) if length else ()
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, *sized, "Connection: close", "", ""))

    def answer(client: socket.socket) -> None:
        client.sendall(head.encode("latin-1") + body)
        for piece in then:
            client.sendall(piece)

    return answer


def document(content: object) -> Answer:
    """Return what answers with JSON."""
    return sent(json.dumps(content).encode(), _JSON)


def frame(content: bytes, size: int | None = None, kind: int = 1) -> bytes:
    """Return a piece of output, whose head may lie about its size."""
    return struct.pack(">BxxxL", kind, len(content) if size is None else size) + content


def stalled(client: socket.socket) -> None:
    """Say nothing until the other side goes."""
    while client.recv(4096):
        pass


def dripping(client: socket.socket) -> None:
    """Send a byte of an answer twice a second."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        client.sendall(b" ")
        time.sleep(0.5)


CONTAINER = {
    "Id": "a" * 64,
    "Name": "/box",
    "Created": "2026-01-15T14:30:00Z",
    "Image": "sha256:" + "b" * 64,
    "RestartCount": 0,
    "State": {
        "Status": "running",
        "Running": True,
        "Pid": 7,
        "StartedAt": "2026-01-15T14:30:00Z",
        "ExitCode": 0,
    },
    "Config": {"Image": "box:1", "Env": ["A=1"], "Tty": False, "Labels": {}},
    "HostConfig": {"LogConfig": {"Type": "json-file"}, "NetworkMode": "bridge", "Memory": 0},
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}, "Ports": {}},
    "Mounts": [],
}
LISTED = {
    "Id": "a" * 64,
    "Names": ["/box"],
    "Image": "box:1",
    "State": "running",
    "Status": "Up 1 hour",
    "Created": 1768487400,
    "Labels": {},
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
}
_VERSION = {"Version": "27.0.0", "ApiVersion": "1.46", "MinAPIVersion": "1.24", "Os": "linux"}
_STATS = {
    "read": "2026-01-15T14:30:00Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 1000}, "system_cpu_usage": 5000, "online_cpus": 2},
    "memory_stats": {"usage": 1000, "limit": 100000, "stats": {"inactive_file": 0}},
    "pids_stats": {"current": 3},
}
USUAL: dict[str, Answer] = {
    "/version": document(_VERSION),
    "/info": document({"NCPU": 2, "MemTotal": 1 << 30, "ContainersRunning": 1}),
    "/containers/json": document([LISTED]),
    "/containers/[^/]+/json": document(CONTAINER),
    "/containers/[^/]+/stats": document(_STATS),
    "/containers/[^/]+/top": document({"Processes": [["7", "1", "S", "1000", "01:00", "box"]]}),
    "/containers/[^/]+/logs": sent(
        frame(b"2026-01-15T14:30:00.000000000Z ready\n"), "Content-Type: application/vnd.docker.raw-stream"
    ),
    "/images/[^/]+/json": document({"Id": "sha256:" + "b" * 64}),
    "/events": sent(b"", _JSON),
}


def _other(**changed: object) -> dict[str, object]:
    return CONTAINER | changed


_HUGE = 10**400
FLOODS: dict[str, dict[str, Answer]] = {
    "version": {"/version": sent(b"[", _JSON, then=itertools.repeat(_MEGABYTE), length=False)},
    "list": {"/containers/json": sent(b"[", _JSON, then=itertools.repeat(_MEGABYTE), length=False)},
    "inspect": {"/containers/[^/]+/json": sent(b"{", _JSON, then=itertools.repeat(_MEGABYTE), length=False)},
    "stats": {"/containers/[^/]+/stats": sent(b"{", _JSON, then=itertools.repeat(_MEGABYTE), length=False)},
    "events": {
        "/events": sent(b"", _JSON, then=itertools.repeat(b'{"Type": "network"}\n' * 50_000), length=False)
    },
    "a long event": {"/events": sent(b'{"a": "', _JSON, then=itertools.repeat(_MEGABYTE), length=False)},
    "log lines": {
        "/containers/[^/]+/logs": sent(
            b"",
            then=itertools.repeat(frame(b"2026-01-15T14:30:00.000000000Z ready\n") * 20_000),
            length=False,
        )
    },
    "a long piece of the log": {
        "/containers/[^/]+/logs": sent(frame(b"", 0xFFFFFFFF), then=itertools.repeat(_MEGABYTE), length=False)
    },
    "a long chunk of the log": {
        "/containers/[^/]+/logs": sent(
            b"FFFFFFFF\r\n", "Transfer-Encoding: chunked", then=itertools.repeat(_MEGABYTE), length=False
        )
    },
    "an error": {
        "/containers/[^/]+/json": sent(b"", status="500 Oh", then=itertools.repeat(_MEGABYTE), length=False)
    },
}
BROKEN: dict[str, dict[str, Answer]] = {
    "silent": {"/version": stalled},
    "silent later": {"/containers/[^/]+/json": stalled, "/info": stalled},
    "drips": {"/version": dripping},
    "drips later": {"/containers/json": dripping, "/containers/[^/]+/stats": dripping},
    "hangs up": {"/version": lambda client: client.close()},
    "no version": {"/version": document({})},
    "a version of nonsense": {"/version": document({"ApiVersion": [1], "Version": {"a": 1}})},
    "a deep version": {"/version": sent(b"[" * 100_000, _JSON)},
    "redirects": {"/version": sent(b"", "Location: http://169.254.169.254/latest/", status="302 Found")},
    "redirects later": {"/info": sent(b"", "Location: http://127.0.0.1:1/", status="307 Moved")},
    "lists of nothing": {
        "/containers/json": document([None, 7, [], {}, {"Names": None}, {"Names": [7], "Id": 7}])
    },
    "a list that is none": {"/containers/json": document({"a": 1})},
    "a container that is a list": {"/containers/[^/]+/json": document([])},
    "a container of nothing": {"/containers/[^/]+/json": document({})},
    "a deep container": {"/containers/[^/]+/json": sent(b'{"a":' * 50_000, _JSON)},
    "a container of wrong types": {
        "/containers/[^/]+/json": document(
            _other(State=[], Config="x", HostConfig=7, NetworkSettings=None, RestartCount="x", Mounts=5)
        )
    },
    "a container of the year 99999": {
        "/containers/[^/]+/json": document(
            _other(Created="99999-01-01T00:00:00Z", State=CONTAINER["State"] | {"StartedAt": "0000-00-00"})  # type: ignore[operator]
        )
    },
    "a container of control characters": {
        "/containers/[^/]+/json": document(
            _other(Name="/\x1b[2J\x07", Config={"Image": "\u202e\x1b]0;x\x07", "Env": ["\x00"]})
        )
    },
    "a container of numbers past all": {
        "/containers/[^/]+/json": document(
            _other(RestartCount=_HUGE, HostConfig={"Memory": _HUGE, "PidsLimit": _HUGE})
        )
    },
    "statistics past all": {
        "/containers/[^/]+/stats": document(
            _STATS
            | {"memory_stats": {"usage": _HUGE, "limit": 1, "stats": {}}, "pids_stats": {"current": -5}}
        )
    },
    "statistics of wrong types": {
        "/containers/[^/]+/stats": document({"cpu_stats": {"cpu_usage": "x"}, "memory_stats": [], "read": 7})
    },
    "processes of nonsense": {"/containers/[^/]+/top": document({"Processes": [7, None, ["x"], {}]})},
    "events of nonsense": {"/events": sent(b'{"Type": "container"}\n7\n', _JSON)},
    "events of the year 99999": {
        "/events": sent(
            b'{"Type": "container", "Action": "die", "time": 9999999999, "timeNano": 9999999999999999999}\n',
            _JSON,
        )
    },
    "an event that is none": {"/events": sent(b"\xff\xfe\n", _JSON)},
    "a log of nonsense": {"/containers/[^/]+/logs": sent(b"\xff" * 100_000)},
    "a log that hangs up": {"/containers/[^/]+/logs": sent(frame(b"x", 1000), length=False)},
    "a log of no chunks": {
        "/containers/[^/]+/logs": sent(b"zz\r\nhello", "Transfer-Encoding: chunked", length=False)
    },
    "a log of negative chunks": {
        "/containers/[^/]+/logs": sent(b"-5\r\nhello\r\n", "Transfer-Encoding: chunked", length=False)
    },
    "headers without end": {"/info": sent(b"", *(f"X-{number}: {'x' * 1000}" for number in range(500)))},
}


@contextlib.contextmanager
def running(folder: Path, changed: dict[str, Answer]) -> Iterator[str]:
    """Yield the address of an engine some of whose answers are others."""
    path = folder / "engine.sock"
    table = {**USUAL, **changed}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener, table), daemon=True).start()
        try:
            yield f"unix://{path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, table: dict[str, Answer]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(client, table), daemon=True).start()


def _talk(client: socket.socket, table: dict[str, Answer]) -> None:
    with contextlib.suppress(OSError, IndexError), client:
        path = read_request(client).split(" ")[1].partition("?")[0]
        path = re.sub(r"^/v[\d.]+", "", path)
        found = next((answer for pattern, answer in table.items() if re.fullmatch(pattern, path)), None)
        (found or sent(b'{"message": "no such thing"}', _JSON, status="404 Not Found"))(client)
