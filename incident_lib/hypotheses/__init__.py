"""Findings -> ranked hypotheses: pure."""

from incident_lib.hypotheses.patterns import Pattern, parse_patterns
from incident_lib.hypotheses.ranking import rank

__all__ = ["Pattern", "parse_patterns", "rank"]
