"""Names and ports against real sockets, a resolver of our own, and a network of our own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from incident_lib import clock, config
from incident_lib.connections import names
from incident_lib.connections.names import Nameserver, resolve
from incident_lib.connections.sockets import connect_all, connect_any
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, Window
from incident_lib.probes.base import run, run_lane
from incident_lib.technologies.network import findings as judge
from incident_lib.technologies.network import probes
from incident_lib.technologies.network.probes import reach
from incident_lib.technologies.network.probes.endpoint import Endpoint
from tests import services
from tests.integration import network_service as servers

WINDOW = Window(clock.now(), clock.now())
Responder = Callable[[dns.message.Message], bytes | None]


def look(url: str, folder: Path) -> dict[str, Evidence]:
    text = f'[[dependency]]\nname = "pay"\nurl = "{url}"\n'
    settings = config.Settings(document=config.parse(text), root=folder)
    return {one.probe: one for one in run_lane(probes.lanes(settings)[0], WINDOW)}


def findings(evidence: Evidence) -> dict[str, Finding]:
    failed = evidence.status in {EvidenceStatus.FAILED, EvidenceStatus.SKIPPED}
    table = judge.ON_FAILURE if failed else judge.ANALYZERS
    return {one.id: one for one in table[evidence.probe](evidence, Context(window=WINDOW))}


@contextmanager
def resolver(answer: Responder) -> Iterator[Nameserver]:
    """Yield a resolver that answers queries over UDP with what `answer` makes of them."""

    def serve(sock: socket.socket) -> None:
        while True:
            try:
                data, sender = sock.recvfrom(4096)
            except OSError:
                return
            if data == b"stop":
                return
            if reply := answer(dns.message.from_wire(data)):
                sock.sendto(reply, sender)

    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(sock,), daemon=True)
        thread.start()
        yield Nameserver("127.0.0.1", sock.getsockname()[1])
        sock.sendto(b"stop", sock.getsockname())
        thread.join()


def chain(query: dns.message.Message) -> bytes:
    """Answer with an alias and its address."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    name = query.question[0].name
    response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", "edge.example."))
    if query.question[0].rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text("edge.example.", 60, "IN", "A", "192.0.2.7", "192.0.2.8"))
    return response.to_wire()


def coded(code: dns.rcode.Rcode) -> Responder:
    def answer(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(code)
        return response.to_wire()

    return answer


def test_a_resolver_gives_addresses_aliases_and_time_to_live() -> None:
    with resolver(chain) as server:
        reply = names.ask(server, "pay.example.", 2)
    assert reply.code == "NOERROR"
    assert set(reply.addresses) == {"192.0.2.7", "192.0.2.8"}
    assert reply.aliases == ("edge.example",)
    assert reply.ttl_seconds == 60


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_says_no(code: dns.rcode.Rcode) -> None:
    with resolver(coded(code)) as server:
        assert names.ask(server, "pay.example.", 2).code == dns.rcode.to_text(code)


def test_a_resolver_that_is_silent() -> None:
    began = time.monotonic()
    with resolver(lambda _query: None) as server:
        reply = names.ask(server, "pay.example.", 0.4)
    assert reply.code is None
    assert "no answer" in reply.error
    assert time.monotonic() - began < 1.0


def test_a_resolver_that_is_not_there() -> None:
    assert names.ask(Nameserver("127.0.0.1", servers.free_port()), "pay.example.", 0.4).code is None


@pytest.mark.parametrize("name", ["no-such-host.invalid", "nö-such.invalid", "xn--a.invalid"])
def test_a_name_that_does_not_resolve_skips_the_rest(name: str, tmp_path: Path) -> None:
    found = look(f"https://{name}/", tmp_path)
    assert [one.status for one in found.values()] == ["failed", "skipped", "skipped"]
    (finding,) = findings(found["network.names"]).values()
    assert finding.id == "network.names.not_resolving"
    assert finding.severity == "CRITICAL"
    assert finding.data["host"] == name


def test_a_name_only(tmp_path: Path) -> None:
    found = look("dns://localhost", tmp_path)
    assert set(found) == {"network.names"}
    assert set(findings(found["network.names"])) == {"network.names.ok"}


def test_a_port_that_accepts(tmp_path: Path) -> None:
    with servers.serve(servers.silent) as port:
        found = look(f"tcp://127.0.0.1:{port}", tmp_path)
    assert set(findings(found["network.ports"])) == {"network.ports.ok"}


def test_a_port_that_refuses(tmp_path: Path) -> None:
    port = servers.free_port()
    found = look(f"tcp://127.0.0.1:{port}", tmp_path)
    (finding,) = findings(found["network.ports"]).values()
    assert (finding.id, finding.severity) == ("network.ports.refused", "CRITICAL")
    assert finding.data["port"] == port


@pytest.mark.parametrize("talk", [servers.refuse_talk, servers.close_at_once])
def test_a_port_that_accepts_only_to_hang_up(talk: servers.Conversation, tmp_path: Path) -> None:
    with servers.serve(talk) as port:
        found = look(f"tcp://127.0.0.1:{port}", tmp_path)
    (finding,) = findings(found["network.ports"]).values()
    assert (finding.id, finding.severity) == ("network.ports.reset", "CRITICAL")


@pytest.mark.parametrize("talk", [servers.greet, servers.silent])
def test_a_port_that_speaks_first_or_waits_is_well(talk: servers.Conversation, tmp_path: Path) -> None:
    with servers.serve(talk) as port:
        found = look(f"tcp://127.0.0.1:{port}", tmp_path)
    assert set(findings(found["network.ports"])) == {"network.ports.ok"}


def test_a_port_that_answers_at_some_addresses_is_up() -> None:
    with servers.serve(servers.silent) as port:
        addresses = (*resolve("127.0.0.1", port, 1), *resolve("127.0.0.1", servers.free_port(), 1))
        session = reach.NetworkSession(Endpoint(host="pay", port=port), addresses, 0.0)
        evidence = run(reach.PORTS, session, "pay", WINDOW)
    (finding,) = findings(evidence).values()
    assert (finding.id, finding.severity) == ("network.ports.some", "INFO")
    assert session.reached == addresses[:1]


def test_a_port_that_is_filtered() -> None:
    with servers.full_backlog() as port:
        (attempt,) = connect_all(resolve("127.0.0.1", port, 1), 0.3)
    assert attempt.kind is ProblemKind.TIMED_OUT


def test_a_dead_address_delays_the_next_by_little() -> None:
    with servers.full_backlog() as full, servers.serve(servers.silent) as port:
        addresses = (*resolve("127.0.0.1", full, 1), *resolve("127.0.0.1", port, 1))
        began = time.monotonic()
        attempt = connect_any(addresses, 3)
        took = time.monotonic() - began
    assert attempt.sock is not None
    attempt.sock.close()
    assert attempt.address.port == port
    assert took < 1.0


def test_nothing_is_left_open_where_all_fail() -> None:
    def count_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0

    with servers.full_backlog() as full:
        before = count_open()
        with pytest.raises(TargetError) as caught:
            connect_any(resolve("127.0.0.1", full, 1), 0.2)
        assert caught.value.kind is ProblemKind.TIMED_OUT
        assert count_open() <= before  # fewer, where the rest of earlier tests is collected meanwhile


def test_services_with_an_address_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_TEST_DSN", "postgresql://app:hunter2@127.0.0.1:6543/shop")
    text = """
[[service]]
name = "db"
kind = "postgres"
dsn = "env:WORKBENCH_TEST_DSN"
[[service]]
name = "other"
kind = "postgres"
dsn = "env:WORKBENCH_TEST_NOT_SET"
[[service]]
name = "local"
kind = "postgres"
dsn = "host=/run/postgresql dbname=shop"
[[service]]
name = "cache"
kind = "redis"
url = "rediss://127.0.0.1"
"""
    lanes = probes.lanes(config.Settings(document=config.parse(text), root=tmp_path))
    assert [lane.target for lane in lanes] == ["db", "cache"]
    assert [len(lane.probes) for lane in lanes] == [2, 3]
    assert "hunter2" not in repr(lanes)


_IN_A_NETWORK = """
import json, sys, time
from incident_lib.connections.names import resolve
from incident_lib.connections.sockets import connect_all
from incident_lib.errors import TargetError
kinds = {}
for host in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "198.51.100.1"):
    (one,) = connect_all(resolve(host, 443, 1), 0.5)
    kinds[host] = one.kind.value if one.kind else "ok"
print(json.dumps(kinds))
"""
_NETWORK = """
set -e
ip link set lo up
ip route add 192.0.2.0/24 dev lo
ip route replace unreachable 192.0.2.2/32
ip route replace prohibit 192.0.2.3/32
ip route replace blackhole 192.0.2.4/32
"""


@pytest.mark.netns
def test_routes_that_lead_nowhere_are_told_from_filters() -> None:
    kinds = _inside(_NETWORK, _IN_A_NETWORK)
    assert kinds["192.0.2.2"] == "unreachable"
    assert kinds["192.0.2.3"] == "unreachable"
    assert kinds["192.0.2.4"] == "unreachable"
    assert kinds["198.51.100.1"] == "unreachable"


_SILENT_RESOLVER = """
import json, socket, time
silent = socket.socket(type=socket.SOCK_DGRAM); silent.bind(("127.0.0.1", 53))
from incident_lib.technologies.network.probes import reach
from incident_lib.technologies.network.probes.endpoint import Endpoint
from incident_lib.technologies.network.probes.reach import open_session
from incident_lib.errors import TargetError
reach.NAME_SECONDS, reach.ASK_SECONDS = 1.0, 0.5
began = time.monotonic()
try:
    open_session(Endpoint(host="pay.example.com", port=443))
except TargetError as error:
    print(json.dumps({"kind": error.kind, "message": error.message, "seconds": time.monotonic() - began}))
"""


@pytest.mark.netns
def test_a_system_whose_resolver_is_silent_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    network = f"set -e\nip link set lo up\nmount --bind {tmp_path}/resolv.conf /etc/resolv.conf\n"
    said = _inside(network, _SILENT_RESOLVER)
    assert said["kind"] == "name_not_resolved"
    assert "127.0.0.1: no answer" in said["message"]
    assert said["seconds"] < 5  # the system's resolver waits for ten


_LOOK = """
import json
from incident_lib import clock, config
from incident_lib.connections import names
from incident_lib.findings.base import Context
from incident_lib.technologies import table
from incident_lib.technologies.network.findings import ANALYZERS, ON_FAILURE
table()  # with it come the limits
from incident_lib.model import Window
from incident_lib.technologies.network import probes as network
from incident_lib.probes.base import run_lane
from pathlib import Path
window = Window(clock.now(), clock.now())
told = []
for name, url in URLS.items():
    lines = ["[[dependency]]", "name = " + json.dumps(name), "url = " + json.dumps(url)]
    text = chr(10).join(lines)
    settings = config.Settings(document=config.parse(text), root=Path("/"))
    for one in run_lane(network.lanes(settings)[0], window):
        table = ANALYZERS if one.has_rows else ON_FAILURE
        if one.status != "skipped":
            found = table[one.probe](one, Context(window=window))
            told += [[name, f.id, f.severity, f.detail] for f in found]
print(json.dumps({"told": told}))
"""
_RESOLVER = """
import sys, threading
sys.path.insert(0, "CHECKOUT")
import dns.message, dns.rcode, dns.rdatatype, dns.rrset, socket, time
def answer(query, address):
    response = dns.message.make_response(query)
    name = query.question[0].name
    first = name.labels[0].decode()
    if first == "denied":
        response.set_rcode(dns.rcode.REFUSED)
    elif first in ("good", "slow"):
        if first == "slow" and address == "127.0.0.1":
            time.sleep(1.3)
        if query.question[0].rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
    else:
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()
def reply_to(made, data, sender, address):
    made.sendto(answer(dns.message.from_wire(data), address), sender)
def serve(made, address):
    while True:
        data, sender = made.recvfrom(4096)
        threading.Thread(target=reply_to, args=(made, data, sender, address), daemon=True).start()
for host, address in (("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "192.0.2.9")):
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind((host, 53))
    threading.Thread(target=serve, args=(made, address), daemon=True).start()
"""


@pytest.mark.netns
def test_names_by_a_resolver_of_our_own(tmp_path: Path) -> None:
    """The whole row for names: healthy, sick, denied, slow, against what getaddrinfo itself is told."""
    several = "".join(f"nameserver 127.0.0.{number}\n" for number in (1, 2))
    (tmp_path / "resolv.conf").write_text(f"{several}options timeout:4 attempts:1\n")
    network = f"set -e\nip link set lo up\nmount --bind {tmp_path}/resolv.conf /etc/resolv.conf\n"
    urls = {name: f"dns://{name}.example.com" for name in ("good", "slow", "denied", "lost")}
    script = _RESOLVER.replace("CHECKOUT", str(Path.cwd())) + _LOOK.replace("URLS", json.dumps(urls))
    seen = _inside(network, script)["told"]
    told = {(name, finding): severity for name, finding, severity, _ in seen}
    assert ("good", "network.names.ok") in told
    assert told["good", "network.names.differ"] == "INFO"
    assert told.get(("slow", "network.names.slow")) == "WARNING", seen
    assert told["denied", "network.names.not_resolving"] == "CRITICAL"
    assert told["lost", "network.names.not_resolving"] == "CRITICAL"


@pytest.mark.netns
def test_ports_behind_routes(tmp_path: Path) -> None:
    """Unreachable and forbidden by a route are told from refused and from silence."""
    urls = {f"at-{n}": f"tcp://192.0.2.{n}:443" for n in (1, 2, 3)}
    urls["away"] = "tcp://198.51.100.1:443"
    told = _inside(_NETWORK, _LOOK.replace("URLS", json.dumps(urls)))["told"]
    found = {name: finding for name, finding, *_ in told if finding.startswith("network.ports.")}
    assert found["at-2"] == found["at-3"] == found["away"] == "network.ports.unreachable"
    assert found["at-1"] in {"network.ports.refused", "network.ports.timed_out"}


def _inside(network: str, script: str) -> dict[str, Any]:
    """Return what a script prints inside a network and a mount name space of its own."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("ip"):
        services.missing("root with unshare and ip, for a network of our own")
    made = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", network], capture_output=True, check=False
    )
    if made.returncode:
        services.missing(f"network name spaces: {made.stderr.decode().strip()}")
    command = f"{network}exec {sys.executable} -c '{script.replace(chr(39), chr(34))}'"
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", command], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))
