"""Deployments from a file, a command and a repository: on the timeline, and set against the onset."""

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.findings.base import Context
from incident_lib.hypotheses import rank
from incident_lib.investigation.observed import observations
from incident_lib.investigation.setup import patterns_for
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.model.topology import Topology
from incident_lib.probes.base import run_lane
from incident_lib.technologies import catalogue
from incident_lib.technologies.deploys import probes as deploys
from incident_lib.technologies.deploys.findings import ANALYZERS
from incident_lib.technologies.deploys.rows import Deployment
from tests import services

NOW = clock.now()
WINDOW = Window(NOW - timedelta(minutes=15), NOW)


def look(folder: Path, text: str) -> Evidence:
    settings = config.Settings(document=config.parse(f"[deploy]\n{text}\n"), root=folder)
    (lane,) = deploys.lanes(settings)
    (evidence,) = run_lane(lane, WINDOW)
    return evidence


def judge(evidence: Evidence) -> list[Finding]:
    return list(ANALYZERS["deploys.log"](evidence, Context(window=WINDOW)))


def lines(*entries: tuple[timedelta, str, str]) -> str:
    told = (
        {"at": (NOW - ago).isoformat(), "service": name, "version": version} for ago, name, version in entries
    )
    return "".join(f"{json.dumps(one)}\n" for one in told)


TEXT = lines((timedelta(hours=3), "backend", "1.4.1"), (timedelta(minutes=5), "backend", "1.4.2"))


def repository(folder: Path, *commits: tuple[datetime, str]) -> Path:
    """Return a repository with those commits."""
    if not shutil.which("git"):
        services.missing("git")
    path = folder / "deployments"
    quiet = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    author = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@x",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@x",
    }
    subprocess.run(["git", "init", "-q", str(path)], check=True, env=quiet)
    for at, subject in commits:
        dates = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
        command = ["git", "-C", str(path), "commit", "-q", "--allow-empty", "-m", subject]
        subprocess.run(command, check=True, env=quiet | author | dates)
    return path


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "deploys.jsonl").write_text(TEXT)
    (one,) = judge(look(tmp_path, 'log = "deploys.jsonl"'))
    assert (one.id, one.target, one.severity) == ("deploys.log.deployed", "backend", "INFO")
    assert (one.data["version"], one.data["previous"]) == ("1.4.2", "1.4.1")
    assert one.since == NOW - timedelta(minutes=5)


def test_a_command(tmp_path: Path) -> None:
    (tmp_path / "said").write_text(TEXT)
    command = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(tmp_path / "said")]
    (one,) = judge(look(tmp_path, f"command = {json.dumps(command)}"))
    assert (one.id, one.target) == ("deploys.log.deployed", "backend")


def test_commits_of_a_repository(tmp_path: Path) -> None:
    old, new = NOW - timedelta(hours=2), (NOW - timedelta(minutes=4)).replace(microsecond=0)
    path = repository(tmp_path, (old, "Deploy backend 1.4.1"), (new, "Deploy backend 1.4.2"))
    evidence = look(tmp_path, f'git = "{path}"')
    assert [row.version.partition(" ")[2] for row in evidence.of(Deployment)] == [
        "Deploy backend 1.4.1",
        "Deploy backend 1.4.2",
    ]
    (one,) = judge(evidence)
    assert one.since == new
    assert "Deploy backend 1.4.2" in one.title


def test_a_subject_is_text_and_nothing_else(tmp_path: Path) -> None:
    path = repository(tmp_path, (NOW - timedelta(minutes=1), "tab\there; $(touch x) <b> {target}"))
    (one,) = judge(look(tmp_path, f'git = "{path}"'))
    assert "$(touch x) <b> {target}" in one.title


def test_nothing_in_the_window(tmp_path: Path) -> None:
    (tmp_path / "deploys.jsonl").write_text(lines((timedelta(hours=3), "backend", "1.4.1")))
    (one,) = judge(look(tmp_path, 'log = "deploys.jsonl"'))
    assert one.severity == "OK"


@pytest.mark.parametrize(
    "text",
    [
        'log = "missing.jsonl"',
        'git = "no-repository"',
        'command = ["no-such-command"]',
        'command = ["false"]',
    ],
)
def test_what_cannot_be_read_is_ours(tmp_path: Path, text: str) -> None:
    evidence = look(tmp_path, text)
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind.is_ours


ODD = (
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'{"at": 1e300, "service": "x", "version": "1"}',
    b'{"at": -1e18, "service": "x", "version": "1"}',
    b'{"at": "0000-00-00T00:00:00Z", "service": "x", "version": "1"}',
    b'{"at": "9999-12-31T23:59:59-23:00", "service": "x", "version": "1"}',
    b'{"at": true, "service": {}}',
    b'{"at": "2026-01-15T14:30:00", "service": "\\ud800", "version": "1"}',
    b'{"at": ' + b"[" * 100_000,
    b'{"at": "' + b"9" * 100_000 + b'"}',
)


@pytest.mark.parametrize("odd", ODD)
def test_no_odd_line_hides_the_others(tmp_path: Path, odd: bytes) -> None:
    (tmp_path / "deploys.jsonl").write_bytes(TEXT.encode() + odd + b"\n")
    evidence = look(tmp_path, 'log = "deploys.jsonl"')
    assert {"1.4.1", "1.4.2"} <= {row.version for row in evidence.of(Deployment)}
    assert [found.title for found in judge(evidence) if found.since == NOW - timedelta(minutes=5)] == [
        "version 1.4.2 was deployed"
    ]
    if evidence.problem:
        assert evidence.problem.message.startswith("no deployment: 1 line of 3; the first: ")
        assert len(evidence.problem.message) < 400


def test_nothing_in_the_window_is_not_known_where_a_line_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "deploys.jsonl").write_text(lines((timedelta(hours=3), "backend", "1.4.1")) + "nonsense\n")
    (found,) = judge(look(tmp_path, 'log = "deploys.jsonl"'))
    assert found.severity == "UNKNOWN"


def test_lines_that_are_none_are_counted(tmp_path: Path) -> None:
    (tmp_path / "deploys.jsonl").write_text(f'nonsense\n{{"at": "soon"}}\n{TEXT}')
    evidence = look(tmp_path, 'log = "deploys.jsonl"')
    assert evidence.status is EvidenceStatus.PARTIAL
    assert evidence.problem is not None
    assert "2 lines" in evidence.problem.message


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploys, "_SECONDS", 0.3)
    evidence = look(tmp_path, 'command = ["sleep", "60"]')
    assert evidence.problem is not None
    assert "did not end within" in evidence.problem.message


def test_it_is_on_the_timeline_and_set_against_the_onset(tmp_path: Path) -> None:
    (tmp_path / "deploys.jsonl").write_text(TEXT)
    evidence = look(tmp_path, 'log = "deploys.jsonl"')
    (deployed,) = judge(evidence)
    onset = Finding(
        id="logs.lines.onset",
        target="backend",
        severity=FindingSeverity.CRITICAL,
        title="errors begin",
        since=NOW - timedelta(minutes=4),
    )
    errors = Finding(
        id="logs.lines.errors", target="backend", severity=FindingSeverity.CRITICAL, title="errors"
    )
    drafts = observations(Analysis(snapshot="s", findings=(deployed, onset, errors)))
    assert (drafts[0].occurred_at, drafts[0].data["finding"]) == (
        deployed.since,
        "deploys.log.deployed",
    )
    settings = config.Settings(document=config.parse(""), root=tmp_path)
    graph = Topology(kinds={"backend": "http"})
    first = rank((deployed, onset, errors), graph, patterns_for(settings), catalogue())[0]
    assert first.id == "bad-deploy"
    assert "1m 0s after a change" in first.reason
