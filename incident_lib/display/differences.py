"""Now against normal, and what rises over time, in a notebook."""

from collections.abc import Iterator
from typing import Any

from incident_lib import clock
from incident_lib.correlation.trend import followed, trend_findings
from incident_lib.display.block import Block
from incident_lib.display.drawings import chart_html, memory
from incident_lib.findings.thresholds import Thresholds
from incident_lib.findings.trend import latest_life, steady_rise
from incident_lib.incident.samples import load_samples, watches
from incident_lib.investigation.baseline import newest_baseline
from incident_lib.investigation.case import Case, load_case
from incident_lib.investigation.compare import compare
from incident_lib.investigation.reanalyze import reanalyze
from incident_lib.investigation.setup import thresholds_for
from incident_lib.model.sample import Sample
from incident_lib.plots.trends import plot_trend
from incident_lib.reports import blocks, differences
from incident_lib.units import format_count

_MOST = 40


def against_normal(case: Case) -> Block:
    """Return what is measured differently than in the newest baseline. Reads the two snapshots only."""
    baseline = newest_baseline(case.settings)
    if baseline is None:
        html = blocks.note("There is no baseline, so normal values are unknown.")
        line = case.commands.line("baseline")
        return Block(html + blocks.command("On a healthy day:", line), "no baseline")
    normal = load_case(case.settings, baseline.path)
    labels = (baseline.label, "now")
    comparison = compare(normal, case, labels=labels, thresholds=thresholds_for(case.settings))
    measured = differences.measured(comparison.differences)
    summary = differences.summary(measured)
    when = clock.format_time(baseline.collected_at)
    head = blocks.note(f"Compared with the {baseline.label} of {when}: {summary}")
    return Block(head + differences.sections(measured, most=_MOST), summary)


def reanalyzed(case: Case) -> Block:
    """Return what today's rules conclude otherwise than was concluded then. Reads the folder alone."""
    found = reanalyze(case).comparison.differences
    summary = differences.summary(found)
    return Block(blocks.note(summary) + differences.sections(found, most=_MOST), summary)


def resources(case: Case) -> Block:
    """Return memory in use against the limits, and what rises over the newest watch of the incident."""
    used, rising = memory(case), trends(case)
    return Block(used.html + rising.html, f"{used.summary}; {rising.summary}", (*used.axes, *rising.axes))


def trends(case: Case) -> Block:
    """Return what rises over the newest watch of the incident: findings, and each rising number drawn."""
    known = watches(case.folder.path) if case.folder else ()
    if not known:
        html = blocks.note("No samples were taken over time.")
        line = case.commands.line("run", "--watch", "30s", "--for", "10m")
        return Block(html + blocks.command("For trends:", line), "no samples")
    samples, thresholds = load_samples(known[-1]), thresholds_for(case.settings)
    found = tuple(trend_findings(samples, thresholds))
    made = list(_plots(samples, thresholds))
    axes = [each for each in made if not isinstance(each, str)]
    html = blocks.findings(found) + "".join(map(chart_html, made))
    return Block(html, format_count(len(samples), "sample"), axes)


def _plots(samples: tuple[Sample, ...], thresholds: Thresholds) -> Iterator[Any]:
    """Yield a chart of each number that rises steadily."""
    for series in map(latest_life, followed(samples)):
        if line := steady_rise(series, thresholds):
            yield plot_trend(series, rise=(line.begins, line.ends))
