"""The logs of services."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.logs import catalogue, findings, probes, readings, rows, runbook, thresholds

TECHNOLOGY = Technology(
    name="logs",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    novelties=readings.NOVELTIES,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    notebook="10_application",
)
