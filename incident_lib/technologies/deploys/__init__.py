"""What was deployed, and when."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.deploys import catalogue, findings, probes, readings, rows

TECHNOLOGY = Technology(
    name="deploys",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    novelties=readings.NOVELTIES,
    findings=catalogue.FINDINGS,
    notebook="00_triage",
)
