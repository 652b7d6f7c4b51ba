"""A technology from another package: one folder, found by its entry point, and part of everything."""

import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib import config, technologies
from incident_lib.errors import ConfigError
from incident_lib.findings import thresholds
from incident_lib.findings.thresholds import Thresholds
from incident_lib.investigation import discover
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.compare import compare
from incident_lib.investigation.setup import load_settings
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.investigation.trend import sample
from tests.integration import memcached_service
from tests.integration.memcached_service import fill_up, free_port, incident, install, memcached


def renew() -> None:
    importlib.invalidate_caches()
    technologies.table.cache_clear()
    technologies.catalogue.cache_clear()
    technologies.comparers.cache_clear()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the package for this process, too."""
    folder = install(tmp_path_factory.mktemp("site"))
    limits = {**thresholds._known}
    sys.path.insert(0, str(folder))
    renew()
    yield folder
    sys.path.remove(str(folder))
    thresholds._known.clear()
    thresholds._known.update(limits)
    renew()


def write(folder: Path, port: int, more: str = "") -> Path:
    path = folder / "workbench.toml"
    path.write_text(
        '[[service]]\nname = "shop"\nkind = "process"\nlog = "shop.log"\ndepends_on = ["sessions"]\n'
        f'[[service]]\nname = "sessions"\nkind = "memcached"\nurl = "memcached://127.0.0.1:{port}"\n{more}\n'
    )
    (folder / "shop.log").write_text("")
    return path


def take(folder: Path, port: int, more: str = "") -> Case:
    settings = load_settings(str(write(folder, port, more)))
    return take_snapshot(settings, folder / "snapshots", "15m", Watch())


def severities(case: Case) -> dict[str, str]:
    return {one.id: one.severity.value for one in case.analysis.findings if one.id.startswith("memcached.")}


def causes(case: Case) -> list[str]:
    return [one.id for one in case.analysis.hypotheses if one.target == "sessions"]


def test_a_healthy_server_is_collected_stored_and_judged(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        case = take(tmp_path, port)
    assert severities(case) == {"memcached.connection.ok": "OK", "memcached.stats.ok": "OK"}
    assert causes(case) == []
    (evidence,) = case.of("memcached.stats")
    (row,) = evidence.rows
    assert row.connection_limit_count == 1024
    assert [one.severity.value for one in case.findings("network.ports")] == ["OK"]


def test_a_watch_and_a_comparison_know_its_numbers(site: Path, tmp_path: Path) -> None:
    with memcached("-c", "64", "-t", "1") as (port, _), ExitStack() as clients:
        before = take(tmp_path, port)
        for _ in range(24):
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        (number,) = [
            each for each in sample(before.settings).readings if each.evidence == "sessions/memcached.stats"
        ]
        found = compare(before, take(tmp_path, port), thresholds=Thresholds()).differences
    assert (number.name, number.unit, number.limit) == ("connections", "ratio", 1.0)
    assert (number.value or 0) > 0.3
    assert [each.what for each in found if each.id == "baseline.connections"] == ["connections in use"]


def test_a_full_server_is_told_from_one_that_is_down(site: Path, tmp_path: Path) -> None:
    with memcached("-c", "20", "-t", "1") as (port, _), ExitStack() as clients:
        fill_up(port, clients)
        case = take(tmp_path, port)
    assert severities(case)["memcached.connection.full"] == "CRITICAL"
    assert causes(case)[0] == "memcached-full"


def test_a_server_that_is_down(site: Path, tmp_path: Path) -> None:
    case = take(tmp_path, free_port())
    assert severities(case)["memcached.connection.refused"] == "CRITICAL"
    assert severities(case)["memcached.stats.unknown"] == "UNKNOWN"
    assert causes(case)[0] == "memcached-down"


def test_a_silent_server_costs_its_deadline_only(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, process):
        process.send_signal(signal.SIGSTOP)
        try:
            case = take(tmp_path, port)
        finally:
            process.send_signal(signal.SIGCONT)
    assert severities(case)["memcached.connection.timed_out"] == "CRITICAL"
    assert causes(case)[0] == "memcached-down"


@pytest.mark.parametrize(("more", "severity"), [("", "WARNING"), ("evicts_on_purpose = true", "INFO")])
def test_evictions_are_judged_by_a_key_of_its_own(
    site: Path, tmp_path: Path, more: str, severity: str
) -> None:
    ended = threading.Event()

    def fill(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            number = 0
            while not ended.is_set():
                number += 1
                wire.sendall(b"set key%d 0 0 100000\r\n%s\r\n" % (number, b"x" * 100_000))
                wire.recv(100)

    with memcached("-m", "2") as (port, _):
        filling = threading.Thread(target=fill, args=(port,))
        filling.start()
        try:
            case = take(tmp_path, port, more)
        finally:
            ended.set()
            filling.join()
    assert severities(case)["memcached.stats.evictions"] == severity


def log(path: Path, error: str, count: int = 40) -> Path:
    """Write a log up to now in which every fourth line is the error."""
    now = datetime.now(UTC)
    lines = (
        f"{now - timedelta(seconds=count - number):%Y-%m-%dT%H:%M:%SZ} "
        f"{f'ERROR shop: {error}' if number % 4 == 0 else 'INFO shop: order paid'}\n"
        for number in range(count)
    )
    path.write_text("".join(lines))
    return path


FULL = "pymemcache.exceptions.MemcacheServerError: b'out of memory storing object'"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_its_classes_of_log_errors_are_counted_in_every_process(
    site: Path, tmp_path: Path, jobs: str
) -> None:
    for name in ("a.log", "b.log"):
        log(tmp_path / name, FULL)
    read = incident(tmp_path, site, "logs", "a.log", "b.log", "--jobs", jobs, "--json")
    found = json.loads(read.stdout)
    assert [(row["error_class"], row["count"]) for row in found["error_classes"]] == [
        ("memcached_out_of_memory", 20)
    ]
    finding = next(each for each in found["findings"] if ".class." in each["id"])
    assert finding["severity"] == "WARNING"
    assert finding["title"] == "memcached has no memory for a value: logged 20 times"
    without = incident(tmp_path, memcached_service.CODE, "logs", "a.log", "b.log", "--json")
    assert json.loads(without.stdout)["error_classes"] == []


def test_its_classes_speak_for_its_causes(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        write(tmp_path, port)
        log(tmp_path / "shop.log", FULL)
        triage = incident(tmp_path, site, "triage", "--json")
    hypotheses = json.loads(triage.stdout)["hypotheses"]
    assert [(each["id"], each["target"]) for each in hypotheses][:1] == [
        ("memcached-out-of-memory", "sessions")
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('id = "redis_oom"', "line 2: key `id` of 'redis_oom': this class already exists"),
        (
            'id = "odd"\nlasted = ["("]',
            "line 3: key `lasted` of 'odd': '(' is not a valid regular expression",
        ),
        ('id = "odd"\nunless = ["even"]', "line 3: key `unless` of 'odd': class 'even' does not exist"),
        ('id = "odd"\nunless = ["redis_oom"]', ""),
    ],
)
def test_a_wrong_class_makes_its_package_unknown(site: Path, tmp_path: Path, row: str, why: str) -> None:
    about = tmp_path / "incident_odd-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: incident-odd\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[incident_lib.technologies]\nodd = incident_odd:TECHNOLOGY\n")
    (tmp_path / "incident_odd.py").write_text(
        "from pathlib import Path\nfrom incident_lib.technologies import Technology\n"
        'TECHNOLOGY = Technology(name="odd", log_classes=(Path(__file__).with_name("classes.toml"),))\n'
    )
    (tmp_path / "classes.toml").write_text(
        f'[[class]]\n{row}\ntitle = "odd"\nadvice = "count"\nexample = "is odd"\nmatch = ["is odd"]\n'
    )
    sys.path.insert(0, str(tmp_path))
    sys.modules.pop("incident_odd", None)
    renew()
    try:
        broken = {each.name: each.problem.message for each in technologies.table().broken}
        kinds = technologies.catalogue().kinds
    finally:
        sys.path.remove(str(tmp_path))
        renew()
    assert (why in broken.get("odd", "")) if why else broken == {}
    assert ("logs.lines.class.odd" in kinds) == (not why)
    assert "logs.lines.class.memcached_disabled" in kinds


def test_its_processes_are_services_and_no_strangers(site: Path) -> None:
    assert technologies.table().programs["memcached"] == "memcached"


def test_a_limit_of_its_own_can_be_set(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        case = take(tmp_path, port, '[thresholds]\n"memcached.connections.warning_ratio" = 0.0001')
    assert severities(case)["memcached.stats.connections"] == "WARNING"


def test_a_wrong_key_names_the_nearest(site: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 10: unknown key `evicts_on_purose`; .*`evicts_on_purpose`"):
        load_settings(str(write(tmp_path, 1, "evicts_on_purose = true")))


def test_init_recognizes_its_containers(site: Path, tmp_path: Path) -> None:
    about = {
        "Name": "/shop-sessions-1",
        "Config": {"Image": "memcached:1.6-alpine", "ExposedPorts": {"11211/tcp": {}}},
        "NetworkSettings": {"Ports": {"11211/tcp": [{"HostPort": "21211"}]}},
    }
    text = discover.render_configuration(discover.describe([about]), found=True)
    (service,) = config.parse(text, kinds=technologies.table().kinds).service
    assert (service.kind, service.url) == ("memcached", "memcached://localhost:21211")


def test_health_and_runbook_know_it(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        write(tmp_path, port)
        well = incident(tmp_path, site, "health")
        assert f"sessions  answers: 127.0.0.1:{port}" in " ".join(well.stdout.split()) or well.returncode == 0
    down = incident(tmp_path, site, "health")
    assert down.returncode == 1, down.stderr
    assert "refuses connections" in down.stdout
    runbook = incident(tmp_path, site, "runbook", "sessions")
    assert runbook.returncode == 0, runbook.stderr
    (page,) = (tmp_path / "docs" / "runbooks").iterdir()
    text = page.read_text()
    assert f"nc -w 2 127.0.0.1 {port}" in text
    assert "memcached-down" in text


def test_a_notebook_shows_it(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        write(tmp_path, port)
        declared = incident(tmp_path, site, "declare", "--title", "Sessions", "--severity", "SEV3")
        assert declared.returncode == 0, declared.stderr
        ran = incident(tmp_path, site, "run", "--notebook", "10")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (page,) = (tmp_path / "incidents").glob("*/runs/*/html/10_application.html")
    text = page.read_text()
    assert "memcached.stats" in text
    assert "1.6." in text


def test_without_the_package_its_records_are_kept_and_unknown(site: Path, tmp_path: Path) -> None:
    with memcached() as (port, _):
        write(tmp_path, port)
        incident(tmp_path, site, "declare", "--title", "Sessions", "--severity", "SEV3")
        taken = incident(tmp_path, site, "triage")
    assert "connections and memory have room" in taken.stdout + taken.stderr or taken.returncode == 0
    (stored,) = (tmp_path / "incidents").glob("*/snapshots/*/evidence/sessions/memcached.stats.json")
    before = stored.read_bytes()
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "shop"\nkind = "process"\nlog = "shop.log"\n'
    )
    judged = incident(tmp_path, memcached_service.CODE, "analyze", "--json")
    assert judged.returncode == 0, judged.stderr
    assert "records of unknown types: MemcachedStats" in judged.stdout
    assert stored.read_bytes() == before


def test_a_broken_package_is_unknown_and_costs_nothing_else(site: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    about = broken / "incident_broken-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: incident-broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[incident_lib.technologies]\nbroken = incident_broken:TECHNOLOGY\n"
    )
    (broken / "incident_broken.py").write_text("TECHNOLOGY = 1 / 0\n")
    sys.path.insert(0, str(broken))
    renew()
    try:
        with memcached() as (port, _):
            case = take(tmp_path, port)
    finally:
        sys.path.remove(str(broken))
        renew()
    titles = [one.title for one in case.findings("extension.load")]
    assert len(titles) == 1
    assert "ZeroDivisionError" in titles[0]
    assert severities(case)["memcached.connection.ok"] == "OK"
    assert os.path.lexists(case.path)
