"""Notes and attachments of people: what is kept of a figure, a frame and a file, and where it shows."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from incident_lib.display import attachments, timeline
from incident_lib.errors import UsageError
from incident_lib.incident.bundle import plan_bundle, write_bundle
from incident_lib.incident.unbundle import open_bundle
from incident_lib.investigation.case import Case
from incident_lib.redact import Redactor
from tests.notebooks import sample

TOKEN = "glpat-" + "Ab3dEf6hIj9kLm2nOp5q"  # of a family that is known by its form


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return sample.made(tmp_path, "Checkout answers 503")


def kept(case: Case) -> list[Path]:
    """Return the files in the order in which they were attached."""
    return [each.path for each in case.attached]


def drawn(title: str) -> Figure:
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([1, 2, 3])
    figure.suptitle(title)
    return figure


def test_a_note_is_on_the_timeline_without_its_secret(case):
    event = case.note(f"the vendor gave us {TOKEN}")
    assert TOKEN not in event.text
    assert "the vendor gave us" in timeline(case).html
    with pytest.raises(UsageError, match="empty"):
        case.note(" ")


def test_a_figure_is_kept_as_a_picture_whose_texts_are_redacted(case):
    figure = drawn(f"used {TOKEN} at 18:40")
    canvas = figure.canvas
    case.attach(figure, "errors of each service")
    case.attach(drawn(case.folder.redactor.text(f"used {TOKEN} at 18:40")), "the same, hidden before")
    case.attach(drawn("used gitlab at 18:40"), "another title")
    first, second, third = (path.read_bytes() for path in kept(case))
    assert first.startswith(b"\x89PNG")
    assert first == second != third
    assert (figure.canvas, figure.get_suptitle()) == (canvas, f"used {TOKEN} at 18:40"), "it stays as it was"
    assert "data:image/png;base64," in attachments(case).html


def test_axes_and_what_show_returns_can_be_attached(case):
    case.attach(drawn("x").axes[0], "axes")
    case.attach(case.frame("postgres.activity"), "records")
    assert [path.suffix for path in kept(case)] == [".png", ".csv"]


def test_a_frame_is_kept_as_csv_redacted_cell_by_cell(case):
    frame = pd.DataFrame({"user": ["kim", "=1+1"], "password": ["tr0ub4dor&3", None], "seconds": [0.5, -2.0]})
    case.attach(frame, f"logins {TOKEN}")
    path = kept(case)[0]
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["user", "password", "seconds"]
    assert "tr0ub4dor" not in path.read_text()
    assert TOKEN not in path.name
    assert (rows[1][0], rows[1][2]) == ("kim", "0.5")
    assert (rows[2][0], rows[2][1], rows[2][2]) == ("'=1+1", "", "-2.0"), "no formula, and a number stays one"
    assert "<td>kim</td>" in attachments(case).html


def test_a_file_is_redacted_and_one_that_could_be_run_is_kept_as_a_text(case, tmp_path):
    script = tmp_path / "fix.sh"
    script.write_text(f"curl -H 'PRIVATE-TOKEN: {TOKEN}' https://git.example/\n")
    case.attach(script, "what was run by hand")
    assert kept(case)[0].name.endswith("-what-was-run-by-hand.sh.txt")
    assert TOKEN not in kept(case)[0].read_text()
    (tmp_path / "core").write_bytes(b"\x7fELF\xff\xfe\x00")
    for thing, why in (
        (tmp_path / "core", "it is not text"),
        (tmp_path / "none", "cannot be read"),
        (4, "int"),
    ):
        with pytest.raises(UsageError, match=why):
            case.attach(thing, "it")
    with pytest.raises(UsageError, match="why"):
        case.attach(script, " ")
    assert len(kept(case)) == 1


def test_what_was_attached_goes_along_in_a_bundle(case, tmp_path):
    case.attach(drawn("x"), "errors of each service")
    assert case.folder.verify() == []
    archive = tmp_path / "it.zip"
    write_bundle(case.folder, plan_bundle(case.folder), archive)
    opened = open_bundle(archive, tmp_path / "elsewhere", Redactor())
    assert [path.name for path in (opened.path / "attachments").iterdir()] == [kept(case)[0].name]
    kept(case)[0].write_bytes(b"x")
    assert [(found.path.split("/")[0], found.is_bad) for found in case.folder.verify()] == [
        ("attachments", False)
    ]
