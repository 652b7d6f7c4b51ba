"""Below the drawings of a log stands how much of it was read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib.config import Settings
from incident_lib.config.tables import Document
from incident_lib.display import drawings
from incident_lib.investigation.case import Case
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Window
from incident_lib.model.topology import Topology
from incident_lib.technologies.logs.rows import LogSummary

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def log(target: str, lines: int, read: int | None) -> Evidence:
    row = LogSummary(
        lines_count=lines,
        first_at=AT - timedelta(minutes=5),
        last_at=AT,
        has_times=True,
        bucket_seconds=10,
        levels={"INFO": lines},
        formats={"plain": lines},
        errors_count=0,
        requests_count=0,
        server_errors_count=0,
        client_errors_count=0,
        timed_lines_count=read,
        known_lines_count=read,
        read_lines_count=read,
    )
    return Evidence(
        probe="logs.lines",
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="read x.log",
        rows=(row,),
    )


def case(*evidence: Evidence) -> Case:
    return Case(
        settings=Settings(document=Document(), root=Path("/")),
        snapshot="s",
        path=Path("/nowhere"),
        window=Window(AT - timedelta(minutes=15), AT),
        collected_at=AT,
        evidence=evidence,
        analysis=Analysis(snapshot="s", findings=(), hypotheses=(), not_assessed=()),
        topology=Topology(kinds={"api": "http"}),
    )


@pytest.mark.parametrize("draw", [drawings.errors, drawings.levels])
@pytest.mark.parametrize(
    ("logs", "line"),
    [
        ([log("api", 12_345, 11_975)], "api: read 97 % of 12,345 lines."),
        (
            [log("<a>", 10, 10), log("db", 40, 0)],
            "&lt;a&gt;: read 100 % of 10 lines; db: read 0 % of 40 lines.",
        ),
        ([log("old", 7, None)], "old: 7 lines; how many of them could be read is unknown."),
    ],
)
def test_a_drawing_of_logs_states_how_much_was_read(draw, logs, line):
    assert f'<p class="iw-why">{line}</p>' in draw(case(*logs)).html


def test_without_a_log_there_is_no_share():
    assert "read" not in drawings.levels(case()).html.replace("No log was read.", "")
