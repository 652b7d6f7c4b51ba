"""What answers HTTP: services of ours and outside dependencies."""

from incident_lib.config import Kind
from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.http import (
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
    name="http",
    kind=Kind(name="http", url_schemes=("https", "http"), is_deployed=True),
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    answers="http.health",
    notebook="10_application",
)
