"""Every way a server can refuse, and what is said about it: real servers, real sockets."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import trustme

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import EvidenceStatus, FindingSeverity
from incident_lib.technologies.redis.connect import open_session
from incident_lib.technologies.redis.connect.stream import LIMIT_BYTES
from incident_lib.technologies.redis.probes import ACL_RULE, PROBES
from incident_lib.technologies.redis.rows import RedisServer
from tests.integration.redis_service import (
    Server,
    collect,
    free_port,
    judge,
    kind,
    listening,
    problem_of,
    running,
    settings_for,
    software,
)

pytestmark = pytest.mark.redis
__all__ = ["kind"]


def test_healthy(kind: str) -> None:
    with running(kind, password="sesame street") as server:
        evidence = collect(settings_for(f"redis://:sesame%20street@127.0.0.1:{server.port}"))
    assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
    found = judge(evidence)
    assert not [
        one for one in found.values() if one.severity.is_bad or one.severity is FindingSeverity.UNKNOWN
    ]
    assert {f"{name}.ok" for name in evidence} <= set(found)
    row = evidence["redis.connection"].of(RedisServer)[0]
    assert row.software == software(kind)
    assert row.ways == (f"configured address 127.0.0.1:{server.port}",)
    assert "sesame" not in repr(evidence)


def test_password_that_is_not_needed(kind: str) -> None:
    with running(kind) as server:
        evidence = collect(settings_for(f"redis://:superfluous@127.0.0.1:{server.port}"), only="redis.errors")
    assert "needs no password" in evidence["redis.connection"].of(RedisServer)[0].ways[-1]
    assert "redis.connection.ok" in judge(evidence)


@pytest.mark.parametrize("login", ["", ":wrong-one@", "nobody:wrong-one@"])
def test_wrong_or_no_password(kind: str, login: str) -> None:
    with running(kind, password="sesame") as server:
        problem, found = problem_of(f"redis://{login}127.0.0.1:{server.port}")
    assert problem is ProblemKind.DENIED
    assert found.severity is FindingSeverity.CRITICAL
    assert "wrong-one" not in repr(found)


def test_refused() -> None:
    problem, found = problem_of(f"redis://127.0.0.1:{free_port()}")
    assert problem is ProblemKind.REFUSED
    assert found.severity is FindingSeverity.CRITICAL


def test_silent_port_ends_after_two_seconds() -> None:
    with listening(None) as port:
        started = clock.monotonic()
        problem, _ = problem_of(f"redis://127.0.0.1:{port}")
        assert problem is ProblemKind.TIMED_OUT
        assert clock.monotonic() - started < 3


def test_name_that_does_not_resolve() -> None:
    problem, _ = problem_of("redis://no-such-cache.invalid:6379")
    assert problem is ProblemKind.NAME_NOT_RESOLVED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProblemKind.WRONG_PEER),
        (b"", ProblemKind.RESET),
        (b"-ERR max number of clients reached\r\n", ProblemKind.FULL),
        (b"-DENIED Redis is running in protected mode\r\n", ProblemKind.DENIED),
        (b"$99999999999\r\nand no more", ProblemKind.RESET),
        (b"$99999999999\r\n" + bytes(LIMIT_BYTES + 1), ProblemKind.TOO_LARGE),
        (b"$nonsense\r\n", ProblemKind.PROTOCOL),
        (b"*1\r\n" * 5000, ProblemKind.PROTOCOL),
    ],
    ids=["http", "hangs up", "full", "protected", "cut off", "without end", "no number", "too deep"],
)
def test_something_else_answers(answer: bytes, expected: ProblemKind) -> None:
    with listening(answer) as port:
        found = problem_of(f"redis://127.0.0.1:{port}")[0]
    # On a very busy machine the time is up before so much has come.
    assert found is expected or (len(answer) > LIMIT_BYTES and found is ProblemKind.TIMED_OUT)


def test_plain_port_asked_for_tls(kind: str) -> None:
    with running(kind) as server:
        kinds = {ProblemKind.TLS, ProblemKind.TIMED_OUT, ProblemKind.WRONG_PEER}
        assert problem_of(f"rediss://127.0.0.1:{server.port}")[0] in kinds


def test_tls_with_and_without_the_right_authority(tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = [("cert", "cert"), ("key", "key"), ("ca-cert", "ca")]
    options = [word for option, name in files for word in (f"--tls-{option}-file", f"{tmp_path}/{name}.pem")]
    with running("redis", *options, "--tls-port", str(port), "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}"
        assert problem_of(url)[0] is ProblemKind.TLS
        verified = collect(settings_for(url, ca=f"file:{tmp_path}/ca.pem"), only="redis.errors")
        assert verified["redis.connection"].has_rows
        assert "not verified" not in verified["redis.connection"].of(RedisServer)[0].ways[-1]
        unverified = collect(settings_for(f"{url}?ssl_cert_reqs=none"), only="redis.errors")
        assert "not verified" in unverified["redis.connection"].of(RedisServer)[0].ways[-1]
        plain = {ProblemKind.RESET, ProblemKind.PROTOCOL, ProblemKind.WRONG_PEER}
        assert problem_of(f"redis://127.0.0.1:{port}")[0] in plain


def test_no_room_for_another_client(kind: str) -> None:
    with running(kind, "--maxclients", "4") as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(server.client(single_connection_client=True)).ping()
        problem, found = problem_of(server.url)
    assert problem is ProblemKind.FULL
    assert found.severity is FindingSeverity.CRITICAL


@contextlib.contextmanager
def endless_script(server: Server, milliseconds: int) -> Iterator[None]:
    """Run a script until it is killed; the server says BUSY after `milliseconds`."""
    with server.client() as client:
        client.config_set("lua-time-limit", milliseconds)

    def run() -> None:
        with server.client(socket_timeout=30) as client, contextlib.suppress(redis.RedisError):
            client.eval("while true do end", 0)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(milliseconds / 1000 + 0.3)
    try:
        yield
    finally:
        with server.client() as client:
            client.script_kill()
        thread.join(10)


def test_busy_with_a_script(kind: str) -> None:
    with running(kind, password="sesame") as server, endless_script(server, 100):
        problem, found = problem_of(server.url)
        assert problem is ProblemKind.BUSY
        assert found.severity is FindingSeverity.CRITICAL
        assert "SCRIPT KILL" in found.detail


def test_still_loading(kind: str) -> None:
    with running(kind, "--rdbcompression", "no") as server:
        with server.client() as client:
            _fill(client, 10_000, size=2000)
            client.save()
        # It answers once in 2 MB, about a thousand keys, in version 6.2 as in all later ones.
        with running(kind, "--key-load-delay", "500", "--dir", str(server.directory)) as loading:
            time.sleep(1.2)  # the server counts whole seconds
            problem, found = problem_of(loading.url)
    assert problem is ProblemKind.STARTING
    assert found.severity is FindingSeverity.CRITICAL
    assert "% read" in found.detail
    assert 0 < float(found.data["loaded_ratio"] or 0) < 1
    assert 0 < float(found.data["loading_eta_seconds"] or 0) < 600


def _fill(client: redis.Redis, count: int, *, size: int) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.set(f"item:{number}", "x" * size)
        pipe.execute()


def test_killed_in_the_middle(kind: str) -> None:
    with running(kind) as server:
        session = open_session(settings_for(server.url), settings_for(server.url).services[0])
        server.process.kill()
        server.process.wait(10)
        for _ in range(2):
            with pytest.raises(TargetError) as raised:
                session.call("PING")
            assert raised.value.kind is ProblemKind.RESET
        session.close()


def test_abort_ends_a_waiting_read(kind: str) -> None:
    with running(kind) as server:
        session = open_session(settings_for(server.url), settings_for(server.url).services[0])
        with server.client() as client:
            client.client_pause(1500, all=True)
        threading.Timer(0.2, session.abort).start()
        started = clock.monotonic()
        with pytest.raises(TargetError):
            session.call("PING")
        assert clock.monotonic() - started < 1
        session.close()


def test_user_with_the_recommended_rule(kind: str) -> None:
    with running(kind) as server:
        with server.client() as client:
            client.set("user:1", "data")
            client.execute_command("ACL", "SETUSER", "workbench", "on", ">sesame", *ACL_RULE.split())
        evidence = collect(settings_for(f"redis://workbench:sesame@127.0.0.1:{server.port}"))
        assert set(evidence) == {probe.name for probe in PROBES}
        assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
        with server.client(username="workbench", password="sesame") as client:
            for forbidden in (
                "CLIENT KILL TYPE normal",
                "CLIENT PAUSE 1",
                "CONFIG SET maxmemory 1",
                "CONFIG RESETSTAT",
                "FLUSHALL",
                "GET user:1",
                "SET user:1 x",
                "DEL user:1",
                "EVAL 1 0",
                "SLOWLOG RESET",
                "KEYS *",
                "SHUTDOWN NOSAVE",
                "ACL SETUSER x",
                "MONITOR",
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*forbidden.split())


def test_user_who_may_do_little(kind: str) -> None:
    with running(kind) as server:
        with server.client() as client:
            client.set("user:1", "data")
            client.execute_command("ACL", "SETUSER", "a", "on", ">sesame", "-@all", "+ping")
            client.execute_command("ACL", "SETUSER", "b", "on", ">sesame", "-@all", "+ping", "+info")
            client.execute_command("ACL", "SETUSER", "c", "on", ">sesame", "-@all")
        blind = collect(settings_for(f"redis://a:sesame@127.0.0.1:{server.port}"))
        partly = collect(settings_for(f"redis://b:sesame@127.0.0.1:{server.port}"))
        problem, found = problem_of(f"redis://c:sesame@127.0.0.1:{server.port}")
    assert problem is ProblemKind.PRIVILEGE
    assert found.severity is FindingSeverity.UNKNOWN
    assert {one.status for name, one in blind.items() if name != "redis.connection"} == {
        EvidenceStatus.FAILED
    }
    assert blind["redis.connection"].status is EvidenceStatus.PARTIAL
    assert {one.problem.kind for one in blind.values() if one.problem} == {ProblemKind.PRIVILEGE}
    assert partly["redis.clients"].status is EvidenceStatus.PARTIAL
    assert partly["redis.keyspace"].status is EvidenceStatus.PARTIAL
    assert partly["redis.slowlog"].status is EvidenceStatus.FAILED
    assert partly["redis.errors"].status is EvidenceStatus.COLLECTED
    assert "redis.errors.noperm" not in judge(partly)  # our own refusals are not the server's errors
    assert judge(partly)["redis.memory.ok"].severity is FindingSeverity.OK


@pytest.mark.parametrize(
    "command",
    [
        ("KEYS", "*"),
        ("CONFIG", "GET", "*"),
        ("CONFIG", "GET", "requirepass"),
        ("CONFIG", "SET", "save", ""),
        ("CLIENT", "KILL", "ID", 1),
        ("SLOWLOG", "RESET"),
        ("ACL", "LOG", "RESET"),
        ("GET", "x"),
        ("MEMORY", "DOCTOR"),
        ("FLUSHALL",),
        ("info\r\nflushall",),
    ],
)
def test_no_other_command_leaves(command: tuple[str, ...]) -> None:
    with running("redis") as server:
        session = open_session(settings_for(server.url), settings_for(server.url).services[0])
        with pytest.raises(ValueError, match="may be sent"):
            session.call(*command)
        session.close()


def _pause(server: Server) -> None:
    with server.client() as client:
        client.client_pause(60_000, all=True)


def _halt(server: Server) -> None:
    server.process.send_signal(signal.SIGSTOP)


def _spin(server: Server) -> None:
    def run() -> None:
        with contextlib.suppress(redis.RedisError), server.client(socket_timeout=0.3) as client:
            client.eval("while true do end", 0)

    threading.Thread(target=run, daemon=True).start()
    time.sleep(0.5)


@pytest.mark.parametrize(
    ("silence", "doing"),
    [(_pause, {"idle"}), (_halt, {"halted"}), (_spin, {"working", "busy"})],
    ids=["paused", "halted", "working"],
)
def test_a_server_that_is_silent_is_told_apart_by_its_process(
    silence: Callable[[Server], None], doing: set[str]
) -> None:
    """A script is answered with BUSY from five seconds on: then that is known without its process."""
    with running("redis") as server:
        silence(server)
        evidence = collect(settings_for(server.url), only="redis.connection")
        found = judge(evidence)
        server.process.send_signal(signal.SIGCONT)
        named = {name.removeprefix("redis.connection.") for name in found}
        assert named & doing
        assert not named & ({"idle", "halted", "working", "stuck"} - doing)
        if "busy" not in named:
            data = found[f"redis.connection.{min(named & doing)}"].data
            assert data["server_pid"] == server.process.pid


def test_while_all_commands_are_paused_unpausing_waits_as_well() -> None:
    with running("redis") as server:
        _pause(server)
        with server.client(socket_timeout=1) as client, pytest.raises(redis.TimeoutError):
            client.client_unpause()
