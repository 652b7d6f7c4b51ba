"""Names, ports and TLS as they are inside a real container, beside what this machine sees."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from incident_lib import clock, config
from incident_lib.correlation.vantage import judge_vantage
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies import table
from incident_lib.technologies.network import probes as network
from incident_lib.technologies.network.findings import ANALYZERS
from incident_lib.technologies.network.probes import inside
from incident_lib.technologies.network.rows import TlsAnswer
from tests.integration import docker_image, docker_service
from tests.integration.inside_server import PORTS, SILENT
from tests.integration.network_service import DAY, NOW, Authority
from tests.unit.correlation.situations import judge_with

pytestmark = docker_service.MARKS
engine = docker_service.engine
WINDOW = Window(clock.now(), clock.now())
_PATIENCE_SECONDS = 30


def _settings(folder: Path, container: str, urls: dict[str, str], *, ca: str = "", kind: str = "") -> Any:
    """Return the settings of a service in `container` that needs everything in `urls`, by name."""
    text = f'[[service]]\nname = "backend"\nkind = "http"\ncontainer = "{container}"\n'
    text += f"depends_on = {list(urls)}\n"
    for name, url in urls.items():
        text += f'[[dependency]]\nname = "{name}"\nurl = "{url}"\n' + (f'ca = "{ca}"\n' if ca else "")
    return config.Settings(document=config.parse(text + kind), root=folder)


def _look(settings: Any) -> Evidence:
    (lane,) = [lane for lane in network.lanes(settings) if lane.name == "network-inside"]
    patient = tuple(msgspec.structs.replace(one, deadline_seconds=60.0) for one in lane.probes)
    (evidence,) = run_lane(msgspec.structs.replace(lane, probes=patient), WINDOW)
    return evidence


def _judge(evidence: Evidence) -> dict[str, Finding]:
    found = ANALYZERS["network.inside"](evidence, Context(window=WINDOW))
    return {f"{one.target} {one.id.removeprefix('network.inside.')}": one for one in found}


@contextmanager
def _servers(engine: Any, authority: Authority, folder: Path, **options: Any) -> Iterator[str]:
    """Yield the name of a container that serves in every way, under names of its hosts file."""
    certificates = folder / "inside"
    certificates.mkdir()
    issue = authority.ca.issue_cert
    made = {
        "good": issue("good.example", not_after=NOW + 90 * DAY),
        "expired": issue("expired.example", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "other": issue("elsewhere.example", not_after=NOW + 90 * DAY),
        "chain": authority.ca.create_child_ca().issue_cert("chain.example", not_after=NOW + 90 * DAY),
    }
    for name, leaf in made.items():
        chain = leaf.cert_chain_pems[:1] if name == "chain" else leaf.cert_chain_pems
        text = leaf.private_key_pem.bytes() + b"".join(one.bytes() for one in chain)
        (certificates / f"{name}.pem").write_bytes(text)
    hosts = {f"{name}.example": "127.0.0.1" for name in (*PORTS, "closed", "silent")}
    script = Path(__file__).parent / "inside_server.py"
    mounted = {str(certificates): {"bind": "/certificates", "mode": "ro"}}
    mounted[str(script)] = {"bind": "/server.py", "mode": "ro"}
    command = ["python3", "-u", "/server.py", "/certificates"]
    named = {"name": f"inside-{uuid4().hex[:8]}", "volumes": mounted}
    named["extra_hosts"] = {**hosts, "far.example": "192.0.2.1"}
    with docker_service.container(engine, command, **{**named, **options}) as container:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"ready" not in container.logs():
            container.reload()
            assert time.monotonic() < deadline, container.logs().decode()
            assert container.status == "running", container.logs().decode()
            time.sleep(0.1)
        yield str(container.name)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time; how the limits themselves are kept is a test of its own."""
    monkeypatch.setattr(inside, "_EACH_SECONDS", 6.0)
    monkeypatch.setattr(inside, "_ALL_SECONDS", 40.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


URLS = {
    "plain": f"tcp://plain.example:{PORTS['plain']}",
    "closed": "tcp://closed.example:7999",
    "reset": f"tcp://reset.example:{PORTS['reset']}",
    "full": f"tcp://full.example:{PORTS['full']}",
    "far": "tcp://far.example:443",
    "lost": "https://no-such-host.invalid",
    "literal": "https://127.0.0.1",
}
SECURE = {name: f"tls://{name}.example:{PORTS[name]}" for name in ("good", "expired", "other", "chain")}


def test_ports_and_names(engine: Any, authority: Authority, tmp_path: Path) -> None:
    with _servers(engine, authority, tmp_path) as name:
        evidence = _look(_settings(tmp_path, name, URLS))
    found = _judge(evidence)
    assert set(found) == {
        "closed refused",
        "reset reset",
        "full timed_out",
        "far unreachable",
        "lost not_resolving",
    }, evidence
    assert all(one.severity == "CRITICAL" for one in found.values())
    assert found["closed refused"].data["where"] == f"inside container {name}"
    assert "python3, inside" in evidence.source


def test_certificates_with_the_declared_authority(engine: Any, authority: Authority, tmp_path: Path) -> None:
    with _servers(engine, authority, tmp_path) as name:
        evidence = _look(_settings(tmp_path, name, SECURE, ca="file:ca.pem"))
    found = _judge(evidence)
    assert set(found) == {"expired tls_expired", "other tls_wrong_name", "chain tls_chain"}, evidence
    assert "Python clients" in found["chain tls_chain"].title
    assert "it ended at" in found["expired tls_expired"].detail
    stores = {row.store: row.verified for row in evidence.of(TlsAnswer) if row.dependency == "good"}
    assert stores["declared"]
    assert not stores["own"]


def test_certificates_with_the_store_of_the_image(engine: Any, authority: Authority, tmp_path: Path) -> None:
    urls = {"good": SECURE["good"], "silent": f"tls://silent.example:{SILENT}"}
    with _servers(engine, authority, tmp_path) as name:
        found = _judge(_look(_settings(tmp_path, name, urls)))
    assert set(found) == {"good tls_untrusted", "silent tls_silent"}


def test_a_store_that_the_environment_names(engine: Any, authority: Authority, tmp_path: Path) -> None:
    options = {"environment": {"SSL_CERT_FILE": "/certificates/ca.pem"}}
    with _servers(engine, authority, tmp_path, **options) as name:
        authority.ca.cert_pem.write_to_path(tmp_path / "inside" / "ca.pem")
        found = _judge(_look(_settings(tmp_path, name, {"good": SECURE["good"]})))
    assert set(found) == {"backend ok"}


def test_where_the_application_itself_looks(engine: Any, authority: Authority, tmp_path: Path) -> None:
    """An address in its environment counts, not the one that is reached from here."""
    environment = {
        "DATABASE_URL": f"postgresql+asyncpg://shop:hunter2@plain.example:{PORTS['plain']}/shop",
        "REDIS_HOST": "closed.example",
        "REDIS_PORT": "7999",
    }
    text = f"""
[[service]]
name = "backend"
kind = "http"
container = "NAME"
depends_on = ["db", "cache"]
[[service]]
name = "db"
kind = "postgres"
dsn = "postgresql://127.0.0.1:{PORTS["plain"]}/shop"
[[service]]
name = "cache"
kind = "redis"
url = "redis://127.0.0.1:6399"
"""
    with _servers(engine, authority, tmp_path, environment=environment) as name:
        document = config.parse(text.replace("NAME", name))
        evidence = _look(config.Settings(document=document, root=tmp_path, kinds=table().kinds))
        blind = config.parse("[workbench]\ndiscover_credentials = false\n" + text.replace("NAME", name))
        unseen = _look(config.Settings(document=blind, root=tmp_path, kinds=table().kinds))
    assert set(_judge(evidence)) == {"cache refused"}
    assert "DATABASE_URL of the container" in evidence.source
    assert "hunter2" not in repr(evidence)
    assert unseen.problem is not None
    assert unseen.problem.kind.is_ours


def test_an_image_with_a_shell_and_no_python(engine: Any, tmp_path: Path) -> None:
    listener = "exec 3<>/dev/tcp/127.0.0.1/1"  # bash alone cannot listen: only failures are seen
    command = ["bash", "-c", f"rm -f /usr/bin/python3*; {listener}; sleep 600"]
    options = {"name": f"inside-{uuid4().hex[:8]}", "extra_hosts": {"closed.example": "127.0.0.1"}}
    options["extra_hosts"]["far.example"] = "192.0.2.1"
    urls = {"closed": "tcp://closed.example:7999", "far": "tcp://far.example:443"}
    urls["lost"] = "tcp://no-such-host.invalid:443"
    with docker_service.container(engine, command, **options) as container:
        time.sleep(0.5)
        evidence = _look(_settings(tmp_path, str(container.name), urls))
    assert evidence.source.startswith("sh with"), evidence
    assert set(_judge(evidence)) == {"closed refused", "far unreachable", "lost not_resolving"}


def test_an_image_without_anything_is_unknown(engine: Any, tmp_path: Path) -> None:
    options = {"image": docker_image.DISTROLESS, "name": f"inside-{uuid4().hex[:8]}"}
    with docker_service.container(engine, ["/usr/bin/sleep", "600"], **options) as container:
        evidence = _look(_settings(tmp_path, str(container.name), {"lost": "https://no-such-host.invalid"}))
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind == "unsupported"
    assert "neither python3 nor a shell" in evidence.problem.message


def test_a_container_without_memory_to_spare_is_left_alone(engine: Any, tmp_path: Path) -> None:
    hog = (
        "b = bytearray(44 << 20); b[::4096] = bytes(len(b[::4096])); import time; print('ready', flush=True)"
    )
    command = ["python3", "-u", "-c", f"{hog}; time.sleep(600)"]
    options = {"name": f"inside-{uuid4().hex[:8]}", "mem_limit": "58m", "memswap_limit": "58m"}
    with docker_service.container(engine, command, **options) as container:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"ready" not in container.logs() and time.monotonic() < deadline:
            time.sleep(0.1)
        evidence = _look(_settings(tmp_path, str(container.name), {"lost": "https://no-such-host.invalid"}))
        container.reload()
        assert container.status == "running"
    assert evidence.problem is not None
    assert "left of its memory limit" in evidence.problem.message


@pytest.mark.parametrize("state", ["missing", "ended", "paused"])
def test_a_container_that_cannot_be_asked(engine: Any, tmp_path: Path, state: str) -> None:
    urls = {"lost": "https://no-such-host.invalid"}
    name = f"inside-{uuid4().hex[:8]}"
    with docker_service.container(engine, ["sleep", "600"], name=name) as container:
        if state == "paused":
            container.pause()
        elif state == "ended":
            container.kill()
        asked = "no-such-container" if state == "missing" else name
        evidence = _look(_settings(tmp_path, asked, urls))
        if state == "paused":
            container.unpause()
    assert evidence.status is EvidenceStatus.FAILED
    assert evidence.problem is not None
    assert evidence.problem.kind in {"not_found", "refused"}


def test_no_engine_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    evidence = _look(_settings(tmp_path, "app", {"lost": "https://no-such-host.invalid"}))
    assert evidence.problem is not None
    assert evidence.problem.kind.is_ours


def test_a_name_that_is_lost_only_inside(engine: Any, tmp_path: Path) -> None:
    host = socket.gethostname()
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        pytest.skip("this machine does not resolve its own name")
    name = f"inside-{uuid4().hex[:8]}"
    settings = _settings(tmp_path, name, {"own": f"dns://{host}"})
    with docker_service.container(engine, ["sleep", "600"], name=name, hostname="somebody"):
        seen = [one for lane in network.lanes(settings) for one in run_lane(lane, WINDOW)]
    found = [f for one in seen if one.has_rows for f in ANALYZERS[one.probe](one, Context(window=WINDOW))]
    (lost,) = [one for one in judge_with(judge_vantage, found) if one.id == "network.inside.not_resolving"]
    assert lost.target == "own"
    assert lost.data["where"] == f"only inside container {name}"
    assert "From this machine it is healthy" in lost.detail


def test_the_look_ends_in_time_and_says_what_is_missing(
    engine: Any, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside, "_EACH_SECONDS", -0.25)  # less than a connection takes to settle
    with _servers(engine, authority, tmp_path) as name:
        began = time.monotonic()
        evidence = _look(_settings(tmp_path, name, {"good": SECURE["good"]}, ca="file:ca.pem"))
        assert time.monotonic() - began < 20
    assert "good ok" not in _judge(evidence)
    assert "backend ok" not in _judge(evidence)
