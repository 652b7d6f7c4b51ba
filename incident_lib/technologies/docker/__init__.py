"""The Docker engine and the containers of services."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.docker import actions, catalogue, findings, health, probes, runbook
from incident_lib.technologies.docker.rows import DockerRow

TECHNOLOGY = Technology(
    name="docker",
    rows=get_args(DockerRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    actions=(actions.ACTION,),
    notebook="10_application",
)
