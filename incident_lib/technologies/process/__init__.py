"""A service that is a plain process."""

from incident_lib.config import Kind
from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.process import (
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
    name="process",
    kind=Kind(name="process", is_deployed=True),
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
    notebook="10_application",
)
