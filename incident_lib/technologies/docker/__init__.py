"""The Docker engine and the containers of services."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.docker import (
    actions,
    catalogue,
    findings,
    health,
    probes,
    readings,
    rows,
    runbook,
    thresholds,
)

TECHNOLOGY = Technology(
    name="docker",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    novelties=readings.NOVELTIES,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    actions=(actions.ACTION,),
    notebook="10_application",
)
