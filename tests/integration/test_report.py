"""`incident report` as scripts call it: files, keys, exit codes."""

import json

import pytest

from incident_lib.errors import UsageError
from tests import command


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = command.run("report", *words)
        return code, capsys.readouterr()

    return call


BASIC = ("--title", "Checkout 503s / since 14:31", "--severity", "p2", "--start-time", "2026-01-15T14:31:00Z")


def test_both_files_are_written_and_told(run, tmp_path):
    code, said = run(*BASIC, "--end-time", "2026-01-15T16:46:00+01:00", "--services-affected", "a", "b")
    assert code == 0
    stem = "incident-reports/incident-20260115-checkout-503s-since-14-31"
    assert f"  Markdown: {stem}.md" in said.out
    data = json.loads((tmp_path / f"{stem}.json").read_text())
    assert data["files"] == {"markdown": f"{stem}.md", "json": f"{stem}.json"}
    assert data["duration"] == "1h 15m"
    assert data["services_affected"] == ["a", "b"]
    assert data["severity"] == "SEV2"
    assert "# Incident Report: Checkout 503s / since 14:31" in (tmp_path / f"{stem}.md").read_text()


def test_a_time_without_a_zone_is_utc_and_that_is_said(run):
    code, said = run(*BASIC, "--end-time", "2026-01-15T15:16:00")
    assert code == 0
    assert "no zone: taken as UTC" in said.err
    assert "Duration: 45m 0s" in said.out


def test_an_end_before_the_start_is_wrong_usage(run, tmp_path):
    with pytest.raises(UsageError, match="before"):
        run(*BASIC, "--end-time", "2026-01-15T14:00:00")
    assert not list(tmp_path.rglob("*.md"))


def test_a_second_report_keeps_what_a_person_wrote(run, tmp_path):
    run(*BASIC)
    path = next(tmp_path.rglob("*.md"))
    path.write_text(path.read_text().replace("_What do we want to do again?_", "Paging was quick."))
    run(*BASIC, "--end-time", "2026-01-15T15:16:00Z")
    text = path.read_text()
    assert "Paging was quick." in text
    assert "| **Duration** | 45m 0s |" in text


def test_a_title_of_nothing_but_signs_still_makes_a_file(run, tmp_path):
    run("--title", "../..", "--severity", "SEV1", "--start-time", "2026-01-15T14:31Z")
    assert [path.name for path in tmp_path.rglob("*.json")] == ["incident-20260115-incident.json"]
