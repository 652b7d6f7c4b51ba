"""The faults that the stack can be broken with, by name."""

from incident_lib.demo.faults import backend, cache, database, machine, payments
from incident_lib.demo.faults.base import Fault

__all__ = ["FAULTS", "Fault"]

_THEMES = (backend, database, cache, payments, machine)

FAULTS: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}
