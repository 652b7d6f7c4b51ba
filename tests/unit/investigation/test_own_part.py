"""What the workbench caused itself is blamed on no target: its deadlines, its limits, its standing still."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from incident_lib import clock
from incident_lib.connections.session import NoSession
from incident_lib.correlation.own_stall import judge_own_stalls
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.probes.base import Fetched, Lane, Probe, run_lane
from incident_lib.technologies.postgres.connect.problems import statement_error
from tests.unit.correlation.situations import judge_with

NOW = datetime(2026, 1, 15, 14, tzinfo=UTC)
WINDOW = Window(start=NOW, end=NOW + timedelta(minutes=15))


class Wired(NoSession):
    """A session over a socket, whose peer answers nothing, or hangs up."""

    def __init__(self) -> None:
        super().__init__()
        self.ours, self.peer = socket.socketpair()
        self.ours.settimeout(10)

    def ask(self) -> None:
        """Wait for an answer. Errors: TargetError RESET where the session is gone."""
        try:
            answer = self.ours.recv(1)
        except OSError:
            answer = b""
        if not answer:
            raise TargetError(ProblemKind.RESET, "the server closed the connection", "read its log")

    def abort(self) -> None:
        """Shut the socket down."""
        self.ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close both ends."""
        self.ours.close()
        self.peer.close()


def ask(session: Wired, _window: Window) -> Fetched:
    """Wait for an answer."""
    session.ask()
    return Fetched()


def hang_up(session: Wired, _window: Window) -> Fetched:
    """Let the peer end the session, and wait."""
    session.peer.close()
    session.ask()
    return Fetched()


def look(first: object) -> list[Evidence]:
    def probe(name: str, fetch: object) -> Probe:
        return Probe(name=name, fetch=fetch, question="?", source="s", deadline_seconds=0.2)  # type: ignore[arg-type]

    probes = (probe("a.first", first), probe("a.second", ask), probe("a.third", ask))
    return list(run_lane(Lane(target="db", open=Wired, probes=probes), WINDOW))


@pytest.mark.parametrize(
    ("first", "kind", "words"),
    [
        (ask, ProblemKind.TIMED_OUT, "the workbench's own deadline ended the session in a.first"),
        (hang_up, ProblemKind.RESET, "the session ended in a.first: the server closed the connection"),
    ],
)
def test_who_ended_a_session_is_stated_once(first: object, kind: ProblemKind, words: str) -> None:
    seen = look(first)
    assert [evidence.problem.kind for evidence in seen if evidence.problem] == [kind, "skipped", "skipped"]
    assert [evidence.problem.message for evidence in seen[1:] if evidence.problem] == [words] * 2
    assert all(evidence.status is EvidenceStatus.SKIPPED for evidence in seen[1:])


def test_limits_of_our_own_and_of_a_pooler_are_no_fault_of_the_server() -> None:
    idle = statement_error("terminating connection due to idle-in-transaction timeout", "25P03")
    assert idle.kind.is_ours
    waited = statement_error("query_wait_timeout", "08P01")
    assert waited.kind is ProblemKind.BUSY
    assert "pooler" in waited.advice


def stalled(seconds: float, finding_id: str = "http.health.timed_out") -> Finding:
    evidence = Evidence(
        probe="http.health", target="api", status=EvidenceStatus.COLLECTED, collected_at=NOW,
        duration_seconds=10.0, source="GET", stalled_seconds=seconds,
    )  # fmt: skip
    found = Finding(
        id=finding_id,
        severity=FindingSeverity.CRITICAL,
        target="api",
        title="t",
        evidence=("api/http.health",),
    )
    return judge_with(judge_own_stalls, (found,), evidence=(evidence,))[0]


@pytest.mark.parametrize(
    ("seconds", "finding_id", "severity"),
    [
        (9.0, "http.health.timed_out", "UNKNOWN"),
        (9.0, "http.health.slow", "UNKNOWN"),
        (9.0, "redis.connection.latency", "UNKNOWN"),
        (1.0, "http.health.timed_out", "CRITICAL"),
        (9.0, "http.health.refused", "CRITICAL"),
        (9.0, "http.health.status", "CRITICAL"),
    ],
)
def test_waiting_says_nothing_while_we_stood_still(seconds: float, finding_id: str, severity: str) -> None:
    assert stalled(seconds, finding_id).severity == severity


def test_a_program_that_does_not_run_is_noticed() -> None:
    holding = ctypes.PyDLL(None)  # its calls do not let other threads of this process run
    with clock.stalls.watched():
        time.sleep(0.1)
        began = clock.monotonic()
        holding.usleep(1_300_000)
        time.sleep(0.15)
        after = clock.monotonic()
        assert 1 <= clock.stalls.between(began, after) <= after - began
    assert clock.stalls.between(after + 1000, after + 1001) == 0


_INCIDENT = "import sys; from incident_lib.cli import main; sys.exit(main())"


def test_a_workbench_that_was_stopped_blames_no_target(tmp_path: Path) -> None:
    """Stop the program while it waits for an answer, which comes at once, for longer than its deadline."""
    running: list[subprocess.Popen[bytes]] = []

    def answer(listening: socket.socket) -> None:
        stopped = False
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                if client.recv(1000).startswith(b"GET") and not stopped:
                    stopped = True
                    os.kill(running[0].pid, signal.SIGSTOP)
                    time.sleep(8)
                    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                    os.kill(running[0].pid, signal.SIGCONT)
                else:
                    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = tmp_path / "workbench.toml"
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config.write_text(
            f'[limits]\nhttp_seconds = 6.0\n[[service]]\nname = "api"\nkind = "http"\nurl = "{url}"\n'
        )
        path = os.pathsep.join(filter(None, sys.path))
        command = [sys.executable, "-c", _INCIDENT, "--config", str(config), "triage", "--json"]
        running.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": path},
            )
        )
        threading.Thread(target=answer, args=(listening,), daemon=True).start()
        out, _ = running[0].communicate(timeout=120)
        listening.close()
    document = msgspec.json.decode(out)
    bad = [
        f for f in document["findings"] if f["target"] == "api" and f["severity"] in {"CRITICAL", "WARNING"}
    ]
    assert bad == []
    assert document["hypotheses"] == []
