"""What a fault of the stack on Docker is, and one constructor for each target to blame."""

from dataclasses import dataclass, field
from functools import partial

from incident_lib.demo.container_roles import Options
from incident_lib.demo.containers import ContainerStack
from incident_lib.demo.faults.base import FaultOf


@dataclass(frozen=True, kw_only=True)
class ContainerFault(FaultOf[ContainerStack]):
    """A fault of the stack on Docker; `options` say which stack can be broken by it."""

    options: Options = field(default_factory=Options)


backend_fault = partial(ContainerFault, target="backend")
db_fault = partial(ContainerFault, target="db")
cache_fault = partial(ContainerFault, target="cache")
payments_fault = partial(ContainerFault, target="payments")
