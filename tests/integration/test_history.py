"""Timeline, search, likeness and figures as people type them, over incidents that commands made."""

import csv
import json

import pytest

from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.folder import find
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.observed import record_observed
from incident_lib.model import FindingSeverity, Window
from incident_lib.redact import Redactor
from tests import command
from tests.pages import without_our_script
from tests.unit.history.made import FULL, KINDS, START, analysis, finding, hypothesis


@pytest.fixture
def incident(tmp_path, monkeypatch, capsys):
    """Return a function that runs one command line in an empty place: exit code, output, errors."""
    (tmp_path / "workbench.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        capsys.readouterr()
        code = command.run("--no-color", *words)
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def two(incident, tmp_path):
    """Declare and resolve an old incident, and one of now that looks like it, with what evidence tells."""
    trouble = analysis(
        FULL.hypotheses,
        [
            *FULL.findings,
            finding(
                "logs.lines.onset", "backend", FindingSeverity.INFO, "503s <b>rose</b> to 40 %", since=START
            ),
        ],
    )
    ids = []
    for title in ("Cache is full", "=Orders <script>fail</script>"):
        incident("declare", "--title", title, "--severity", "p2", "--start", START.isoformat())
        folder = find(tmp_path / "incidents", "", Redactor())
        writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
        writer.seal(trouble, KINDS)
        record_observed(folder, trouble)
        ids.append(folder.id)
        if title == "Cache is full":
            incident("ack")
            incident("resolve", "--reason", "cache:* was deleted")
    return ids


def test_the_timeline_is_sorted_exported_and_harmless(incident, two, tmp_path):
    code, out, _ = incident("timeline", "--csv", "t.csv", "--html", "t.html")
    assert code == 0
    assert "backend: trouble begins, 503s <b>rose</b> to 40 %" in " ".join(out.split())
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["occurred_at"] for row in rows] == sorted(row["occurred_at"] for row in rows)
    assert all(row["recorded_at"] and row["source"] for row in rows)
    declared = next(row for row in rows if row["kind"] == "declared")
    assert declared["text"].startswith("'=Orders")
    page = (tmp_path / "t.html").read_text()
    assert "<script" not in without_our_script(page)
    assert "<circle" in page
    assert "http" not in page.split("</head>")[1].split("<footer")[0]


def test_what_nobody_recorded_is_told_from_evidence_once(incident, two, tmp_path):
    folder = find(tmp_path / "incidents", two[1], Redactor())
    writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
    late = finding("deploys.log.deployed", "deploys", FindingSeverity.INFO, "v2 was deployed", since=START)
    writer.seal(analysis(FULL.hypotheses, [late]), KINDS)
    _, out, _ = incident("timeline", two[1], "--json")
    lines = json.loads(out)["timeline"]
    assert sum("trouble begins" in one["text"] for one in lines) == 1
    (unwritten,) = (one for one in lines if one["recorded_at"] is None)
    assert unwritten["text"] == "deploys: v2 was deployed"
    (folder.snapshots[-1] / "findings.json").write_text("{")
    code, out, errors = incident("timeline", two[1], "--json")
    assert code == 0
    assert "left out" in errors
    assert "trouble begins" in out


def test_search_tells_where_and_how_many(incident, two):
    code, out, _ = incident("search", "cache:*", "deleted")
    assert code == 0
    assert two[0] in out
    assert "1 of 2 incidents" in out
    assert "0 of 2 incidents" in incident("search", "no-such-word")[1]
    _, out, _ = incident("search", "redis-out-of-memory", "--limit", "1", "--json")
    assert json.loads(out)["total"] == 2
    with pytest.raises(UsageError):
        incident("search", " ")


def test_similar_tells_what_helped(incident, two):
    code, out, _ = incident("similar")
    assert code == 0
    assert two[0] in out
    assert "the same first hypothesis: redis-out-of-memory" in out
    assert "cache:* was deleted" in out
    _, out, _ = incident("similar", two[1], "--json")
    (one,) = json.loads(out)["similar"]
    assert one["incident"] == two[0]


def test_similar_needs_a_snapshot(incident):
    incident("declare", "--title", "x", "--severity", "SEV3")
    with pytest.raises(UsageError, match="no snapshot"):
        incident("similar")


def test_figures_say_what_is_missing_and_left_out(incident, two, tmp_path):
    (tmp_path / "incidents" / "broken" / "snapshots").mkdir(parents=True)
    code, out, errors = incident("figures", "--html", "f.html")
    assert code == 0
    assert "2 incidents" in out
    assert "redis-out-of-memory 2" in out
    assert "damaged: broken" in errors
    page = (tmp_path / "f.html").read_text()
    assert "Not counted: 1" in page
    assert "Time to resolve" in page
    _, out, _ = incident("figures", "--json")
    measures = {one["name"]: one for one in json.loads(out)["figures"]["measures"]}
    assert (measures["Time to resolve"]["count"], measures["Time to resolve"]["missing_count"]) == (1, 1)


def test_without_any_incident_each_says_so(incident):
    assert "There are no incidents to search yet" in incident("search", "x")[1]
    assert "0 incidents" in incident("figures", "--html", "f.html")[1]
    with pytest.raises(UsageError, match="no incident"):
        incident("timeline")


def test_a_bundle_goes_to_another_place_and_comes_back(incident, two, tmp_path):
    code, out, _ = incident("bundle", two[0])
    assert code == 0
    assert "sha256" in out
    assert incident("bundle", two[0])[0] == 0  # the same incident's bundle is renewed
    with pytest.raises(UsageError, match="choose another --output"):
        incident("bundle", two[1], "--output", f"{two[0]}.zip")
    with pytest.raises(UsageError, match="inside the incident"):
        incident("bundle", two[0], "--output", f"incidents/{two[0]}/x.zip")
    with pytest.raises(UsageError, match="already exists"):
        incident("open", f"{two[0]}.zip")
    code, out, _ = incident("open", f"{two[0]}.zip", "--to", "elsewhere", "--json")
    assert code == 0
    assert find(tmp_path / "elsewhere", "", Redactor()).verify() == []
    assert "cache:* was deleted" in incident("timeline", f"elsewhere/{two[0]}")[1]
    with pytest.raises(FolderError, match="not a complete bundle"):
        incident("open", "workbench.toml")


def test_a_changed_incident_is_not_bundled_unless_forced(incident, two, tmp_path):
    (path,) = (tmp_path / "incidents" / two[0] / "snapshots").glob("*/findings.json")
    path.write_text(path.read_text().replace("CRITICAL", "OK"))
    code, _, errors = incident("bundle", two[0])
    assert code == 1
    assert "changed" in errors
    assert not (tmp_path / f"{two[0]}.zip").exists()
    assert json.loads(incident("bundle", two[0], "--json")[1])["bundle"] is None
    code, _, errors = incident("bundle", two[0], "--force")
    assert code == 0
    assert "changed since sealed" in errors


def test_a_first_hypothesis_alone_is_enough(incident, two, tmp_path):
    incident("declare", "--title", "Again", "--severity", "SEV2")
    folder = find(tmp_path / "incidents", "", Redactor())
    writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
    writer.seal(analysis([hypothesis("redis-out-of-memory", "sessions")]), KINDS)
    assert len(json.loads(incident("similar", "--json")[1])["similar"]) == 2
