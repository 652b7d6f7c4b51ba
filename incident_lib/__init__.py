"""Evidence, diagnosis and coordination for engineers on call."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incident_lib.config import Settings, load
    from incident_lib.errors import ConfigError, FolderError, UsageError, WorkbenchError
    from incident_lib.investigation.case import Case
    from incident_lib.investigation.reanalyze import Reanalysis, reanalyze
    from incident_lib.investigation.review import Review
    from incident_lib.model import Evidence, Finding, Hypothesis, Incident
    from incident_lib.response.notebooks import open_investigation, open_review

__all__ = [
    "Case",
    "ConfigError",
    "Evidence",
    "Finding",
    "FolderError",
    "Hypothesis",
    "Incident",
    "Reanalysis",
    "Review",
    "Settings",
    "UsageError",
    "WorkbenchError",
    "load",
    "open_investigation",
    "open_review",
    "reanalyze",
]

_HOMES = {
    "Case": "investigation.case",
    "ConfigError": "errors",
    "Evidence": "model",
    "Finding": "model",
    "FolderError": "errors",
    "Hypothesis": "model",
    "Incident": "model",
    "Reanalysis": "investigation.reanalyze",
    "Review": "investigation.review",
    "Settings": "config",
    "UsageError": "errors",
    "WorkbenchError": "errors",
    "load": "config",
    "open_investigation": "response.notebooks",
    "open_review": "response.notebooks",
    "reanalyze": "investigation.reanalyze",
}


def __dir__() -> list[str]:
    """Return the public names, for Tab completion: they are not imported yet."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that importing the package is free."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
