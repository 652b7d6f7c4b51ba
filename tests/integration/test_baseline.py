"""Now against normal, and trends, on the demo stack: what a fault changed is named."""

import json
import shutil
import time
from collections.abc import Iterator

import pytest

from incident_lib import config
from incident_lib.correlation.baseline import compare_findings
from incident_lib.correlation.trend import trend_findings
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.findings.base import Context
from incident_lib.incident import folder as folders
from incident_lib.incident import manifest
from incident_lib.incident.samples import load_samples, watches
from incident_lib.investigation.baseline import all_baselines, baseline_evidence
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.new_baseline import take_baseline
from incident_lib.investigation.setup import redactor_for, thresholds_for
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.investigation.trend import watch_trend
from incident_lib.model import Finding, FindingSeverity, IncidentSeverity
from incident_lib.technologies import comparers
from tests import command

HEALTHY_SECONDS = 6.0

pytestmark = pytest.mark.slow


def incident(*words: str) -> int:
    """Return the exit code of a command of this group."""
    return command.run(*words)


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    """A healthy stack whose normal was kept; by force, as the machine may be busy with other tests."""
    with DemoStack() as running:
        running.drive(HEALTHY_SECONDS)
        taken = take_baseline(config.load(str(running.config)), Watch(), force=True)
        assert [one.title for one in taken.against if one.severity is FindingSeverity.CRITICAL] == []
        yield running


def snapshot(stack: DemoStack, since: str) -> Case:
    settings = config.load(str(stack.config))
    return take_snapshot(settings, stack.directory / "snapshots", since, Watch())


def against_normal(case: Case) -> list[Finding]:
    context = Context(window=case.window, thresholds=thresholds_for(case.settings))
    return list(compare_findings(case.evidence, baseline_evidence(case.settings), context, comparers()))


def broken(stack: DemoStack, name: str) -> Case:
    """Return what is seen while a fault is at work."""
    fault = FAULTS[name]
    fault.inject(stack)
    try:
        stack.drive(fault.settle_seconds)
        return snapshot(stack, f"{fault.settle_seconds:.0f}s")
    finally:
        fault.undo(stack)


def test_a_healthy_stack_is_as_its_baseline(stack):
    stack.drive(HEALTHY_SECONDS)
    found = against_normal(snapshot(stack, f"{HEALTHY_SECONDS:.0f}s"))
    bad = [f"{each.target}:{each.id} {each.detail}" for each in found if each.severity.is_bad]
    # On a machine that is busy with other tests, everything takes longer than it did, truly.
    assert [each for each in bad if ":baseline.latency" not in each] == []
    assert {one.target for one in found if one.id == "baseline.ok"} >= {"db", "cache"}


def test_a_slow_dependency_is_reported_by_its_latency(stack, capsys, tmp_path):
    case = broken(stack, "slow-dependency")
    named = {(one.target, one.id): one.title for one in against_normal(case) if one.severity.is_bad}
    assert named["payments", "baseline.latency"].startswith(("GET /health takes 4 s", "GET /health takes 4."))
    page = tmp_path / "diff.html"
    words = ("diff", "baseline", str(case.path), "--html", str(page))
    assert incident("--config", str(stack.config), "--json", *words) == 0
    answer = json.loads(capsys.readouterr().out)
    worst = [one for one in answer["differences"] if one["severity"] in {"CRITICAL", "WARNING"}]
    assert answer["differences"][: len(worst)] == worst
    slow = next(one for one in worst if (one["target"], one["id"]) == ("payments", "baseline.latency"))
    assert slow["now"] > 10 * slow["before"]
    assert slow["evidence_now"] == ["payments/http.health"]
    assert any(one["id"] == "hypothesis.rank" and one["target"] == "payments" for one in worst)
    assert "compared with baseline normal" in page.read_text(encoding="utf-8")
    assert incident("--config", str(stack.config), "--no-color", *words) == 0
    assert "worse" in capsys.readouterr().out


def test_a_bad_deploy_is_reported_by_its_version_and_its_new_error(stack):
    named = {(one.target, one.id): one for one in against_normal(broken(stack, "bad-deploy"))}
    version = named["deploys", "baseline.version"]
    assert version.data["before"] != version.data["now"]
    assert "backend" in version.title
    assert named["backend", "baseline.exceptions"].severity.is_bad
    assert named["backend", "baseline.errors"].severity.is_bad


def test_a_sick_day_is_not_kept_as_normal_unless_somebody_insists(stack, capsys):
    arguments = ("--config", str(stack.config))
    before = all_baselines(config.load(str(stack.config)))
    fault = FAULTS["dependency-down"]
    fault.inject(stack)
    try:
        assert incident(*arguments, "baseline", "--since", "5s") == 1
        assert "The baseline is not kept" in capsys.readouterr().out
        assert incident(*arguments, "--json", "baseline", "--since", "5s") == 1
        answer = json.loads(capsys.readouterr().out)
        assert answer["baseline"] is None
        assert "payments" in {one["target"] for one in answer["against"]}
        assert all_baselines(config.load(str(stack.config))) == before
        assert incident(*arguments, "baseline", "--since", "5s", "--name", "sick", "--force") == 0
    finally:
        fault.undo(stack)
    kept = all_baselines(config.load(str(stack.config)))[-1]
    assert (kept.name, kept.intact) == ("sick", True)
    capsys.readouterr()
    assert incident(*arguments, "--json", "baseline", "--list") == 0
    listed = json.loads(capsys.readouterr().out)["baselines"]
    assert [one["name"] for one in listed] == ["normal", "sick"]
    shutil.rmtree(kept.path)


def test_a_leak_is_reported_with_the_time_to_the_limit(stack):
    settings = config.load(str(stack.config))
    declaration = folders.Declaration(
        title="Memory", severity=IncidentSeverity.SEV3, started_at=all_baselines(settings)[0].collected_at
    )
    folder = folders.declare(settings.incidents, declaration, redactor_for(settings))
    fault = FAULTS["memory-growth"]
    fault.inject(stack)
    try:
        time.sleep(2.0)
        samples = watch_trend(settings, folder, every_seconds=2.0, for_seconds=24.0)
    finally:
        fault.undo(stack)
    (path,) = watches(folder.path)
    assert load_samples(path) == samples
    assert manifest.differences(path) == []
    found = {(one.target, one.id): one for one in trend_findings(samples, thresholds_for(settings))}
    leak = found["backend", "trend.memory"]
    assert leak.severity.is_bad, leak
    limit = leak.data["limit_seconds"]
    assert isinstance(limit, float)
    assert 0 <= limit < 4 * 3600
    assert "will reach its limit in" in leak.title
    assert ("db", "trend.connections") not in found
