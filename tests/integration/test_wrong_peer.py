"""Each client at the port of each other server: what answers there is named, with what to correct."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from incident_lib.config import Document, Service, Settings
from incident_lib.connections import http, peer
from incident_lib.connections.names import resolve
from incident_lib.connections.peer import Peer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.network.probes.tls import inspect_tls
from incident_lib.technologies.postgres.connect import open_postgres
from incident_lib.technologies.redis.connect import open_session
from tests import services
from tests.integration import network_service as servers
from tests.integration import postgres_service, redis_service

_UVICORN = """
import socket, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
made = socket.socket()
made.bind(("127.0.0.1", 0))
made.listen()
print(made.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off")).run(sockets=[made])
"""
_PLAIN = """
import http.server
made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
print(made.server_port, flush=True)
made.serve_forever()
"""


@contextmanager
def _python(script: str) -> Iterator[int]:
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The ports of a server of each kind."""
    from contextlib import ExitStack

    authority = servers.Authority(tmp_path_factory.mktemp("authority"))
    with ExitStack() as running:
        enter = running.enter_context
        found = {"uvicorn": enter(_python(_UVICORN)), "http": enter(_python(_PLAIN))}
        context = authority.context("127.0.0.1")
        found["https"] = enter(servers.serve(servers.http("safe"), context=context))
        found["redis"] = enter(redis_service.running("valkey")).port
        if not postgres_service.INSTALLATIONS:
            services.missing("no PostgreSQL")
        found["postgres"] = enter(postgres_service.running(postgres_service.INSTALLATIONS[-1])).port
        found["mail"] = enter(servers.serve(servers.says(b"220 mail ready\r\n")))
        yield found


def _redis(url: str) -> TargetError:
    service = Service(name="cache", kind="redis", url=url)
    with pytest.raises(TargetError) as caught:
        open_session(Settings(document=Document(service=(service,)), root=Path("/")), service)
    return caught.value


def _postgres(dsn: str) -> TargetError:
    service = Service(name="db", kind="postgres", dsn=dsn)
    with pytest.raises(TargetError) as caught:
        open_postgres(Settings(document=Document(service=(service,)), root=Path("/")), service)
    return caught.value


def _http(url: str) -> TargetError:
    error = http.get(url, seconds=3).error
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("uvicorn", Peer.HTTP),
        ("http", Peer.HTTP),
        ("https", Peer.TLS),
        ("redis", Peer.REDIS),
        ("postgres", Peer.POSTGRES),
        ("mail", Peer.MAIL),
    ],
)
def test_what_answers_is_recognized(ports: dict[str, int], name: str, what: Peer) -> None:
    assert peer.detect_peer(resolve("127.0.0.1", ports[name], 1), seconds=3) is what


@pytest.mark.redis
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uvicorn", "an HTTP server"),
        ("http", "an HTTP server"),
        ("https", "a server that speaks TLS"),
        ("postgres", "a PostgreSQL server"),
        ("mail", "a mail or FTP server"),
    ],
)
def test_redis_pointed_elsewhere(ports: dict[str, int], name: str, words: str) -> None:
    error = _redis(f"redis://127.0.0.1:{ports[name]}")
    assert error.kind is ProblemKind.WRONG_PEER, error.message
    assert error.message == f"{words} answers at 127.0.0.1:{ports[name]}, where Redis is expected"
    assert ("rediss://" in error.advice) == (name == "https")


@pytest.mark.redis
def test_redis_with_tls_pointed_at_one_without(ports: dict[str, int]) -> None:
    error = _redis(f"rediss://127.0.0.1:{ports['redis']}")
    assert error.kind is ProblemKind.WRONG_PEER
    assert "redis://" in error.advice


@pytest.mark.redis
def test_a_certificate_that_is_refused_is_no_other_server(ports: dict[str, int]) -> None:
    assert _redis(f"rediss://127.0.0.1:{ports['https']}").kind is ProblemKind.TLS


@pytest.mark.redis
def test_a_redis_that_hangs_is_no_other_server() -> None:
    with servers.serve(servers.silent) as port:
        assert _redis(f"redis://127.0.0.1:{port}").kind is ProblemKind.TIMED_OUT


@pytest.mark.redis
def test_a_server_that_hangs_up_is_no_other_server() -> None:
    with servers.serve(servers.reset) as port:
        assert _redis(f"redis://127.0.0.1:{port}").kind is ProblemKind.RESET


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uvicorn", "an HTTP server"),
        ("http", "an HTTP server"),
        ("https", "a server that speaks TLS"),
        ("redis", "a Redis server"),
        ("mail", "a mail or FTP server"),
    ],
)
def test_postgres_pointed_elsewhere(ports: dict[str, int], name: str, words: str) -> None:
    error = _postgres(f"postgresql://app:hunter2@127.0.0.1:{ports[name]}/shop")
    assert error.kind is ProblemKind.WRONG_PEER, error.message
    assert f"{words} answers, where PostgreSQL is expected" in error.message
    assert "hunter2" not in error.message + error.advice


@pytest.mark.postgres
def test_a_postgres_that_hangs_is_no_other_server() -> None:
    with servers.serve(servers.silent) as port:
        error = _postgres(f"postgresql://app@127.0.0.1:{port}/postgres")
    assert error.kind is ProblemKind.TIMED_OUT


@pytest.mark.parametrize(
    ("scheme", "name", "words", "advice"),
    [
        ("http", "https", "a server that speaks TLS", "https://"),
        ("http", "postgres", "a PostgreSQL server", "host and port"),
        ("http", "redis", "a Redis server", "host and port"),
        ("http", "mail", "a mail or FTP server", "host and port"),
        ("https", "uvicorn", "an HTTP server", "http://"),
        ("https", "http", "an HTTP server", "http://"),
        ("https", "postgres", "a PostgreSQL server", "host and port"),
        ("https", "redis", "a Redis server", "host and port"),
    ],
)
def test_http_pointed_elsewhere(
    ports: dict[str, int], scheme: str, name: str, words: str, advice: str
) -> None:
    error = _http(f"{scheme}://127.0.0.1:{ports[name]}/")
    assert error.kind is ProblemKind.WRONG_PEER, error.message
    assert error.message == f"{words} answers at 127.0.0.1:{ports[name]}, where {scheme.upper()} is expected"
    assert advice in error.advice


def test_a_proxy_that_says_that_its_port_is_for_https() -> None:
    """What nginx answers is well-formed HTTP: its words tell."""
    page = "<html><center>The plain HTTP request was sent to HTTPS port</center></html>"
    with servers.serve(servers.http(page, "400 Bad Request")) as port:
        assert _http(f"http://127.0.0.1:{port}/").kind is ProblemKind.WRONG_PEER
    with servers.serve(servers.http("no such order", "400 Bad Request")) as port:
        assert http.get(f"http://127.0.0.1:{port}/", seconds=3).status == 400


@pytest.mark.parametrize("talk", [servers.silent, servers.reset, servers.hang_up])
def test_a_sick_http_server_is_no_other_server(talk: servers.Conversation) -> None:
    with servers.serve(talk) as port:
        for scheme in ("http", "https"):
            error = http.get(f"{scheme}://127.0.0.1:{port}/", seconds=1).error
            assert error is not None
            assert error.kind in {ProblemKind.TIMED_OUT, ProblemKind.RESET, ProblemKind.TLS}


def test_detection_is_bounded() -> None:
    with servers.serve(servers.silent) as port:
        began = time.monotonic()
        assert peer.detect_peer(resolve("127.0.0.1", port, 1)) is None
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("name", "words"), [("postgres", "a PostgreSQL server"), ("redis", "a Redis server"), ("mail", "a mail")]
)
def test_tls_pointed_elsewhere(ports: dict[str, int], name: str, words: str) -> None:
    row = inspect_tls("127.0.0.1", resolve("127.0.0.1", ports[name], 1), seconds=3)
    assert row.peer.startswith(words)
    assert (row.verified, row.plain_http, row.silent) == (False, False, False)
