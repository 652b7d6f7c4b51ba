"""What is printed of an analysis."""

import io
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from incident_lib.cli import terminal
from incident_lib.cli.console import console_for
from incident_lib.config import Document, Settings
from incident_lib.investigation.case import Case
from incident_lib.model import EVERYTHING, Analysis, Finding, FindingSeverity, Hypothesis, Window
from incident_lib.model.topology import Topology
from incident_lib.reports.index_page import verdict

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def case_of(count):
    ranked = tuple(
        Hypothesis(id=f"cause-{n}", target="db", rank=n, score=0.5, title=f"Cause {n}", support=())
        for n in range(1, count + 1)
    )
    return Case(
        settings=Settings(document=Document(), root=Path()),
        snapshot="20260115T143105Z",
        path=Path("none"),
        window=Window(AT, AT),
        collected_at=AT,
        evidence=(),
        analysis=Analysis(snapshot="20260115T143105Z", hypotheses=ranked),
        topology=Topology(),
    )


@pytest.mark.parametrize(("verbose", "shown"), [(False, 3), (True, 5)])
def test_the_first_three_hypotheses_are_shown_and_the_rest_when_asked_for(verbose, shown):
    file = io.StringIO()
    terminal.print_analysis(Console(file=file, width=100), case_of(5), verbose=verbose)
    out = file.getvalue()
    assert out.count("Cause ") == shown
    assert ("and 2 more, which -v shows" in out) is not verbose


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_end_is_short_and_can_be_pasted(width):
    file, case = io.StringIO(), case_of(5)
    first, *others = case.analysis.hypotheses
    first = msgspec.structs.replace(
        first, title="Sessions wait " * 12, first_action="Cancel it. " * 20, support=("a.b",)
    )
    seen = Finding(id="a.b", severity=FindingSeverity.CRITICAL, target="db", title="8 wait",
                   evidence=("db/postgres.locks",))  # fmt: skip
    analysis = msgspec.structs.replace(case.analysis, findings=(seen,), hypotheses=(first, *others))
    command = ("declare", "--title", "Sessions wait " * 12, "--severity", "SEV3")
    terminal.print_short(
        Console(file=file, width=width), msgspec.structs.replace(case, analysis=analysis), command
    )
    lines = file.getvalue().strip().splitlines()
    assert len(lines) <= 24
    assert lines[0] == "In short"
    assert [line.split("  ")[0] for line in lines if line[:1].strip()][1:] == [
        "Severity",
        "Top cause",
        "Because",
        "First action",
    ]
    assert "8 wait (db/postgres.locks)" in file.getvalue()
    assert lines[-1].strip().startswith("incident declare --title 'Sessions wait ")
    assert lines[-1].endswith("--severity SEV3")


def test_without_a_hypothesis_the_end_is_the_command_alone():
    file = io.StringIO()
    terminal.print_short(Console(file=file, width=80), case_of(0), ("run",))
    assert file.getvalue().split() == ["incident", "run"]


def test_what_comes_of_no_probe_is_printed_too(capsys):
    found = tuple(
        Finding(id=name, severity=FindingSeverity.WARNING, target="backend", title=title, evidence=())
        for name, title in (
            ("trend.memory", "memory of backend rises"),
            ("baseline.latency", "GET / takes 2 s"),
            ("baseline.errors", "5xx"),
            ("http.health.slow", "told before"),
        )
    )
    case = msgspec.structs.replace(case_of(0), analysis=Analysis(snapshot="x", findings=found))
    terminal.print_derived(console_for(no_color=True), case)
    out = capsys.readouterr().out
    assert "Memory of backend rises" in out
    assert "and 2 differences from the baseline:\n  incident diff baseline\n" in out
    assert "told before" not in out


def test_a_busy_machine_does_not_hide_that_nothing_is_here():
    words = "nothing is configured, and no part of the usual stack runs on this machine"
    findings = tuple(
        Finding(id=name, severity=severity, target=target, title=title)
        for name, severity, target, title in (
            ("host.load.high", FindingSeverity.WARNING, "host", "load is 4.7 for each processor"),
            ("together.nothing", FindingSeverity.UNKNOWN, EVERYTHING, words),
        )
    )
    analysis = Analysis(snapshot="20260115T143105Z", findings=findings)
    file = io.StringIO()
    case = msgspec.structs.replace(case_of(0), analysis=analysis)
    terminal.print_analysis(Console(file=file, width=200), case, verbose=False)
    assert words.capitalize() in file.getvalue()
    assert verdict(analysis).startswith(words.capitalize())
