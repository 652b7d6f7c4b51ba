"""A server that does not start: what the end of its log says, and what would not help."""

import os
import pwd
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from incident_lib.config import Document, Service, Settings
from incident_lib.findings.base import Context
from incident_lib.model import Finding, FindingSeverity
from incident_lib.probes.base import run_lane
from incident_lib.technologies.logs import probes
from incident_lib.technologies.logs.findings import ANALYZERS
from tests.integration.redis_service import binary, free_port, kind, ranked
from tests.integration.test_logs_files import window

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_CLASSES = {
    "aof": "redis_aof_damaged",
    "rdb": "redis_data_damaged",
    "newer": "redis_newer_data",
    "foreign": "redis_foreign_dump",
    "port": "redis_port_taken",
    "denied": "redis_start_denied",
    "config": "redis_start_failed",
}


def run(kind: str, folder: Path, *options: str, seconds: float = 20.0) -> None:
    """Run a server until it ends, or until it serves; its log grows by what it writes."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    path = folder.parent / "log"
    with path.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            [binary(kind), "--dir", str(folder), "--bind", "127.0.0.1", *options],
            stdout=log,
            stderr=log,
            cwd=folder.parent,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
        )
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if b"Ready to accept connections" in path.read_bytes()[before:]:
            break
        time.sleep(0.05)
    if process.poll() is None:
        process.terminate()
    process.wait(10)


def refused_start(way: str, kind: str, root: Path) -> Path:
    """Return the log of a server that was well once, where it can be, and then does not start."""
    folder = root / "data"
    folder.mkdir()
    for path in (*reversed(root.parents[:-1]), root, folder):
        path.chmod(path.stat().st_mode | 0o055)
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        os.chown(folder, account.pw_uid, account.pw_gid)
    port = ("--port", str(free_port()))
    aof = ("--appendonly", "yes", "--save", "") if way == "aof" else ("--save", "3600 1")
    if way != "config":
        run(kind, folder, *port, *aof)
    if way == "aof":
        part = next((folder / "appendonlydir").glob("*.incr.aof"))
        part.write_bytes(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" + b"\0" * 60)
    elif way == "rdb":
        (folder / "dump.rdb").write_bytes(b"REDIS0009\xfe\x00\x00\x03abc")
    elif way in {"foreign", "newer"}:
        begins = b"VALKEX999" if way == "foreign" else b"REDIS0999"
        (folder / "dump.rdb").write_bytes(begins + b"\xff" * 9)
    elif way == "denied":
        (folder / "dump.rdb").write_bytes(b"REDIS0009")
        (folder / "dump.rdb").chmod(0o000)
        if os.geteuid() == 0:
            os.chown(folder / "dump.rdb", 0, 0)
    with socket.socket() as taken:
        if way == "port":
            taken.bind(("127.0.0.1", int(port[1])))
            taken.listen()
        run(kind, folder, *port, *aof, *(("--maxmemory", "a lot") if way == "config" else ()))
    return root / "log"


def of_log(log: Path) -> dict[str, Finding]:
    service = Service(name="cache", kind="redis", url="redis://127.0.0.1:1", log=log.name)
    settings = Settings(document=Document(service=(service,)), root=log.parent)
    (lane,) = probes.lanes(settings)
    during = window()
    (evidence,) = run_lane(lane, during)
    return {finding.id: finding for finding in ANALYZERS["logs.lines"](evidence, Context(window=during))}


def state(name: str, severity: FindingSeverity) -> dict[str, Finding]:
    finding = Finding(id=f"redis.connection.{name}", severity=severity, target="cache", title=name)
    return {finding.id: finding}


@pytest.mark.parametrize("way", sorted(_CLASSES))
def test_the_end_of_the_log_says_what_to_mend_before_a_start(way: str, kind: str, tmp_path: Path) -> None:
    found = of_log(refused_start(way, kind, tmp_path))
    reason = found[f"logs.lines.cannot_start.{_CLASSES[way]}"]
    assert reason.severity is FindingSeverity.WARNING
    first, *others = ranked(found | state("refused", FindingSeverity.CRITICAL))
    assert first.id == "redis-start-fails"
    assert "does not start" in first.title
    assert not re.match(r"(?i)(re)?start ", first.first_action)
    assert "redis-down" not in {hypothesis.id for hypothesis in others}
    answering = ranked(found | state("ok", FindingSeverity.OK))
    assert "redis-start-fails" not in {hypothesis.id for hypothesis in answering}


def test_a_server_that_was_ended_while_it_served_may_be_started(kind: str, tmp_path: Path) -> None:
    log = refused_start("rdb", kind, tmp_path)
    (tmp_path / "data" / "dump.rdb").unlink()
    run(kind, tmp_path / "data", "--port", str(free_port()))
    found = of_log(log)
    assert not [name for name in found if ".cannot_start." in name]
    ids = [hypothesis.id for hypothesis in ranked(found | state("refused", FindingSeverity.CRITICAL))]
    assert ids[0] == "redis-down"
