"""The faults that the stack can be broken with, by name."""

from incident_lib.demo.faults import (
    application,
    cache,
    cache_server,
    cold_cache,
    copies,
    database,
    machine,
    outside,
    plans,
    processes,
    provider,
    sessions,
    upkeep,
)
from incident_lib.demo.faults.base import Fault

__all__ = ["FAULTS", "Fault"]

_THEMES = (
    application,
    processes,
    database,
    sessions,
    plans,
    upkeep,
    copies,
    cache,
    cache_server,
    cold_cache,
    outside,
    provider,
    machine,
)

FAULTS: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}
