"""A whole incident, as it is typed: from the fault to a bundle that replays on another machine."""

import json
import re
from pathlib import Path

import pytest

from incident_lib.cli import main
from incident_lib.demo import FAULTS, DemoStack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def stack(place):
    with DemoStack(incidents=place / "incidents") as running:
        running.drive(6)
        FAULTS["lock-contention"].inject(running)
        running.drive(5)
        yield running


@pytest.fixture
def typed(stack, place, monkeypatch, capfd):
    monkeypatch.chdir(place)

    def run(*words: str, code: int = 0) -> str:
        assert main(["--config", str(stack.config), *words]) == code, capfd.readouterr()
        return capfd.readouterr().out

    return run


def test_a_whole_incident(typed, stack, place):
    typed("declare", "--title", "Checkout hangs", "--severity", "SEV2", "--service", "backend")
    typed("ack", "--by", "Kim")
    typed("assign", "commander", "Ada")
    run = json.loads(typed("run", "--json"))
    assert [one["status"] for one in run["notebooks"]] == ["completed"] * 5

    shown = json.loads(typed("show", "--json"))
    first = shown["analysis"]["hypotheses"][0]
    assert (first["id"], first["target"]) == ("lock-contention", "db")
    typed(
        "update",
        "--status",
        "IDENTIFIED",
        "--findings",
        first["title"],
        "--actions",
        "ending the root blocker",
    )

    blocked = next(f for f in shown["analysis"]["findings"] if f["id"] == "postgres.locks.blocked")
    end = next(action for action in blocked["actions"] if action["action"] == "postgres.terminate")
    request = ("mitigate", end["action"], end["target"], "--arg", f"pid={end['arguments']['pid']}")
    plan = re.search(r"--yes (\w+)", typed(*request))
    typed("update", "--status", "MITIGATING")
    assert "verified" in typed("mitigate", end["action"], end["target"], "--yes", plan[1]).lower()
    stack.wait_until_ready()
    stack.drive(4)

    again = json.loads(typed("triage", "--since", "3s", "--json"))
    blocked = [f for f in again["findings"] if f["id"] == "postgres.locks.blocked"]
    assert [(f["holds"], f["severity"]) for f in blocked] in ([], [("past", "INFO")])
    typed("resolve", "--reason", "the pricing job was ended")
    typed("postmortem")
    typed("runbook", "db")
    assert typed("verify").strip().endswith("nothing has changed since it was sealed")

    state = json.loads(typed("show", "--json"))["incident"]
    assert state["status"] == "RESOLVED"
    folder = place / "incidents" / state["id"]
    written = next(folder.glob("postmortem-*.md")).read_text()
    for words in ("lock-contention", "the pricing job was ended", "Five whys"):
        assert words.lower() in written.lower()
    told = typed("show", "--timeline")
    assert "pg_terminate_backend" in told or "postgres.terminate" in told.lower() or "Terminate" in told


def test_the_bundle_replays_where_every_server_is_gone(typed, place, tmp_path, monkeypatch, capfd):
    typed("bundle", "--output", str(tmp_path / "handed-over.zip"))
    before = json.loads(typed("show", "--json"))["analysis"]
    elsewhere = tmp_path / "laptop"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "workbench.toml").write_text('[workbench]\nincidents = "incidents"\n')
    assert main(["verify", str(tmp_path / "handed-over.zip")]) == 0
    assert main(["open", str(tmp_path / "handed-over.zip")]) == 0
    capfd.readouterr()
    assert main(["show", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["analysis"] == before
    assert main(["run", "--snapshot", "latest", "--notebook", "20_database"]) == 0
    assert main(["verify"]) == 0


def test_no_password_of_the_stack_reached_any_file(stack, place):
    secrets = [
        url.split(":")[2].split("@")[0].encode()
        for url in (stack.app_dsn, stack.redis_url, stack.postgres_dsn)
    ]
    files = [path for path in (place / "incidents").rglob("*") if path.is_file()]
    assert len(files) > 50
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []
