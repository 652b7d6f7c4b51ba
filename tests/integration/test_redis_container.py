"""The ways to a server in a container: its own address, redis-cli inside it, and none."""

import time

import docker
import pytest

from incident_lib.config import Document, Service, Settings
from incident_lib.config.tables import Workbench
from incident_lib.model import EvidenceStatus, FindingSeverity
from incident_lib.technologies.redis.rows import RedisMemory, RedisServer
from tests.integration import docker_image, docker_service
from tests.integration.redis_service import collect, free_port, judge, settings_for

pytestmark = [*docker_service.MARKS, pytest.mark.redis]
engine = docker_service.engine

SECRET = "hunter2hunter2"


def settings(container: str, *, discover: bool = True, url: str = "") -> Settings:
    service = Service(name="cache", kind="redis", container=container, url=url)
    workbench = Workbench(discover_credentials=discover)
    root = settings_for("").root
    return Settings(document=Document(workbench=workbench, service=(service,)), root=root)


def ready(container: docker.models.containers.Container) -> str:
    """Return the container's name, once its server answers."""
    for _ in range(100):
        if container.exec_run(["redis-cli", "ping"]).output.strip():
            break
        time.sleep(0.05)
    return str(container.name)


def test_unreachable_from_here_it_is_asked_from_inside(engine: docker.DockerClient) -> None:
    options = {"image": docker_image.REDIS, "mem_limit": "256m"}
    with docker_service.container(engine, ["--requirepass", SECRET], **options) as container:
        name = ready(container)
        evidence = collect(settings(name))
        refused = f"redis://:{SECRET}@127.0.0.1:{free_port()}"
        configured = collect(settings(name, url=refused), only="redis.memory")
        wrong = collect(settings(name, url=refused.replace(SECRET, "wrong")), only="redis.memory")
        hidden = collect(settings(name, discover=False), only="redis.memory")
    assert SECRET not in repr([evidence, configured, wrong, hidden])
    statuses = {one.probe: one.status for one in evidence.values()}
    assert statuses.pop("redis.keyspace") in {EvidenceStatus.PARTIAL, EvidenceStatus.COLLECTED}
    assert set(statuses.values()) == {EvidenceStatus.COLLECTED}
    ways = evidence["redis.connection"].of(RedisServer)[0].ways
    assert "in memory only" in ways[1]
    assert ways[-1] == f"redis-cli inside container {name}"
    memory = evidence["redis.memory"].of(RedisMemory)[0]
    assert (memory.limit_source, memory.limit_bytes) == ("container", 256 * 1024 * 1024)
    assert not [one for one in judge(evidence).values() if one.severity.is_bad]
    assert "refused" in configured["redis.connection"].of(RedisServer)[0].ways[0]
    assert "redis.connection.denied" in judge(wrong)
    assert "redis.connection.denied" in judge(hidden)


def test_own_address_and_password_of_a_shell_command(engine: docker.DockerClient) -> None:
    port = free_port()
    command = ["-c", f'exec redis-server --port {port} --requirepass "$REDIS_PASSWORD"']
    options = {"entrypoint": ["sh"], "environment": {"REDIS_PASSWORD": SECRET}, "network_mode": "host"}
    with docker_service.container(engine, command, image=docker_image.REDIS, **options) as container:
        time.sleep(0.5)
        evidence = collect(settings(container.name))
    assert SECRET not in repr(evidence)
    assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
    assert evidence["redis.connection"].of(RedisServer)[0].ways[-1] == f"127.0.0.1:{port}"


def test_container_that_has_ended_or_never_was(engine: docker.DockerClient) -> None:
    with docker_service.container(engine, ["--nonsense"], image=docker_image.REDIS) as container:
        container.wait()
        ended = judge(collect(settings(container.name)))["redis.connection.refused"]
    assert ended.severity is FindingSeverity.CRITICAL
    assert "not running: exited, exit code 1" in ended.detail
    assert "redis.connection.not_found" in judge(collect(settings("no-such-container")))


def test_without_an_engine_nothing_is_said_about_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    found = judge(collect(settings("app-redis")))["redis.connection.no_engine"]
    assert found.severity is FindingSeverity.UNKNOWN
