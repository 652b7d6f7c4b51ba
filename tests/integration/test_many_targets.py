"""Many targets that fail at once: one event where they share something, and none where they do not."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from incident_lib.investigation.collect import Watch
from incident_lib.investigation.setup import load_settings
from incident_lib.investigation.snapshot import unsaved_snapshot
from incident_lib.model import EVERYTHING, Analysis
from tests.command import run
from tests.integration import many_services
from tests.services import missing

_SCREEN = 24
_INCIDENT = "import sys; from incident_lib.cli import main; sys.exit(main())"


def judged(config: Path) -> Analysis:
    """Return what one look concludes."""
    with unsaved_snapshot(load_settings(str(config)), "15m", Watch()) as case:
        return case.analysis


def test_a_hundred_of_120_services_are_one_thing_on_the_first_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    manners = {
        f"svc-{i:03}": "well" if i < 20 else ("refused", "silent", "failing")[i % 3] for i in range(120)
    }
    with many_services.running() as services:
        config = many_services.configure(tmp_path, manners, services)
        assert run("--config", str(config), "triage", "--no-color") == 0
    screen = "\n".join(capsys.readouterr().out.splitlines()[:_SCREEN])
    assert re.search(r"^1\. 1\d\d of 120 targets fail at once", screen, re.MULTILINE)
    assert "\n2. " not in screen
    assert "do not restart them one by one" in " ".join(screen.split())
    assert screen.count("CRITICAL") <= 5


def test_services_that_fail_with_their_database_are_no_event_of_their_own(tmp_path: Path) -> None:
    manners = {f"api-{i}": "failing" for i in range(10)} | {"site": "well"}
    with many_services.running() as services:
        config = many_services.configure(tmp_path, manners, services)
        text = config.read_text(encoding="utf-8")
        for name in manners:
            if name != "site":
                text = text.replace(f'name = "{name}"\n', f'name = "{name}"\ndepends_on = ["db"]\n')
        dsn = f"postgresql://w@127.0.0.1:{services.port('refused')}/shop"
        config.write_text(f'{text}[[service]]\nname = "db"\nkind = "postgres"\ndsn = "{dsn}"\n', "utf-8")
        analysis = judged(config)
    assert not analysis.events
    first, *others = analysis.hypotheses
    assert (first.id, first.target) == ("db-down", "db")
    assert [(h.symptom_of, len(h.alike)) for h in others] == [("db:db-down", 9)]


def test_eleven_of_twenty_that_fail_in_different_ways_are_no_event(tmp_path: Path) -> None:
    ways = ["refused"] * 4 + ["silent"] * 2 + ["failing"] * 3 + ["well"] * 9
    manners = {f"svc-{i}": manner for i, manner in enumerate(ways)}
    with many_services.running() as services:
        config = many_services.configure(tmp_path, manners, services)
        text = config.read_text(encoding="utf-8")
        text += '[[dependency]]\nname = "lost"\nurl = "https://no-such-name.invalid/"\n'
        text += f'[[dependency]]\nname = "plain"\nurl = "https://127.0.0.1:{services.port("well")}/"\n'
        config.write_text(text, encoding="utf-8")
        analysis = judged(config)
    failing = {finding.target for finding in analysis.findings if finding.severity == "CRITICAL"}
    assert len(failing) >= 11
    assert not analysis.events
    assert EVERYTHING not in {hypothesis.target for hypothesis in analysis.hypotheses}


def test_an_engine_that_is_gone_with_what_it_ran_is_one_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with many_services.running() as services:
        manners = dict.fromkeys(("api", "site", "jobs", "mail"), "refused")
        config = many_services.configure(tmp_path, manners, services)
        text = config.read_text(encoding="utf-8")
        for name in manners:
            text = text.replace(f'name = "{name}"\n', f'name = "{name}"\ncontainer = "app-{name}"\n')
        port = services.port("well")
        text += f'[[service]]\nname = "edge"\nkind = "http"\nurl = "http://127.0.0.1:{port}"\n'
        config.write_text(text, encoding="utf-8")
        analysis = judged(config)
    assert analysis.hypotheses[0].id == "engine-down"
    assert analysis.covered == manners.keys()
    unknown = [f for f in analysis.findings if f.severity == "UNKNOWN"]
    assert [f.target for f in unknown] == ["docker"]


def _cut_off(place: Path, before: str, config: str) -> dict[str, Any]:
    """Return what one look concludes in namespaces of its own, behind a command that changes them."""
    path = place / "workbench.toml"
    path.write_text(config, encoding="utf-8")
    look = f"{before} && exec {sys.executable} -c '{_INCIDENT}' --config {path} triage --json"
    try:
        done = subprocess.run(
            ["unshare", "--net", "--mount", "sh", "-c", look],
            capture_output=True, timeout=120, check=False, cwd=place,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    except FileNotFoundError:
        missing("unshare is not installed")
    if b"Operation not permitted" in done.stderr or b"permission denied" in done.stderr.lower():
        missing("namespaces need root")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_machine_without_a_way_out_blames_itself(tmp_path: Path) -> None:
    text = "".join(
        f'[[service]]\nname = "svc-{i}"\nkind = "http"\nurl = "http://{host}:8000"\n'
        for i, host in enumerate(("192.0.2.1", "198.51.100.7", "203.0.113.9", "api.example.com"))
    )
    seen = _cut_off(tmp_path, "ip link set lo up", text)
    first = seen["hypotheses"][0]
    assert (first["id"], first["target"]) == ("own-vantage", EVERYTHING)
    bad = {f["target"] for f in seen["findings"] if f["severity"] in {"CRITICAL", "WARNING"}}
    assert bad <= {EVERYTHING, "host"}


def test_a_dead_resolver_is_one_event_for_twenty_names(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    text = "".join(
        f'[[dependency]]\nname = "dep-{i}"\nurl = "https://api-{i}.example.com/"\n' for i in range(20)
    )
    before = f"ip link set lo up && mount --bind {tmp_path}/resolv.conf /etc/resolv.conf"
    seen = _cut_off(tmp_path, before, text)
    first = seen["hypotheses"][0]
    assert first["id"] == "resolver-down"
    assert [h["symptom_of"] for h in seen["hypotheses"][1:]] == ["all:resolver-down"] * (
        len(seen["hypotheses"]) - 1
    )
    assert "20 names" in first["title"]


def test_nothing_configured_and_nothing_here_is_no_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with contextlib.ExitStack() as held:
        for port in (8000, 3000):
            sock = held.enter_context(socket.socket())
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} is taken")
        assert run("triage", "--no-color") == 0
    out = capsys.readouterr().out
    assert "Nothing is configured, and no part of the usual stack runs on this machine" in " ".join(
        out.split()
    )
    assert not re.search("SEV[123]|^CRITICAL", out, re.MULTILINE)
