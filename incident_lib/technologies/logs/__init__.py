"""The logs of services."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.logs import catalogue, findings, probes, runbook
from incident_lib.technologies.logs.rows import LogsRow

TECHNOLOGY = Technology(
    name="logs",
    rows=get_args(LogsRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    findings=catalogue.FINDINGS,
    notebook="10_application",
)
