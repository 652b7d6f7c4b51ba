"""What notebooks draw of a stored snapshot, as blocks and into axes of an engineer."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from incident_lib import display as show
from incident_lib.config import Document, Settings
from incident_lib.investigation.case import load_case

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"
CONCLUSIONS = {
    show.errors: "2 of 4 services failed, most backend: 12 % of all.",
    show.levels: "Most errors: backend with 54.",
    show.endpoints: "5 of 9 endpoints answered with 5xx, most GET /api/v1/orders/{id}.",
    show.latency: "Slowest: GET /api/v1/orders/{id}, p50 and p95 within 4.8 ms",
    show.phases: "Longest: backend /health/ready, 503",
    show.connections: "9 of 35 connections in use, 26 %; most are active: 9.",
    show.memory: "Closest to its limit: backend, processes, 15 %.",
}


@pytest.fixture(scope="module")
def case():
    return load_case(Settings(document=Document(), root=Path("/nowhere")), STORED)


@pytest.mark.parametrize("draw", CONCLUSIONS)
def test_every_drawing_concludes_in_words_and_goes_into_axes_of_an_engineer(case, draw):
    block = draw(case)
    assert block.axes[0].conclusion.startswith(CONCLUSIONS[draw])
    assert block.html.count("<svg") == len(block.axes)
    assert all(len(part) < 8_000 for part in block.html.split("<figure")[1:])
    own = Figure().subplots()
    assert draw(case, ax=own) is own
    assert own.get_title(loc="left") == block.axes[0].get_title(loc="left")


def test_the_services_that_failed_have_a_chart_of_their_own_below_the_map(case):
    titles = [axes.get_title(loc="left") for axes in show.errors(case).axes]
    named = "requests, those answered with 5xx"
    assert titles == ["Failures by service", f"backend: {named}", f"frontend: {named}"]
    alone = show.errors(case, "db").axes
    assert [axes.get_title(loc="left") for axes in alone] == ["db: log lines, errors"]
    assert show.connections(case, "nowhere", ax=Figure().subplots()) == "No PostgreSQL server is configured."
