"""Who takes this machine's processors: real programs that compute."""

import subprocess
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.model import Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.host import probes
from incident_lib.technologies.host.rows import ProcessorUser
from tests.integration import docker_service

engine = docker_service.engine
LOOP = "while :; do :; done"


def users(text=""):
    (lane,) = probes.lanes(config.Settings(document=config.parse(text), root=Path()))
    window = Window(clock.now() - timedelta(minutes=15), clock.now())
    (load,) = (one for one in run_lane(lane, window) if one.probe == "host.load")
    return {one.pid: one for one in load.of(ProcessorUser)}


@contextmanager
def running(*command, session):
    process = subprocess.Popen(command, start_new_session=session)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_who_takes_the_processors_is_named_and_whose_it_is(tmp_path):
    """Two programs that compute: one is a service by its pid file, the other one nobody's."""
    with (
        running("sh", "-c", LOOP, session=True) as stranger,
        running("bash", "-c", LOOP, session=True) as service,
    ):
        (tmp_path / "shop.pid").write_text(f"{service.pid}\n")
        text = f'[[service]]\nname = "shop"\nkind = "process"\npid_file = "{tmp_path}/shop.pid"\n'
        found = users(text)
    assert (found[service.pid].service, found[service.pid].name) == ("shop", "bash")
    assert (found[stranger.pid].service, found[stranger.pid].is_ours) == ("", False)
    assert found[stranger.pid].cores > 0.02
    assert 0 <= found[stranger.pid].waiting_ratio <= 1


def test_what_we_started_for_ourselves_is_ours():
    with running("sh", "-c", LOOP, session=False) as child:
        assert users()[child.pid].is_ours


@pytest.mark.docker
def test_a_program_in_a_container_is_told_with_it(engine):
    with docker_service.container(engine, ["sh", "-c", LOOP]) as made:
        made.reload()
        found = users()[made.attrs["State"]["Pid"]]
    assert found.container_id == made.id[:12]
    assert not found.is_ours
