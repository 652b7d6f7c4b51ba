"""The logs of services."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.logs import catalogue, findings, probes, rows, runbook

TECHNOLOGY = Technology(
    name="logs",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    findings=catalogue.FINDINGS,
    notebook="10_application",
)
