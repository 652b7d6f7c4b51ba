"""Names as they resolve inside a real container."""

from pathlib import Path
from typing import Any

from incident_lib import clock, config
from incident_lib.findings.base import Context
from incident_lib.findings.network import ANALYZERS
from incident_lib.model import Window
from incident_lib.probes import network
from incident_lib.probes.base import run_lane
from tests.integration import docker_service

pytestmark = docker_service.MARKS
engine = docker_service.engine
WINDOW = Window(clock.now(), clock.now())

CONFIGURED = """
[[service]]
name = "backend"
kind = "http"
container = "app-db"
depends_on = ["self", "lost", "literal"]
[[dependency]]
name = "self"
url = "https://localhost"
[[dependency]]
name = "lost"
url = "https://no-such-host.invalid"
[[dependency]]
name = "literal"
url = "https://127.0.0.1"
"""


def test_names_inside(engine: Any, tmp_path: Path) -> None:
    settings = config.Settings(document=config.parse(CONFIGURED), root=tmp_path)
    (lane,) = [lane for lane in network.lanes(settings) if lane.name == "network-inside"]
    with docker_service.stack(engine):
        (evidence,) = run_lane(lane, WINDOW)
    found = list(ANALYZERS["network.inside"](evidence, Context(window=WINDOW)))
    assert [(one.id, one.data["host"]) for one in found] == [
        ("network.inside.not_resolving", "no-such-host.invalid")
    ]
    assert [bool(row.addresses) for row in evidence.rows] == [True, False]
