"""Ids and limits of containers have new names; the old ones work wherever somebody wrote or stored them."""

import json
import logging

import msgspec
import pytest

from incident_lib import config
from incident_lib.errors import ConfigError
from incident_lib.history import search, similar
from incident_lib.hypotheses import parse_patterns
from incident_lib.incident.events import Draft
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation import setup
from incident_lib.investigation.case import Case
from incident_lib.investigation.observed import observations
from incident_lib.model import Analysis, EventKind, Finding, FindingSeverity, Hypothesis
from incident_lib.model.topology import Topology
from tests.unit.technologies.docker.literals import CONTEXT

OLD = Analysis(
    snapshot="S",
    findings=(
        Finding(
            id="docker.events.oom",
            severity=FindingSeverity.CRITICAL,
            target="orders",
            title="orders was killed because it ran out of memory",
            since=CONTEXT.window.start,
            evidence=("orders/docker.events",),
        ),
        Finding(
            id="docker.engine.ok", severity=FindingSeverity.OK, target="docker", title="the engine answers"
        ),
    ),
    hypotheses=(
        Hypothesis(
            id="out-of-memory",
            target="orders",
            rank=1,
            score=0.9,
            title="t",
            support=("docker.events.oom", "docker.container.oom_killed"),
            against=("docker.stats.ok",),
        ),
    ),
)
PATTERN = """
[[pattern]]
id = "team-oom"
title = "{target}"
titles = { "docker.container.oom_killed" = "it grew" }
kinds = ["http"]
when = ["docker.container.oom_killed", "users:docker.events.*"]
base = 0.5
next_check = ""
first_action = ""
notebook = "10_application"
"""


@pytest.fixture(autouse=True)
def _each_notice_anew():
    setup._notify_renamed.cache_clear()


@pytest.fixture
def snapshot(tmp_path):
    folder = tmp_path / "snapshots" / "20260115T143000Z"
    folder.mkdir(parents=True)
    (folder / "findings.json").write_bytes(msgspec.json.encode(OLD))
    return folder


def settings(tmp_path, text):
    (tmp_path / "workbench.toml").write_text(text)
    return config.load(tmp_path / "workbench.toml")


def test_an_old_key_of_a_limit_counts_with_one_notice(tmp_path, caplog):
    own = settings(tmp_path, '[thresholds]\n"docker.memory.warning_ratio" = 0.5\n')
    for _ in range(2):
        assert setup.thresholds_for(own)["container.memory.warning_ratio"] == 0.5
    (notice,) = caplog.records
    assert notice.levelno == logging.WARNING
    assert "docker.memory.warning_ratio is now named container.memory.warning_ratio" in notice.getMessage()


def test_a_limit_by_both_names_is_refused_with_its_line(tmp_path):
    keys = '"docker.cpu.warning_ratio" = 0.5\n"container.cpu.warning_ratio" = 0.6\n'
    with pytest.raises(ConfigError, match=r"line 2: .*container.cpu.warning_ratio, which is also set"):
        setup.thresholds_for(settings(tmp_path, f"[thresholds]\n{keys}"))


def test_an_old_share_is_checked_like_a_new_one(tmp_path):
    with pytest.raises(ConfigError, match=r"line 2: .*write 0.85 for 85 %"):
        setup.thresholds_for(settings(tmp_path, '[thresholds]\n"docker.memory.warning_ratio" = 85\n'))


def test_old_clues_of_a_team_mean_the_new_ids_with_a_notice_each(tmp_path, caplog):
    (tmp_path / "team.toml").write_text(PATTERN)
    patterns = setup.patterns_for(settings(tmp_path, '[[pattern_file]]\npath = "team.toml"\n'))
    own = next(pattern for pattern in patterns if pattern.id == "team-oom")
    assert own.when == ("container.state.oom_killed", "users:container.events.*")
    assert own.titles == {"container.state.oom_killed": "it grew"}
    assert len(caplog.records) == 2
    assert "team.toml: pattern team-oom" in caplog.records[0].getMessage()


def test_the_patterns_that_ship_use_no_old_name(caplog):
    text = (setup.resource("templates", "patterns.toml")).read_text(encoding="utf-8")
    assert not [p.id for p in parse_patterns(text, "patterns.toml") if p.in_current_names()[1]]


def test_stored_conclusions_are_read_in_the_names_of_today(snapshot):
    analysis = load_analysis(snapshot)
    assert [finding.id for finding in analysis.findings] == ["container.events.oom", "docker.engine.ok"]
    assert analysis.hypotheses[0].support == ("container.events.oom", "container.state.oom_killed")
    assert analysis.hypotheses[0].against == ("container.stats.ok",)
    assert json.loads((snapshot / "findings.json").read_text())["findings"][0]["id"] == "docker.events.oom"


def test_search_finds_what_was_stored_by_the_name_of_today(snapshot):
    texts = [
        found.text for found in search._conclusions(search.Files(snapshot.parents[1]), CONTEXT.window.start)
    ]
    assert "orders: orders was killed because it ran out of memory (container.events.oom) " in texts


def test_an_incident_of_before_is_similar_to_one_of_today(snapshot):
    now = similar.Signature(findings={("container.events.oom", "http"): 1.0})
    assert similar._may_be(snapshot.parents[1], now)
    assert not similar._may_be(
        snapshot.parents[1], similar.Signature(findings={("container.events.die", "http"): 1.0})
    )


def test_the_timeline_does_not_repeat_what_it_holds_by_an_old_name(snapshot):
    now = load_analysis(snapshot)
    (told,) = observations(now)
    before = Draft(
        kind=EventKind.OBSERVED,
        text=told.text,
        source=told.source,
        occurred_at=told.occurred_at,
        data={**told.data, "finding": "docker.events.oom"},
    )
    assert told.data["finding"] == "container.events.oom"
    assert observations(now, known=(before,)) == ()


def test_notebooks_of_teams_still_pick_by_docker(snapshot):
    case = Case(
        settings=config.Settings(root=snapshot, document=config.Document()),
        snapshot="S",
        path=snapshot,
        window=CONTEXT.window,
        collected_at=CONTEXT.window.end,
        evidence=(),
        analysis=load_analysis(snapshot),
        topology=Topology(),
    )
    assert [finding.id for finding in case.findings("docker")] == ["container.events.oom", "docker.engine.ok"]
    assert [finding.id for finding in case.findings("container")] == ["container.events.oom"]
