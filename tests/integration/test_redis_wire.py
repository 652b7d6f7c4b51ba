"""What goes over the wire, and what bounds it: nothing unasked, one deadline, a way to break off."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import EvidenceStatus
from incident_lib.technologies.redis.connect import ReplyError, open_session
from incident_lib.technologies.redis.connect.address import Address, parse_url
from incident_lib.technologies.redis.connect.wire import Wire, connect
from incident_lib.technologies.redis.probes import ACL_RULE
from tests.integration.redis_service import collect, free_port, kind, running, settings_for

pytestmark = pytest.mark.redis
__all__ = ["kind"]


@contextlib.contextmanager
def connected(address: Address) -> Iterator[Wire]:
    wire = connect(address)
    try:
        yield wire
    finally:
        wire.close()


def hear(server: socket.socket, heard: bytearray) -> None:
    """Keep all that the first client says."""
    client, _ = server.accept()
    with client, contextlib.suppress(OSError):
        client.settimeout(3)
        while data := client.recv(4096):
            heard += data
            client.sendall(b"+PONG\r\n")


def test_to_connect_says_nothing_and_a_command_only_itself() -> None:
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hear, args=(server, heard))
        thread.start()
        address = parse_url(f"redis://user:secret@127.0.0.1:{server.getsockname()[1]}/3")
        with connected(address) as wire:
            time.sleep(0.1)
            assert heard == b""
            assert wire.exchange([("PING",)]) == [b"PONG"]
        thread.join(5)
    assert heard == b"*1\r\n$4\r\nPING\r\n"


@pytest.mark.parametrize("late", [b"$10\r\n# Server\r\n\r\n", b"*0\r\n", b"+PONG\r\n"])
def test_a_redis_that_answers_when_it_is_too_late_is_not_called_something_else(late: bytes) -> None:
    def answer() -> None:
        client, _ = server.accept()
        with client, contextlib.suppress(OSError):
            client.settimeout(20)
            while not client.recv(4096).endswith(b"\r\n\r\n"):  # what it is sent once our time is up
                pass
            client.sendall(late)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        settings = settings_for(f"redis://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(TargetError) as raised:
            open_session(settings, settings.services[0])
        thread.join(20)
    assert raised.value.kind is ProblemKind.TIMED_OUT


def test_the_access_rules_refuse_nothing_of_ours(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        client.set("user:1", "data")
        client.execute_command("ACL", "SETUSER", "workbench", "on", ">sesame", *ACL_RULE.split())
        evidence = collect(settings_for(f"redis://workbench:sesame@127.0.0.1:{server.port}"))
        assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
        assert client.acl_log() == []


def test_a_user_who_may_only_ping_is_refused_only_what_was_asked(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", "a", "on", ">sesame", "-@all", "+ping")
        url = f"redis://a:sesame@127.0.0.1:{server.port}"
        open_session(settings_for(url), settings_for(url).services[0]).close()
        refused = {entry["object"] for entry in client.acl_log()}
    assert refused == {"info"}


def test_replies_of_every_kind(kind: str) -> None:
    with running(kind) as server, connected(parse_url(server.url)) as wire:
        with server.client() as client:
            client.set(b"\xff\r\n x", "data")
        asked = (
            ("PING",),
            ("SLOWLOG", "LEN"),
            ("MEMORY", "USAGE", "absent"),
            ("SCAN", 0),
            ("TYPE", b"\xff\r\n x"),
            ("SELECT", 9999),
        )
        *replies, refused = wire.exchange(asked)
        assert replies == [b"PONG", 0, None, [b"0", [b"\xff\r\n x"]], b"string"]
        assert isinstance(refused, ReplyError)
        assert str(refused) == "ERR DB index is out of range"
        assert wire.exchange([("PING",)] * 5000) == [b"PONG"] * 5000


def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    stop = threading.Event()

    def drip(server: socket.socket) -> None:
        client, _ = server.accept()
        with client, contextlib.suppress(OSError):
            client.sendall(b"$1000\r\n")
            while not stop.wait(0.2):
                client.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        with connected(Address(port=server.getsockname()[1])) as wire:
            started = clock.monotonic()
            for _ in range(2):
                with pytest.raises(TargetError) as raised:
                    wire.exchange([("PING",)])
                assert raised.value.kind is ProblemKind.TIMED_OUT
            assert 1.9 < clock.monotonic() - started < 2.6
        stop.set()
        thread.join(5)


def test_unix_socket(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with running(kind, "--unixsocket", str(path)):
        evidence = collect(settings_for(f"unix://{path}"), only="redis.clients")
        assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
    with pytest.raises(TargetError) as raised:
        connect(Address(path=str(tmp_path / "absent")))
    assert raised.value.kind is ProblemKind.REFUSED


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own = authority.issue_cert("127.0.0.1", "localhost")
    own.private_key_and_cert_chain_pem.write_to_path(folder / "own.pem")
    return folder


def test_abort_ends_a_waiting_read_under_tls(certificate: Path) -> None:
    port, own = free_port(), str(certificate / "own.pem")
    files = ("--tls-cert-file", own, "--tls-key-file", own, "--tls-ca-cert-file", f"{certificate}/ca.pem")
    with running("redis", *files, "--tls-port", str(port), "--tls-auth-clients", "no") as server:
        address = parse_url(f"rediss://localhost:{port}", f"{certificate}/ca.pem")
        with connected(address) as wire, server.client() as client:
            assert wire.exchange([("PING",)]) == [b"PONG"]
            assert 0 < (wire.connect_seconds or 0) < 1
            client.client_pause(1500, all=True)
            timer = threading.Timer(0.2, wire.abort)
            timer.start()
            started = clock.monotonic()
            with pytest.raises(TargetError):
                wire.exchange([("PING",)])
            assert clock.monotonic() - started < 1
            timer.join()


@pytest.mark.parametrize("name", ["absent.pem", "empty.pem"])
def test_an_authority_that_cannot_be_read_is_ours_to_mend(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.pem").touch()
    with pytest.raises(TargetError) as raised:
        connect(parse_url(f"rediss://127.0.0.1:{free_port()}", str(tmp_path / name)))
    assert raised.value.kind is ProblemKind.NOT_CONFIGURED
