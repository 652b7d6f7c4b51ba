"""Names, ports and TLS, seen from here and from inside of containers."""

from incident_lib.model.rows import rows_of
from incident_lib.technologies import Technology
from incident_lib.technologies.network import (
    catalogue,
    findings,
    health,
    probes,
    readings,
    rows,
    runbook,
    thresholds,
)
from incident_lib.technologies.network.findings.tls import analyze_certificate_change

TECHNOLOGY = Technology(
    name="network",
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    changes={"network.tls": analyze_certificate_change},
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    notebook="40_network",
)
