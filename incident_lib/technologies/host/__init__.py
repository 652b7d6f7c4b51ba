"""The machine that the workbench runs on."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.host import catalogue, findings, probes, readings, rows, thresholds

TECHNOLOGY = Technology(
    name="host",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    notebook="40_network",
)
