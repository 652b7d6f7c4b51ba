"""Samples of real targets: one request each, and what cannot be seen is unknown."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.config import Settings
from incident_lib.display.differences import against_normal, trends
from incident_lib.incident import folder as folders
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.case import load_case
from incident_lib.investigation.setup import redactor_for
from incident_lib.investigation.trend import sample, watch_trend, watched_lanes
from incident_lib.model import Analysis, IncidentSeverity, Window
from incident_lib.model.sample import Sample
from incident_lib.model.topology import Topology

asked: list[str] = []


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked.append(self.path)
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(root: Path, port: int, health: str = '["/health", "/broken"]') -> Settings:
    (root / "run.pid").write_text(f"{os.getpid()}\n")
    (root / "workbench.toml").write_text(
        f"""
[workbench]
incidents = "incidents"

[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:{port}"
health = {health}
pid_file = "run.pid"
memory_limit_bytes = 8589934592
"""
    )
    return config.load(str(root / "workbench.toml"))


def values(taken: Sample) -> dict[tuple[str, str], float | None]:
    return {(each.name, each.what): each.value for each in taken.readings if each.target == "backend"}


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_sample_asks_each_address_once(tmp_path):
    with serving() as port:
        asked.clear()
        found = values(sample(settings(tmp_path, port)))
    assert sorted(asked) == ["/broken", "/health"]
    assert found["errors", "health addresses that fail"] == 0.5
    assert 0 < (found["latency", "GET /health"] or 0) < 5
    assert (found["memory", "memory"] or 0) > 1_000_000


def test_what_is_down_is_unknown_and_not_fast(tmp_path):
    here = settings(tmp_path, closed_port())
    (tmp_path / "run.pid").unlink()
    found = values(sample(here))
    assert found["latency", "GET /health"] is None
    assert found["errors", "health addresses that fail"] == 1.0
    assert ("memory", "memory") not in found


def test_only_quick_probes_are_run(tmp_path):
    watched = {probe.name for lane in watched_lanes(settings(tmp_path, 1)) for probe in lane.probes}
    assert watched == {"http.health", "process.state", "host.disk", "host.memory", "logs.lines"} & watched
    assert {"http.health", "process.state", "host.disk", "host.memory"} <= watched


def test_a_watch_is_stored_and_shown_in_notebooks(tmp_path):
    reported: list[Sample] = []
    with serving() as port:
        here = settings(tmp_path, port)
        declaration = folders.Declaration(
            title="Slow", severity=IncidentSeverity.SEV3, started_at=sample(here).at
        )
        folder = folders.declare(here.incidents, declaration, redactor_for(here))
        taken = watch_trend(here, folder, every_seconds=1.2, for_seconds=2.5, on_sample=reported.append)
    assert list(taken) == reported
    assert 2 <= len(taken) <= 3  # each is due at its time, and left out where the machine is late
    writer = SnapshotWriter(folder.path / "snapshots", Window(taken[0].at, taken[-1].at), folder.redactor)
    writer.seal(Analysis(snapshot=writer.id), Topology())
    case = load_case(here, writer.path, folder)
    assert f"{len(taken)} samples are not enough" in trends(case).html
    assert repr(trends(case)) == f"<{len(taken)} samples>"
    assert "incident baseline" in against_normal(case).html


def test_a_redacted_address_stays_out_of_the_samples(tmp_path):
    with serving() as port:
        here = settings(tmp_path, port, '["/health?token=hunter2hunter2"]')
        taken = sample(here)
    assert "hunter2" not in str(taken)


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_watch_takes_one_sample_at_least(tmp_path, seconds):
    with serving() as port:
        here = settings(tmp_path, port)
        declaration = folders.Declaration(
            title="Once", severity=IncidentSeverity.SEV4, started_at=sample(here).at
        )
        folder = folders.declare(here.incidents, declaration, redactor_for(here))
        assert len(watch_trend(here, folder, every_seconds=1.0, for_seconds=seconds)) == 1
