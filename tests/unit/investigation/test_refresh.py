"""Collecting again for an open case: a real port that opens meanwhile, and a log of some hours."""

import socket
from datetime import timedelta

import pytest

from incident_lib import clock, open_investigation, reanalyze
from incident_lib.cli import main
from incident_lib.display import verdict
from incident_lib.display.mitigations import proposals
from incident_lib.errors import UsageError
from incident_lib.model import FindingSeverity

CONFIGURED = """
[[service]]
name = "backend"
kind = "http"
log = "backend.log"

[[dependency]]
name = "vendor"
url = "tcp://127.0.0.1:{port}"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Make an incident with one snapshot: the vendor's port is closed, its server not started yet."""
    folder = tmp_path_factory.mktemp("refresh")
    with socket.create_server(("127.0.0.1", 0)) as vendor:
        port = vendor.getsockname()[1]
    (folder / "workbench.toml").write_text(CONFIGURED.format(port=port))
    hours_ago = clock.now() - timedelta(hours=3)
    early = [
        f"{hours_ago + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ} ERROR out of stock {n}" for n in range(60)
    ]
    late = [f"{clock.now() - timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ} INFO served" for n in range(60, 0, -1)]
    (folder / "backend.log").write_text("\n".join((*early, *late, "")))
    config = str(folder / "workbench.toml")
    assert main(["declare", "--config", config, "--title", "Vendor", "--severity", "sev2"]) == 0
    return folder, port, hours_ago


@pytest.fixture
def opened(place):
    config = str(place[0] / "workbench.toml")
    return open_investigation(str(next((place[0] / "incidents").glob("2*"))), config=config)


def refused(case):
    return [f for f in case.findings("network.ports") if f.severity is FindingSeverity.CRITICAL]


def test_latest_collects_where_there_is_none_and_stays_until_a_refresh(opened, place):
    again = open_investigation(str(opened.folder.path), config=str(place[0] / "workbench.toml"))
    assert again.snapshot == opened.snapshot
    first = opened.snapshot
    assert opened.refresh() is opened
    assert opened.snapshot == opened.folder.snapshot("latest").name != first
    assert not opened.carried


def test_a_probe_is_collected_again_and_the_rest_carried_over(opened, place):
    assert refused(opened)
    log, before = opened.log_text("backend"), opened.of("logs.lines")[0].collected_at
    with socket.create_server(("127.0.0.1", place[1])):
        opened.refresh("network.ports", "vendor")
    assert not refused(opened)
    assert any(f.is_past for f in opened.findings("network.ports")), "what was wrong is over, and not hidden"
    assert opened.of("logs.lines")[0].collected_at == before < opened.of("network.ports")[0].collected_at
    assert opened.log_text("backend") == log != ""
    assert "backend/logs.lines" in opened.carried
    assert "not collected again" in verdict(opened).html
    assert reanalyze(opened).comparison.differences == ()
    assert opened.folder.verify() == []
    assert "anew" in opened.folder.events[-1].text or "anew" in opened.folder.events[-2].text


def test_another_span_is_read_where_a_probe_can_look_back(opened, place, caplog):
    start = place[2] - timedelta(minutes=1)
    past = opened.between(start.isoformat(), (start + timedelta(minutes=5)).isoformat())
    assert set(past.logs("backend").level) == {"ERROR"}
    assert "out of stock" not in opened.log_text("backend")
    assert past.looks_back
    assert "only the present" in past.of("network.ports")[0].problem.message
    assert "cannot read the past, and are not assessed: host, network" in caplog.text
    assert opened.folder.snapshot("latest").name == opened.snapshot
    assert past.findings("logs")
    assert past.analysis.looks_back
    assert not any(hypothesis.first_action for hypothesis in past.analysis.hypotheses)
    assert "nothing is proposed for it" in proposals(past).html
    assert reanalyze(past).comparison.differences == ()
    assert reanalyze(past).analysis.looks_back
    assert opened.folder.verify() == []
    with pytest.raises(UsageError, match="the latest snapshot"):
        past.refresh()


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [("2026-01-15T18:50", "2026-01-15T18:40", "not before"), ("10m", "2999-01-01", "in the future")],
)
def test_a_span_that_cannot_be_is_wrong_usage(opened, start, end, why):
    with pytest.raises(UsageError, match=why):
        opened.between(start, end)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (("network.prots",), "did you mean `network.ports`"),
        (("network.ports", "vendro"), "did you mean `vendor`"),
        (("network.ports", "backend"), "only for vendor"),
        (("redis.memory",), "nothing of that kind is configured"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(opened, named, why):
    with pytest.raises(UsageError, match=why):
        opened.refresh(*named)


def test_a_foreign_incident_is_never_collected_into(opened):
    (opened.folder.path / "bundle.json").write_text("{}")
    known = opened.folder.snapshots
    for collect in (
        opened.refresh,
        lambda: opened.refresh("network.ports"),
        lambda: opened.between("2h", "1h"),
    ):
        with pytest.raises(UsageError, match="came from elsewhere"):
            collect()
    assert opened.folder.snapshots == known
