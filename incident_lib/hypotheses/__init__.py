"""Findings -> ranked hypotheses: pure."""

from incident_lib.hypotheses.patterns import Pattern, parse_patterns
from incident_lib.hypotheses.ranking import rank
from incident_lib.hypotheses.support import findings_named

__all__ = ["Pattern", "findings_named", "parse_patterns", "rank"]
