"""Controls in JupyterLab, and what a page keeps of them."""

from datetime import timedelta

import pytest
from nbformat.v4 import new_output

from incident_lib import clock
from incident_lib.config import Document, Settings
from incident_lib.display import collect_again, explore
from incident_lib.errors import UsageError
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.case import load_case
from incident_lib.model import Analysis, Attachment, Evidence, EvidenceStatus, Window
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.run.export import show_output
from tests.notebooks import sample

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Make a case whose backend logged before the window and in its minute: each tenth line is an error."""
    end = clock.now().replace(microsecond=0)
    start = end - timedelta(minutes=1)
    lines = [
        f"{start + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ} {level} app: line {n}<b>\n"
        for n, level in enumerate(["INFO", "INFO", *(["ERROR"] + ["INFO"] * 9) * 6], -2)
    ]
    writer = SnapshotWriter(tmp_path_factory.mktemp("logged"), Window(start, end), Redactor())
    attachment = Attachment(name="backend.log", chunks=[line.encode() for line in lines])
    writer.add(
        Evidence(
            probe="logs.lines",
            target="backend",
            status=EvidenceStatus.COLLECTED,
            collected_at=end,
            duration_seconds=0.1,
            source="literal",
            attachments=(attachment,),
        )
    )
    writer.seal(Analysis(snapshot=writer.id), Topology(kinds={"backend": "http"}))
    return load_case(Settings(document=Document(), root=writer.path), writer.path)


def count(shown):
    return shown.value.partition('<p class="iw-why">')[2].partition("</p>")[0]


def test_a_log_is_filtered_by_words_level_and_span(logged):
    piece = explore(logged, "backend")
    box = piece._controls()
    (_, words, level), span, shown = box.children[0].children, box.children[1], box.children[2]
    assert count(shown) == "backend: 62 lines"
    level.value = "ERROR"
    assert count(shown) == "backend: 6 lines"
    words.value = "LINE 30"
    assert count(shown) == "backend: 1 line"
    words.value, level.value = "", "every level"
    assert count(shown) == "backend: 62 lines"
    moments = [moment for _, moment in span.options]
    span.value = (moments[0], moments[10])
    assert count(shown) == "backend: 11 lines"
    assert "&lt;b&gt;" in shown.value


def test_a_mistyped_service_names_the_nearest(logged):
    with pytest.raises(UsageError, match="did you mean `backend`"):
        explore(logged, "backnd")


def test_a_page_keeps_plain_html_of_the_controls(logged):
    bundle = explore(logged)._repr_mimebundle_()
    assert VIEW in bundle
    page = show_output(new_output("execute_result", bundle))
    assert "line 59" in page
    assert "script" not in page
    assert "widget" not in page


def test_the_button_collects_and_a_foreign_incident_is_answered(tmp_path):
    case = sample.made(tmp_path, "Checkout")
    before = case.snapshot
    box = collect_again(case)._controls()
    (what, button), shown = box.children[0].children, box.children[1]
    what.value = "db/postgres.locks"
    button.click()
    assert "Not collected: no target is named" in shown.value, "nothing is configured"
    (case.folder.path / "bundle.json").write_text("{}")
    what.value = "everything"
    button.click()
    assert "came from elsewhere" in shown.value
    assert (case.snapshot, button.disabled) == (before, False)
