"""What was deployed, and when."""

from incident_lib.technologies import Technology
from incident_lib.technologies.deploys import catalogue, findings, probes
from incident_lib.technologies.deploys.rows import DeploysRow

TECHNOLOGY = Technology(
    name="deploys",
    rows=(DeploysRow,),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    findings=catalogue.FINDINGS,
    notebook="00_triage",
)
