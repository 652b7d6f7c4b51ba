"""A change whose process died in between: that it began is known, and that its outcome is not."""

import signal
import subprocess
import sys
import time

import pytest

from incident_lib import config
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from incident_lib.remediation.journal import unfinished
from tests.command import run
from tests.integration.remediation_case import command, declared, phases

CODE = "import sys; from tests.integration.remediation_case import command; command(*sys.argv[1:])"


@pytest.fixture
def begun(tmp_path):
    """Return the configuration, the incident, the plan, and a process that carries it out."""
    file = tmp_path / "workbench.toml"
    file.write_text(
        '[[service]]\nname = "worker"\nkind = "process"\n'
        'restart = ["sh", "-c", "touch begun; exec sleep 60"]\n'
    )
    folder = declared(config.load(file))
    plan = plan_change(config.load(file), folder, "restart", "worker")
    typed = ["restart", "worker", "--incident", str(folder.path), "--yes", plan.id]
    process = subprocess.Popen([sys.executable, "-c", CODE, str(file), *typed], start_new_session=True)
    until = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    yield file, folder, plan, process
    process.kill()
    process.wait()


def test_a_change_that_goes_on_is_no_unknown_one(begun):
    file, folder, plan, _ = begun
    assert unfinished(folder) == ()
    with pytest.raises(RefusedError, match="its outcome is not yet known"):
        execute_plan(config.load(file), folder, plan.id)
    plan_change(config.load(file), folder, "restart", "worker")
    assert phases(folder) == ["planned", "begun", "planned"]


def test_a_change_whose_process_died_is_recorded_as_unknown(begun, capsys):
    file, folder, plan, process = begun
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(RefusedError, match="no outcome was recorded: how far it got is unknown"):
        execute_plan(config.load(file), folder, plan.id)
    assert run("--config", str(file), "show") == 0
    assert "Restart a service: worker: started, but no outcome was recorded" in capsys.readouterr().out
    code, _, _ = command(file, "restart", "worker")
    assert code == 0
    assert phases(folder) == ["planned", "begun", "ended", "planned"]
    ended = folder.events[-2]
    assert (ended.data["status"], ended.data["plan"]) == ("interrupted", plan.id)
    assert "how far it got is unknown; check the target" in ended.text
    assert folder.incident.mitigated_at is None
    assert not [difference for difference in folder.verify() if difference.is_bad]


def test_a_claim_without_a_beginning_changed_nothing(tmp_path):
    file = tmp_path / "workbench.toml"
    file.write_text('[[service]]\nname = "worker"\nkind = "process"\nrestart = ["sh", "-c", "touch begun"]\n')
    folder = declared(config.load(file))
    plan = plan_change(config.load(file), folder, "restart", "worker")
    (folder.path / "mitigations" / f"{plan.id}.begun").touch()
    with pytest.raises(RefusedError, match="its process ended before it changed anything"):
        execute_plan(config.load(file), folder, plan.id)
    assert not (tmp_path / "begun").exists()
