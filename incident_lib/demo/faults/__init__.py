"""The faults that the stack can be broken with, by name."""

from incident_lib.demo.faults import application, cache, database, outside
from incident_lib.demo.faults.base import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*application.FAULTS, *database.FAULTS, *cache.FAULTS, *outside.FAULTS)
}
