"""A case explored in a real kernel: what cells show, and data frames."""

import asyncio
from pathlib import Path

from incident_lib import clock
from incident_lib.model.run import ExecutionStatus
from incident_lib.redact import Redactor
from incident_lib.run import execution
from tests.notebooks.made import notebook

STORED = Path(__file__).parents[1] / "data" / "snapshot-1" / "20261123T154350Z"
OPEN = f"""
from pathlib import Path
from incident_lib.config import Document, Settings
from incident_lib.investigation.case import load_case
case = load_case(Settings(document=Document(), root=Path("/nowhere")), Path({str(STORED)!r}))
"""


def run(*sources):
    made = notebook(OPEN, *sources)
    job = execution.Job(
        name="explored", notebook=made, deadline=clock.monotonic() + 90, redactor=Redactor(())
    )
    record = asyncio.run(execution.execute(job))
    return record, [cell.outputs for cell in made.cells[3:]]


def test_cells_show_short_tables_and_frames():
    record, (shown, listed, frame) = run(
        "case",
        "case.findings('postgres')",
        "case.frame('postgres.transactions', 'db').query('query_seconds > 0').query_started_at.to_frame()",
    )
    assert record.status is ExecutionStatus.COMPLETED, record.error
    assert shown[0].data["text/plain"].startswith("<Case 20261123T154350Z: 53 probes")
    assert len(shown[0].data["text/html"]) < 5_000
    assert "<Finding CRITICAL db:postgres.locks.blocked" in listed[0].data["text/plain"]
    assert len(listed[0].data["text/plain"]) < 10_000
    assert "query_started_at" in frame[-1].data["text/html"]


def test_a_mistyped_probe_names_the_nearest():
    record, _ = run("case.frame('postgres.lokcs')")
    assert record.status is ExecutionStatus.FAILED
    assert "did you mean `postgres.locks`" in record.error
