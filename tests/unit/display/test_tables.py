"""Evidence as tables: units, unknowns, hostile text, and the reason where there is nothing."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from incident_lib import display as show
from incident_lib.config import Document, Settings
from incident_lib.investigation.case import Case
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Problem, ProblemKind, Truncation, Window
from incident_lib.model.rows import MemorySample
from incident_lib.model.topology import Topology
from incident_lib.technologies.host.rows import FileSystem

AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)


def case(*evidence):
    return Case(
        settings=Settings(document=Document(), root=Path("/nowhere")),
        snapshot="20260115T144500Z",
        path=Path("/nowhere"),
        window=Window(AT, AT),
        collected_at=AT,
        evidence=evidence,
        analysis=Analysis(snapshot="20260115T144500Z"),
        topology=Topology(),
    )


def one(*rows, target="host", probe="host.disk", status=EvidenceStatus.COLLECTED, **more):
    return Evidence(
        probe=probe,
        target=target,
        status=status,
        collected_at=AT,
        duration_seconds=0.02,
        source="SELECT 1",
        rows=rows,
        **more,
    )


def disk(path="/", **more):
    return FileSystem(
        **{
            "path": path,
            "device": "d",
            "kind": "ext4",
            "total_bytes": 5 * 1024**3,
            "free_bytes": 1536,
            **more,
        },
        free_inodes_count=None,
        total_inodes_count=None,
    )


def test_units_are_spelled_out_and_unknown_is_said():
    table = show.table(case(one(disk("/"), disk("/data"))), "host.disk", "path free_bytes free_inodes_count")
    assert '<td class="iw-number">1.5 KiB</td><td class="iw-none">unknown</td>' in table.html
    assert '<th scope="col">free</th>' in table.html


def test_one_record_for_each_target_stands_side_by_side():
    table = show.table(case(one(disk()), one(disk(), target="other")), "host.disk")
    assert '<th scope="col">host</th><th scope="col">other</th>' in table.html


def test_hostile_text_is_escaped():
    table = show.table(case(one(disk("<script>"))), "host.disk")
    assert "<script>" not in table.html
    assert "&lt;script&gt;" in table.html


def test_a_failure_says_why_and_what_to_do():
    problem = Problem(kind=ProblemKind.TIMED_OUT, message="no answer within 5 s", advice="check its log")
    table = show.table(case(one(status=EvidenceStatus.FAILED, problem=problem)), "host.disk")
    assert "host could not be read: no answer within 5 s" in table.html
    assert "What to do: check its log" in table.html
    assert "nothing to show" not in table.html


def test_nothing_found_is_not_the_same_as_nothing_collected():
    assert "was collected; there is nothing to show" in show.table(case(one()), "host.disk").html
    assert "was not collected" in show.table(case(), "host.disk").html


def test_a_cut_is_said():
    table = show.table(case(one(disk(), truncated=Truncation(kept=1, total=90))), "host.disk")
    assert "truncated, 1 rows kept of 90" in table.html


def test_what_is_not_shown_is_counted():
    rows = [MemorySample(at=AT, memory_bytes=n) for n in range(8)]
    table = show.table(case(one(*rows, probe="docker.stats")), "docker.stats", most=3)
    assert "5 more are in the evidence" in table.html
    assert table.html.count("<tr>") == 4


def test_the_statement_is_folded_away():
    assert "<details" in show.table(case(one(disk())), "host.disk").html.partition("SELECT 1")[0]


def test_a_table_becomes_a_data_frame():
    frame = show.table(case(one(disk())), "host.disk").frame()
    assert list(frame[["target", "record", "path"]].iloc[0]) == ["host", "FileSystem", "/"]


def test_every_answer_has_something_to_say_about_nothing():
    empty = case()
    for name in show.__all__:
        answer = getattr(show, name)
        if name not in {"Block", "Table", "table", "log"}:
            block = answer(empty)
            assert "iw" in block._repr_html_(), name
            assert repr(block).startswith("<"), name


def test_a_block_brings_its_style():
    block = show.findings(case())
    assert block._repr_html_().startswith("<style data-iw>")
    assert msgspec.json.encode(block._repr_html_())
