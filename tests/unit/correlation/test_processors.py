"""Whose processors are taken, and who waits for them, from literals."""

from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.correlation.processors import judge_processors
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.model.topology import Topology
from incident_lib.technologies import table
from incident_lib.technologies.docker.rows import ContainerListed
from incident_lib.technologies.host.findings import ANALYZERS
from incident_lib.technologies.host.rows import HostLoad, ProcessorUser
from tests.unit.correlation.situations import added

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW, NOW))
GRAPH = Topology(
    kinds={"site": "http", "orders": "http", "ledger": "postgres", "machine": "host"},
    depends_on={"site": ("orders",), "orders": ("ledger",)},
)
LOAD = HostLoad(
    cpu_count=2,
    load_1m=9.0,
    load_5m=5.0,
    load_15m=2.0,
    seconds=1.0,
    busy_ratio=1.0,
    io_wait_ratio=0.0,
    steal_ratio=None,
    cpu_stalled_ratio=0.6,
)
SLOW = Finding(
    id="logs.lines.slow",
    target="site",
    severity=FindingSeverity.WARNING,
    title="slow",
    evidence=("site/logs.lines",),
)
BACKUP = ProcessorUser(name="gzip", pid=77, process_count=2, cores=1.6, waiting_cores=0.4, waiting_ratio=0.2)
ORDERS = ProcessorUser(
    name="python", pid=9, process_count=1, cores=0.2, waiting_cores=0.7, waiting_ratio=0.8, service="orders"
)


def machine(*rows, load=LOAD):
    return Evidence(
        probe="host.load",
        target="machine",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=1.0,
        source="",
        rows=(load, *rows),
    )


def judge(*rows, load=LOAD, findings=(SLOW,), beside=()):
    evidence = (machine(*rows, load=load), *beside)
    return added(judge_processors, findings, evidence=evidence, topology=GRAPH, programs=table().programs)


def test_a_program_is_a_service_only_where_its_technology_names_it():
    server = msgspec.structs.replace(BACKUP, name="postgres")
    found = added(judge_processors, (SLOW,), evidence=(machine(server, ORDERS),), topology=GRAPH, programs={})
    assert [finding.id for finding in found] == ["host.load.starved"]
    assert judge(server, ORDERS) == []


def test_another_program_takes_what_a_service_waits_for_and_users_feel_it():
    (one,) = judge(BACKUP, ORDERS)
    assert (one.id, one.target, one.severity) == ("host.load.starved", "machine", FindingSeverity.WARNING)
    assert one.title == "gzip (2 processes, one is 77) takes 80 % of the CPUs, and orders waits for CPU"
    assert (one.data["pid"], one.data["service"], one.data["share_ratio"]) == (77, "orders", 0.8)
    assert one.evidence == ("machine/host.load", "site/logs.lines")


MANY = tuple(
    ProcessorUser(
        name=name, pid=80 + number, process_count=1, cores=0.3, waiting_cores=0.9, waiting_ratio=0.7
    )
    for number, name in enumerate(("mypy", "ruff", "gzip", "node"))
)


def test_many_programs_take_together_what_a_service_waits_for():
    (one,) = judge(*MANY, ORDERS)
    assert (one.id, one.severity, one.data["share_ratio"]) == (
        "host.load.starved",
        FindingSeverity.WARNING,
        0.6,
    )
    assert one.title == (
        "4 programs together, most of all mypy (process 80), ruff (process 81), gzip (process 82), "
        "take 60 % of the CPUs, and orders waits for CPU"
    )
    assert one.detail.endswith("-p 80,81,82")


def test_many_programs_that_take_little_each_are_ordinary_where_nothing_is_bad():
    its_own = msgspec.structs.replace(SLOW, id="logs.lines.latency", severity=FindingSeverity.INFO)
    assert judge(*MANY, ORDERS, findings=(its_own,)) == []
    assert judge(*MANY, ORDERS, findings=()) == []
    assert judge(*MANY[:2], ORDERS) == []


def test_what_nobody_feels_is_no_fault():
    (one,) = judge(BACKUP, ORDERS, findings=())
    assert (one.id, one.severity) == ("host.load.waiting", FindingSeverity.INFO)
    elsewhere = msgspec.structs.replace(SLOW, target="bank")
    (one,) = judge(BACKUP, ORDERS, findings=(elsewhere,))
    assert one.id == "host.load.waiting"


def test_only_the_service_itself_tells_that_a_busy_machine_is_felt():
    ours = msgspec.structs.replace(SLOW, id="http.health.slow", severity=FindingSeverity.INFO)
    its_own = msgspec.structs.replace(SLOW, id="logs.lines.latency", severity=FindingSeverity.INFO)
    found = [judge(BACKUP, ORDERS, findings=(one,))[0].id for one in (ours, its_own)]
    assert found == ["host.load.waiting", "host.load.starved"]


@pytest.mark.parametrize(
    "rows",
    [
        (msgspec.structs.replace(BACKUP, is_ours=True), ORDERS),
        (msgspec.structs.replace(BACKUP, service="site"), ORDERS),
        (msgspec.structs.replace(BACKUP, name="postgres"), ORDERS),
        (msgspec.structs.replace(BACKUP, cores=0.5), ORDERS),
        (BACKUP, msgspec.structs.replace(ORDERS, waiting_cores=0.05)),
        (BACKUP, msgspec.structs.replace(ORDERS, waiting_ratio=0.2)),
        (BACKUP, msgspec.structs.replace(ORDERS, waiting_cores=None, waiting_ratio=None)),
        (BACKUP,),
    ],
    ids=[
        "ours",
        "of a service",
        "a server",
        "little",
        "short waits",
        "mostly runs",
        "unknown",
        "nobody waits",
    ],
)
def test_a_stack_that_is_busy_by_itself_is_not_starved(rows):
    assert judge(*rows) == []


def test_a_machine_with_a_free_processor_starves_nobody():
    assert judge(BACKUP, ORDERS, load=msgspec.structs.replace(LOAD, busy_ratio=0.8)) == []


def test_a_program_in_a_container_is_told_by_its_name():
    listed = Evidence(
        probe="docker.engine",
        target="docker",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="",
        rows=(
            ContainerListed(
                name="nightly-backup",
                container_id="abcdef012345" + "0" * 52,
                image="backup:1",
                state="running",
                status="Up 2 minutes",
                created_at=NOW,
            ),
        ),
    )
    (one,) = judge(msgspec.structs.replace(BACKUP, container_id="abcdef012345"), ORDERS, beside=(listed,))
    assert "in container nightly-backup" in one.title
    assert one.data["container"] == "nightly-backup"


def found(*rows, load=LOAD):
    return {one.id: one for one in ANALYZERS["host.load"](machine(*rows, load=load), CONTEXT)}


def test_busy_processors_alone_are_told_and_no_fault():
    told = found(BACKUP, ORDERS, load=msgspec.structs.replace(LOAD, load_1m=3.0))
    assert set(told) == {"host.load.saturated"}
    one = told["host.load.saturated"]
    assert one.severity is FindingSeverity.INFO
    assert one.title == "the CPUs are 100 % busy, mostly with gzip (2 processes, one is 77)"
    assert "python (process 9): 10 %, of orders" in one.detail
    assert "60 % of the last minute" in one.detail


def test_what_the_look_itself_takes_does_not_count():
    ours = msgspec.structs.replace(BACKUP, is_ours=True)
    assert set(found(ours, ORDERS, load=msgspec.structs.replace(LOAD, load_1m=3.0))) == {"host.load.ok"}


def test_evidence_of_an_earlier_version_names_nobody():
    assert set(found(load=msgspec.structs.replace(LOAD, load_1m=3.0))) == {"host.load.ok"}
