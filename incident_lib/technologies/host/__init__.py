"""The machine that the workbench runs on."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.host import catalogue, findings, probes
from incident_lib.technologies.host.rows import HostRow

TECHNOLOGY = Technology(
    name="host",
    rows=get_args(HostRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    findings=catalogue.FINDINGS,
    notebook="40_network",
)
