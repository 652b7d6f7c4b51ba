"""Restarting real containers and removing what a real engine does not use."""

import time
import uuid

import psycopg
import pytest
import redis

from incident_lib import config
from incident_lib.config import Service
from incident_lib.errors import UsageError
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from tests.integration import docker_image, docker_service
from tests.integration.remediation_case import declared, phases, settings_for

pytestmark = docker_service.MARKS
engine = docker_service.engine

POLITE = ["python3", "-c", "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()"]
STUBBORN = [
    "python3",
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); [signal.pause() for _ in range(9)]",
]


def configured(root, container, **more):
    service = Service(name="worker", kind="process", container=container, **more)
    return settings_for(root, service)


def named(client, command, **options):
    return docker_service.container(client, command, name=f"wb-{uuid.uuid4().hex[:8]}", **options)


def started_at(container):
    container.reload()
    return container.attrs["State"]["StartedAt"]


def test_a_container_is_restarted(engine, tmp_path):
    with named(engine, POLITE, init=True) as container:
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        before = started_at(container)
        plan = plan_change(settings, folder, "restart", "worker", {"grace_seconds": "5"})
        assert plan.commands == (f"docker restart --time 5 {container.name}",)
        assert started_at(container) == before
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        assert "was killed" not in outcome.done
        assert started_at(container) != before
        assert phases(folder) == ["planned", "begun", "ended"]
        with pytest.raises(RefusedError, match="already used"):
            execute_plan(settings, folder, plan.id)


def test_a_container_that_will_not_stop_is_killed_and_that_is_told(engine, tmp_path):
    with named(engine, STUBBORN) as container:
        time.sleep(0.5)  # until it ignores the signal
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        plan = plan_change(settings, folder, "restart", "worker", {"grace_seconds": "1"})
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        assert "did not stop within 1 s and was killed" in outcome.done


def test_a_container_that_ends_again_is_not_verified(engine, tmp_path):
    with named(engine, ["sh", "-c", "test -e /tmp/once && exit 3; touch /tmp/once; sleep 600"]) as container:
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        time.sleep(0.5)
        plan = plan_change(settings, folder, "restart", "worker", {"grace_seconds": "0", "wait_seconds": "1"})
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.NOT_VERIFIED, outcome
        assert "is exited" in " ".join(outcome.evidence)
        assert "incident logs --service worker" in outcome.next_step


def test_a_container_that_restarted_meanwhile_changes_the_world(engine, tmp_path):
    with named(engine, POLITE, init=True) as container:
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        plan = plan_change(settings, folder, "restart", "worker")
        container.restart(timeout=1)
        after = started_at(container)
        with pytest.raises(RefusedError, match="started_at was"):
            execute_plan(settings, folder, plan.id)
        assert started_at(container) == after


def test_a_container_that_is_gone_is_a_refusal(engine, tmp_path):
    with named(engine, POLITE, init=True) as container:
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        plan = plan_change(settings, folder, "restart", "worker")
    with pytest.raises(RefusedError, match="not found"):
        execute_plan(settings, folder, plan.id)
    with pytest.raises(RefusedError, match="not found"):
        plan_change(settings, folder, "restart", "worker")
    with pytest.raises(UsageError, match="no service is named 'workr'"):
        plan_change(settings, folder, "restart", "workr")


def test_a_container_that_has_ended_is_started(engine, tmp_path):
    with named(engine, POLITE, init=True) as container:
        container.stop(timeout=2)
        settings = configured(tmp_path, container.name)
        folder = declared(settings)
        plan = plan_change(settings, folder, "restart", "worker")
        assert "exited, exit code" in plan.affected[0].detail
        assert execute_plan(settings, folder, plan.id).status is OutcomeStatus.VERIFIED


def test_a_container_that_cannot_start_is_told_in_part(engine, tmp_path):
    made = engine.containers.create(docker_image.BASE, ["/no/such/program"], network_mode="none")
    try:
        settings = configured(tmp_path, made.name)
        folder = declared(settings)
        plan = plan_change(settings, folder, "restart", "worker", {"wait_seconds": "0"})
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.PARTIAL, outcome
        assert "/no/such/program" in outcome.done
    finally:
        made.remove(force=True)


def test_no_engine_is_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    settings = configured(tmp_path, "wb-none")
    with pytest.raises(RefusedError, match="no Docker engine here"):
        plan_change(settings, declared(settings), "restart", "worker")


@pytest.fixture
def unused(engine):
    """Yield a label, with a stopped container and an untagged image that bear it, and one that runs."""
    label = f"wb-test={uuid.uuid4().hex}"
    labels = dict([label.split("=")])
    with (
        named(engine, ["sh", "-c", "echo made > /made"], labels=labels) as ended,
        named(engine, ["sleep", "600"], labels=labels, init=True) as running,
    ):
        ended.wait()
        image = ended.commit(conf={"Labels": labels})
        yield label, ended, running, image
        images = engine.images.list(filters={"label": label, "dangling": True})
        for one in images:
            engine.images.remove(one.id, force=True)


def ids(engine, label):
    containers = {one.id for one in engine.containers.list(all=True, filters={"label": label})}
    return containers, {one.id for one in engine.images.list(filters={"label": label, "dangling": True})}


def test_what_nobody_uses_is_removed_and_nothing_else(engine, tmp_path, unused):
    label, ended, running, image = unused
    settings = configured(tmp_path, "")
    folder = declared(settings)
    plan = plan_change(settings, folder, "docker.prune", "docker", {"label": label, "older_than": "0s"})
    assert any(command.endswith(f"# {ended.name}") for command in plan.commands)
    assert len(plan.commands) == 2
    assert next(one.count for one in plan.affected if one.unit == "B") > 0
    assert ids(engine, label) == ({ended.id, running.id}, {image.id})
    outcome = execute_plan(settings, folder, plan.id)
    assert outcome.status is OutcomeStatus.VERIFIED, outcome
    assert ids(engine, label) == ({running.id}, set())


def test_containers_that_ended_a_moment_ago_are_evidence(engine, tmp_path, unused):
    label, _, _, image = unused
    settings = configured(tmp_path, "")
    plan = plan_change(settings, declared(settings), "docker.prune", "host", {"label": label})
    assert plan.commands == (f"docker image rm {image.id[7:19]}",)


def test_what_became_unused_meanwhile_changes_the_world(engine, tmp_path, unused):
    label, _, running, _ = unused
    settings = configured(tmp_path, "")
    folder = declared(settings)
    plan = plan_change(settings, folder, "docker.prune", "docker", {"label": label, "older_than": "0s"})
    running.stop(timeout=1)
    with pytest.raises(RefusedError, match="unused was"):
        execute_plan(settings, folder, plan.id)
    assert len(ids(engine, label)[0]) == 2


def test_nothing_unused_is_nothing_to_do(engine, tmp_path):
    settings = configured(tmp_path, "")
    label = {"label": f"wb-none={uuid.uuid4().hex}"}
    with pytest.raises(RefusedError, match="no unused images"):
        plan_change(settings, declared(settings), "docker.prune", "docker", label)
    with pytest.raises(RefusedError, match="use docker or host"):
        plan_change(settings, declared(settings), "docker.prune", "worker", label)


@pytest.fixture(scope="module")
def stack(engine, tmp_path_factory):
    """Yield the four containers and the folder of their configuration."""
    folder = tmp_path_factory.mktemp("stack")
    with docker_service.stack(
        engine, f"{uuid.uuid4().hex[:6]}-", redis_password="correct-horse-7"
    ) as running:
        (folder / "workbench.toml").write_text(running.configuration())
        yield running, folder


def test_a_backend_in_a_container_is_restarted_and_answers_again(stack):
    running, folder = stack
    networks = running.container("backend").attrs["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"]  # its published port is another one after a restart
    text = running.configuration().replace(running.backend_url, f"http://{address}:8000")
    (folder / "address.toml").write_text(text)
    settings = config.load(folder / "address.toml")
    incident = declared(settings)
    plan = plan_change(settings, incident, "restart", "backend")
    assert any(one.detail == "frontend" for one in plan.affected)
    outcome = execute_plan(settings, incident, plan.id)
    assert outcome.status is OutcomeStatus.VERIFIED, outcome
    assert any("GET /health/ready gave 200" in line for line in outcome.evidence)


def test_keys_of_a_cache_that_is_only_a_container_are_deleted(stack):
    running, folder = stack
    settings = config.load(folder / "workbench.toml")
    incident = declared(settings)
    with redis.Redis.from_url(running.redis_url) as client:
        client.mset({f"cache:test:{number}": "x" for number in range(50)})
        plan = plan_change(settings, incident, "redis.delete_keys", "redis", {"pattern": "cache:test:*"})
        assert execute_plan(settings, incident, plan.id).status is OutcomeStatus.VERIFIED
        assert client.exists("cache:test:1") == 0
    assert "correct-horse-7" not in "".join(path.read_text() for path in incident.path.rglob("*.json"))


def test_a_session_is_terminated_through_the_container(stack):
    running, folder = stack
    service = Service(
        name="db",
        kind="postgres",
        dsn=f"postgresql://{docker_service.USER}@127.0.0.1:1/{docker_service.DATABASE}",  # no way from here
        container=running.name("db"),
    )
    settings = settings_for(folder, service)
    incident = declared(settings)
    with psycopg.connect(running.dsn) as session:
        session.execute("SELECT 1")
        pid = {"pid": str(session.info.backend_pid)}
        plan = plan_change(settings, incident, "postgres.terminate", "db", pid)
        outcome = execute_plan(settings, incident, plan.id)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()
