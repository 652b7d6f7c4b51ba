"""Log files: copied and cut while their writers go on, or left alone."""

import gzip
import shutil
import stat

import pytest

from incident_lib.config import Service
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from tests.integration.remediation_case import declared, settings_for

LINES = "2026-01-15T14:31:05Z INFO a line of the log\n" * 2000


def worker(root, *restart, **more):
    service = Service(name="worker", kind="process", log="worker.log", restart=restart, **more)
    return settings_for(root, service)


@pytest.fixture
def logged(tmp_path):
    """Return a configuration with a log file that has something in it."""
    (tmp_path / "worker.log").write_text(LINES)
    return worker(tmp_path)


def test_a_log_is_copied_and_cut_while_its_writer_goes_on(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    log.chmod(0o640)
    with log.open("a") as writer:
        plan = plan_change(logged, folder, "log.rotate", "worker")
        assert log.read_text() == LINES
        outcome = execute_plan(logged, folder, plan.id)
        writer.write("after\n")
    assert outcome.status is OutcomeStatus.VERIFIED, outcome
    assert log.read_text() == "after\n"
    copy = tmp_path / "worker.log.1.gz"
    assert gzip.decompress(copy.read_bytes()).decode() == LINES
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640  # nobody may read it who may not read the log
    log.write_text(LINES)
    second = plan_change(logged, folder, "log.rotate", "worker")
    assert f"{copy.with_name('worker.log.2.gz')}" in second.commands[0]


def test_a_log_may_be_given_up(logged, tmp_path):
    folder = declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker", {"copy": "none"})
    assert any("no copy is kept" in risk for risk in plan.risks)
    assert execute_plan(logged, folder, plan.id).status is OutcomeStatus.VERIFIED
    assert [path.name for path in tmp_path.glob("worker.log*")] == ["worker.log"]


def test_a_log_that_was_rotated_meanwhile_changes_the_world(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    log.rename(tmp_path / "worker.log.old")
    log.write_text(LINES)
    with pytest.raises(RefusedError, match="file was"):
        execute_plan(logged, folder, plan.id)
    assert log.read_text() == LINES


def test_a_log_that_was_cut_meanwhile_changes_the_world(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    log.write_text("short\n")
    with pytest.raises(RefusedError, match="bytes: 6, which is not within"):
        execute_plan(logged, folder, plan.id)


def test_links_and_devices_are_left_alone(tmp_path):
    (tmp_path / "other").write_text("kept")
    (tmp_path / "worker.log").symlink_to(tmp_path / "other")
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match="not a plain file"):
        plan_change(settings, declared(settings), "log.rotate", "worker")
    assert (tmp_path / "other").read_text() == "kept"


def test_a_copy_that_does_not_fit_is_refused(tmp_path):
    with (tmp_path / "worker.log").open("wb") as log:
        log.truncate(shutil.disk_usage(tmp_path).free * 6)  # hollow: takes no room
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match=r"may not fit .* --arg copy=none"):
        plan_change(settings, declared(settings), "log.rotate", "worker")


def test_no_log_nothing_in_it_and_no_such_file_are_refusals(tmp_path):
    settings = worker(tmp_path)
    folder = declared(settings)
    with pytest.raises(RefusedError, match="No such file"):
        plan_change(settings, folder, "log.rotate", "worker")
    (tmp_path / "worker.log").touch()
    with pytest.raises(RefusedError, match="nothing to do"):
        plan_change(settings, folder, "log.rotate", "worker")
    contained = settings_for(tmp_path, Service(name="worker", kind="process", container="app-worker"))
    with pytest.raises(RefusedError, match="Docker keeps its log"):
        plan_change(contained, folder, "log.rotate", "worker")
