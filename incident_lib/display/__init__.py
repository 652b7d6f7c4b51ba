"""What notebooks show: `from incident_lib import display as show`, then `show.findings(case)`."""

from incident_lib.display.answers import (
    attachments,
    findings,
    hypotheses,
    log,
    next_steps,
    not_assessed,
    onset,
    scope,
    severity,
    timeline,
    verdict,
)
from incident_lib.display.block import Block
from incident_lib.display.differences import against_normal, reanalyzed, resources, trends
from incident_lib.display.drawings import (
    connections,
    dependencies,
    endpoints,
    errors,
    latency,
    levels,
    locks,
    memory,
    phases,
)
from incident_lib.display.interactive import collect_again, explore
from incident_lib.display.tables import Table, custom, probes, states, table

__all__ = [
    "Block",
    "Table",
    "against_normal",
    "attachments",
    "collect_again",
    "connections",
    "custom",
    "dependencies",
    "endpoints",
    "errors",
    "explore",
    "findings",
    "hypotheses",
    "latency",
    "levels",
    "locks",
    "log",
    "memory",
    "next_steps",
    "not_assessed",
    "onset",
    "own",
    "phases",
    "probes",
    "reanalyzed",
    "resources",
    "scope",
    "several",
    "severity",
    "states",
    "table",
    "timeline",
    "trends",
    "verdict",
]

# Names of earlier versions: notebooks that people changed in an incident's folder still use them.
own, several = custom, probes
