"""Frozen records that every layer shares. Nothing here reads a clock, a file or a socket."""

from incident_lib.errors import ProblemKind
from incident_lib.model.evidence import Attachment, Evidence, EvidenceStatus, Problem, Truncation
from incident_lib.model.finding import (
    EVERYTHING,
    Analysis,
    Finding,
    FindingSeverity,
    Holds,
    Hypothesis,
    NotAssessed,
    ProposedAction,
)
from incident_lib.model.incident import Event, EventKind, Incident, IncidentSeverity, IncidentStatus
from incident_lib.model.rows import Measurement, Row
from incident_lib.model.window import Window

__all__ = [
    "EVERYTHING",
    "Analysis",
    "Attachment",
    "Event",
    "EventKind",
    "Evidence",
    "EvidenceStatus",
    "Finding",
    "FindingSeverity",
    "Holds",
    "Hypothesis",
    "Incident",
    "IncidentSeverity",
    "IncidentStatus",
    "Measurement",
    "NotAssessed",
    "Problem",
    "ProblemKind",
    "ProposedAction",
    "Row",
    "Truncation",
    "Window",
]
