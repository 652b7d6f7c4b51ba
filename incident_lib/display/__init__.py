"""What notebooks show: one call, one answer. Every function takes the case first."""

from incident_lib.display.answers import (
    show_findings,
    show_hypotheses,
    show_log,
    show_next,
    show_not_assessed,
    show_onset,
    show_scope,
    show_timeline,
    show_verdict,
)
from incident_lib.display.block import Block
from incident_lib.display.drawings import (
    show_connections,
    show_endpoints,
    show_errors,
    show_latency,
    show_levels,
    show_locks,
    show_map,
    show_memory,
    show_phases,
)
from incident_lib.display.tables import Table, show_table

__all__ = [
    "Block",
    "Table",
    "show_connections",
    "show_endpoints",
    "show_errors",
    "show_findings",
    "show_hypotheses",
    "show_latency",
    "show_levels",
    "show_locks",
    "show_log",
    "show_map",
    "show_memory",
    "show_next",
    "show_not_assessed",
    "show_onset",
    "show_phases",
    "show_scope",
    "show_table",
    "show_timeline",
    "show_verdict",
]
