"""A name that resolves to a link-local or metadata address is reported, and nothing there is called."""

import contextlib
import socket
import subprocess
from functools import partial
from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.config import Dependency, Service
from incident_lib.connections import http, names
from incident_lib.connections.places import view_inside
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.investigation.plan import plan_lanes
from incident_lib.investigation.snapshot import window_since
from incident_lib.model import FindingSeverity
from incident_lib.probes.base import run_lane
from incident_lib.technologies.network import health
from incident_lib.technologies.postgres.connect.ways import open_postgres
from incident_lib.technologies.redis.connect.address import parse_url
from incident_lib.technologies.redis.connect.wire import connect
from tests.integration.network_service import http as answering
from tests.integration.network_service import serve

RESERVED = (
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.9",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
)
ORDINARY = (
    "127.0.0.1",
    "10.0.0.7",
    "192.168.1.1",
    "8.8.8.8",
    "169.253.1.1",
    "fd00:1::7",
    "2001:db8::1",
    "::1",
)


@pytest.fixture
def leads_to(monkeypatch):
    """Return what makes a name resolve to some addresses, and the list of what was connected to since."""
    table, called, original = {}, [], socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **more):
        if host not in table:
            return original(host, port, *rest, **more)
        addresses = table[host].pop(0) if isinstance(table[host][0], list) else table[host]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, int(port or 0), *((0, 0) if ":" in address else ())),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("connect", "connect_ex"):
        original_connect = getattr(socket.socket, name)

        def connect_to(self, address, *, original_connect=original_connect):
            called.append(address[0])
            return original_connect(self, address)

        monkeypatch.setattr(socket.socket, name, connect_to)

    def lead(host, *addresses):
        table[host] = list(addresses)
        return called

    return lead


@pytest.mark.parametrize("address", RESERVED)
def test_a_name_that_leads_there_is_not_resolved(leads_to, address):
    called = leads_to("pay.example", address)
    with pytest.raises(TargetError, match=r"pay\.example resolves to .*: it was not contacted") as caught:
        names.resolve("pay.example", 443, 5)
    assert caught.value.kind is ProblemKind.NOT_CALLED
    assert "configure the address itself" in caught.value.advice
    assert called == []


@pytest.mark.parametrize("address", ORDINARY)
def test_an_ordinary_address_is_called(leads_to, address):
    leads_to("pay.example", address)
    assert [found.host for found in names.resolve("pay.example", 443, 5)] == [address]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"])
def test_an_address_that_is_configured_as_such_is_called(address):
    assert [found.host for found in names.resolve(address, 443, 5)] == [address]


def test_one_reserved_address_among_others_is_enough(leads_to):
    leads_to("pay.example", "8.8.8.8", "169.254.169.254")
    with pytest.raises(TargetError, match="was not contacted"):
        names.resolve("pay.example", 443, 5)


def test_a_machine_with_its_own_link_local_address_is_called_at_the_other(leads_to):
    leads_to("laptop.local", "fe80::1", "192.168.1.7")
    assert [found.host for found in names.resolve("laptop.local", 80, 5)] == ["192.168.1.7"]


def test_no_way_of_ours_calls_it(leads_to):
    called = leads_to("pay.example", "169.254.169.254")
    document = config.parse("")
    settings = config.Settings(document=document, root=config.Path.cwd())
    database = Service(name="db", kind="postgres", dsn="postgresql://a:b@pay.example/shop")
    outside = Dependency(name="pay", url="tls://pay.example:443")
    ways = {
        "http": lambda: _raise(http.get("http://pay.example/", seconds=2).error),
        "https": lambda: _raise(http.get("https://pay.example/", seconds=2).error),
        "redis": lambda: connect(parse_url("redis://pay.example")),
        "rediss": lambda: connect(parse_url("rediss://pay.example")),
        "postgres": partial(open_postgres, settings, database),
        "port": lambda: ThisMachine().connect("pay.example", 80),
        "health": lambda: next(health.checks(settings, outside)).ask(2.0),
    }
    for way in ways.values():
        with pytest.raises(TargetError) as caught:
            way()
        assert caught.value.kind is ProblemKind.NOT_CALLED, way
    assert called == []


def _raise(error):
    raise error


def test_every_lane_reports_it_and_none_is_well(leads_to):
    called = leads_to("pay.example", "169.254.169.254")
    text = """
    [[service]]
    name = "web"
    kind = "http"
    url = "http://pay.example"
    [[service]]
    name = "db"
    kind = "postgres"
    dsn = "postgresql://pay.example/shop"
    [[service]]
    name = "cache"
    kind = "redis"
    url = "redis://pay.example"
    [[dependency]]
    name = "pay"
    url = "tls://pay.example:443"
    """
    settings = config.Settings(document=config.parse(text), root=config.Path.cwd())
    window = window_since("15m")
    found = [
        finding
        for lane in plan_lanes(settings)
        if lane.target in {"web", "db", "cache", "pay"}
        for evidence in run_lane(lane, window)
        for finding in analyze_one(evidence, Context(window=window))
    ]
    assert {finding.target for finding in found} == {"web", "db", "cache", "pay"}
    assert not [finding for finding in found if finding.severity is FindingSeverity.OK]
    critical = {
        (finding.target, finding.id) for finding in found if finding.severity is FindingSeverity.CRITICAL
    }
    assert critical == {
        *((target, "network.names.reserved") for target in ("web", "db", "cache", "pay")),
        ("web", "http.health.not_called"),
        ("db", "postgres.connection.not_called"),
        ("cache", "redis.connection.not_called"),
    }
    assert all("169.254.169.254" in f"{finding.title} {finding.detail}" for finding in found)
    assert called == []


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "//169.254.169.254/latest/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1@169.254.169.254/",
        "http://169.254.169.254#@127.0.0.1/",
    ],
)
def test_a_redirect_there_is_not_followed(leads_to, location):
    called = leads_to("metadata.google.internal", "169.254.169.254")
    with serve(answering(b"", "302 Found", (f"Location: {location}",))) as port:
        answer = http.get(f"http://127.0.0.1:{port}/", seconds=5)
    assert (answer.status, answer.redirects) == (302, ())
    assert set(called) == {"127.0.0.1"}


def test_a_name_that_changes_between_a_redirect_and_its_target_is_not_called(leads_to):
    called = leads_to("pay.example", ["127.0.0.1"], ["169.254.169.254"])
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(serve(answering(b"", "302 Found", ("Location: /login",))))
        answer = http.get(f"http://pay.example:{port}/", seconds=5)
    assert answer.error is not None
    assert answer.error.kind is ProblemKind.NOT_CALLED
    assert set(called) == {"127.0.0.1"}


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "fe80::1", "100.100.100.200"])
def test_nothing_is_called_from_inside_a_container_either(leads_to, address):
    called = leads_to("pay.example", address)
    answer = {}
    view_inside.view({"host": "pay.example", "port": 443, "tls": True, "seconds": 2.0}, answer)
    assert answer["addresses"] == [address]
    assert called == []
    assert "ports" not in answer


def test_the_shell_inside_a_container_does_not_call_it(tmp_path):
    getent = tmp_path / "getent"
    getent.write_text(
        '#!/bin/sh\n[ "$2" = pay.example ] && echo "169.254.169.254 STREAM" || echo "127.0.0.1 STREAM"\n'
    )
    getent.chmod(0o755)
    text = Path(view_inside.__file__).with_suffix(".sh").read_text()
    words = [
        "look",
        "2",
        "a",
        "pay.example",
        "1",
        "0",
        "b",
        "other.example",
        "1",
        "0",
        "c",
        "127.0.0.1",
        "1",
        "0",
    ]
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", text, *words], capture_output=True, text=True, env=path, check=True)
    ports = {line[0] for line in done.stdout.splitlines() if "|port|" in line}
    assert ports == {"b", "c"}
