"""The demo stack: a small shop on real servers, and faults that break it for real.

Needs: the `demo` extra. The names are resolved lazily, because the application runs from this package
in containers that hold nothing but its own libraries.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incident_lib.demo.faults import FAULTS as FAULTS
    from incident_lib.demo.faults import Fault as Fault
    from incident_lib.demo.stack import DemoStack as DemoStack

__all__ = ["FAULTS", "DemoStack", "Fault"]

_HOME = {
    "FAULTS": "incident_lib.demo.faults",
    "DemoStack": "incident_lib.demo.stack",
    "Fault": "incident_lib.demo.faults",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
