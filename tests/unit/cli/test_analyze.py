"""A stored snapshot judged again: what older rules concluded, against those of today. No server is there."""

import json
import shutil
from pathlib import Path

import pytest

from incident_lib import display, open_investigation, reanalyze
from incident_lib.cli import main
from incident_lib.incident import manifest
from incident_lib.incident.samples import watches
from incident_lib.investigation.baseline import baselines_folder, newest_baseline

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"


@pytest.fixture
def snapshot(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["declare", "--title", "Orders hang", "--severity", "SEV2"]) == 0
    (folder,) = (tmp_path / "incidents").glob("20*")
    copied = shutil.copytree(STORED, folder / "snapshots" / STORED.name)
    capsys.readouterr()
    return copied


def concluded_otherwise(snapshot):
    """Seal what other rules concluded from the same evidence: a finding less, one more, one worse."""
    path = snapshot / "findings.json"
    document = json.loads(path.read_text())
    findings = {finding["id"]: finding for finding in document["findings"]}
    document["findings"].remove(findings["logs.lines.errors"])
    findings["http.health.slow"]["severity"] = "CRITICAL"
    extra = {**findings["http.health.slow"], "id": "http.health.invented", "title": "is not judged any more"}
    document["findings"].append(extra)
    document["hypotheses"] = document["hypotheses"][::-1]
    for rank, hypothesis in enumerate(document["hypotheses"], 1):
        hypothesis["rank"] = rank
    path.write_text(json.dumps(document))
    (snapshot / manifest.NAME).unlink()
    manifest.seal(snapshot)


def analyzed(capsys, *words):
    code = main(["analyze", *words])
    return code, capsys.readouterr()


def test_what_differs_is_said_and_the_sealed_conclusion_stays(snapshot, capsys):
    concluded_otherwise(snapshot)
    sealed = {path: path.read_bytes() for path in snapshot.rglob("*") if path.is_file()}
    code, out = analyzed(capsys, "--json")
    document = json.loads(out.out)
    assert code == 0
    found = {(one["id"], one["target"], one["before"], one["now"]) for one in document["differences"]}
    assert ("finding.new", "backend", "not found", "CRITICAL") in found
    assert ("finding.severity", "backend", "CRITICAL", "WARNING") in found
    assert ("finding.gone", "backend", "CRITICAL", "not found") in found
    assert ("hypothesis.rank", "db", "rank 2", "rank 1") in found
    assert document["snapshot"] == STORED.name
    assert document["analysis"]["hypotheses"][0]["id"] == "lock-contention"
    assert {path: path.read_bytes() for path in snapshot.rglob("*") if path.is_file()} == sealed
    assert main(["verify"]) == 0


def test_a_person_reads_every_difference(snapshot, capsys):
    concluded_otherwise(snapshot)
    code, out = analyzed(capsys, "--snapshot", STORED.name, "--no-color")
    assert code == 0
    assert "is not judged any more" in out.out
    assert "by today's rules" in out.out
    assert "of 241 requests failed" in out.out


def test_judged_twice_by_the_same_rules_nothing_differs(snapshot):
    first = reanalyze(open_investigation(snapshot="latest"))
    again = reanalyze(first.case)
    assert again.comparison.differences == ()
    assert again.analysis == first.analysis
    assert "nothing differs" in str(display.reanalyzed(first.case).summary).lower()


def test_when_redaction_fails_nothing_is_printed_and_the_exit_code_is_1(snapshot, capsys):
    Path("workbench.toml").write_text('[redact]\npatterns = ["CRITICAL"]\n')
    code, out = analyzed(capsys, "--json")
    assert (code, out.out) == (1, "")
    assert "redaction failed" in out.err


def test_a_snapshot_that_is_not_there_is_wrong_usage(snapshot, capsys):
    code, out = analyzed(capsys, "--snapshot", "20200101T000000Z")
    assert code == 2
    assert STORED.name in out.err


def test_only_what_was_there_then_counts(snapshot):
    case = open_investigation(snapshot="latest")
    folder, end = case.folder.path, case.window.end
    for name in ("20261123T154340Z", "20261123T154351Z", "20261124T000000Z"):
        (folder / "samples" / name).mkdir(parents=True)
    assert [path.name for path in watches(folder, before=end)] == ["20261123T154340Z"]
    kept = baselines_folder(case.settings) / "normal"
    for name in ("20261122T100000Z", "20261125T100000Z"):
        shutil.copytree(STORED, kept / name)
    assert newest_baseline(case.settings, before=end).id == "20261122T100000Z"
    assert newest_baseline(case.settings).id == "20261125T100000Z"
