"""A service that is a plain process."""

from typing import get_args

from incident_lib.config import Kind
from incident_lib.technologies import Technology
from incident_lib.technologies.process import catalogue, findings, health, probes, runbook
from incident_lib.technologies.process.rows import ProcessRow

TECHNOLOGY = Technology(
    name="process",
    kind=Kind(name="process", is_deployed=True),
    rows=get_args(ProcessRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    notebook="10_application",
)
