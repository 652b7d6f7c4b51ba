"""Now against normal, in a notebook."""

from incident_lib import clock
from incident_lib.display.block import Block
from incident_lib.investigation.baseline import newest_baseline
from incident_lib.investigation.case import Case, load_case
from incident_lib.investigation.compare import compare
from incident_lib.investigation.setup import thresholds_for
from incident_lib.reports import blocks, differences

_MOST = 40


def against_normal(case: Case) -> Block:
    """Return what differs from the newest baseline, the worst first. Reads the two snapshots alone."""
    baseline = newest_baseline(case.settings)
    if baseline is None:
        text = "There is no baseline, so what is normal is not known. On a healthy day: incident baseline"
        return Block(blocks.note(text), "no baseline")
    normal = load_case(case.settings, baseline.path)
    labels = (baseline.label, "now")
    comparison = compare(normal, case, labels=labels, thresholds=thresholds_for(case.settings))
    told = differences.summary(comparison)
    when = clock.format_time(baseline.collected_at)
    head = blocks.note(f"Against the {baseline.label} of {when}: {told}")
    return Block(head + differences.sections(comparison.differences, most=_MOST), told)
