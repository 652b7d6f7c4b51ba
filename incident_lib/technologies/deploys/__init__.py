"""What was deployed, and when."""

from incident_lib.technologies import Technology
from incident_lib.technologies.deploys import findings, probes
from incident_lib.technologies.deploys.rows import DeploysRow

TECHNOLOGY = Technology(
    name="deploys",
    rows=(DeploysRow,),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    notebook="00_triage",
)
