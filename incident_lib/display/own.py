"""What the team's own probes say: those of workbench.toml and of packages that add some."""

from incident_lib.display.grid import plain
from incident_lib.display.tables import Table, cut, problem, sources
from incident_lib.investigation.case import Case
from incident_lib.model import Evidence
from incident_lib.model.rows import Measurement
from incident_lib.reports import blocks
from incident_lib.technologies import table
from incident_lib.units import format_count

_HEADS = ("target", "probe", "number", "unit", "labels")
_NONE = "The team has no probes of its own; [[probe]] in workbench.toml adds one."


def own(case: Case) -> Table:
    """Return findings and numbers of the probes that are not the workbench's, or why there are none."""
    evidence = [one for one in case.evidence if table().of_probe(one.probe) is None]
    if not evidence:
        return Table(blocks.note(_NONE), "no probe of the team's own", ())
    asked = {one.ref for one in evidence}
    found = [one for one in case.analysis.findings if asked & set(one.evidence)]
    rows = [line for one in evidence for line in _lines(one)]
    told = {ref for finding in found for ref in finding.evidence}
    html = [blocks.findings(found), *(problem(one) for one in evidence if one.ref not in told)]
    html += [plain(_HEADS, rows)] if rows else []
    html += [*(cut(one) for one in evidence), sources(evidence)]
    records = [(one.target, row) for one in evidence for row in one.rows]
    summary = f"{format_count(len(evidence), 'probe')}, {format_count(len(records), 'record')}"
    return Table("".join(html), summary, records)


def _lines(one: Evidence) -> list[tuple[str | float | None, ...]]:
    return [
        (
            one.target,
            row.name,
            row.value,
            row.unit,
            ", ".join(f"{name} {label}" for name, label in row.labels.items()),
        )
        for row in one.of(Measurement)
    ]
