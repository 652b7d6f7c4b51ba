"""What a fault is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from incident_lib.demo.base import Stack
from incident_lib.demo.stack import DemoStack


def _nothing() -> str:
    return ""


StackT = TypeVar("StackT", bound=Stack)


@dataclass(frozen=True, kw_only=True)
class FaultOf(Generic[StackT]):
    """One way to break a stack for real, and to mend it.

    `hypothesis` is the id that a diagnosis should put first, which is the fault's own name unless given, and
    `target` the service it should blame. `settle_seconds` is how long users must be at work before the fault
    shows; what only time shows is sampled for `watch_seconds` before it is judged.
    `why_not` says why it cannot be played on this machine, "" where it can. The test suite plays those that
    are `in_suite`; `make accuracy` plays all.
    """

    name: str
    title: str
    target: str
    settle_seconds: float
    break_stack: Callable[[StackT], None]
    mend_stack: Callable[[StackT], None]
    hypothesis: str = ""
    in_suite: bool = False
    watch_seconds: float = 0.0
    why_not: Callable[[], str] = _nothing

    def __post_init__(self) -> None:
        if not self.hypothesis:
            object.__setattr__(self, "hypothesis", self.name)

    def inject(self, stack: StackT) -> None:
        """Break the stack. Needs: a running stack; users are brought in if there are none."""
        stack.drive(0)
        self.break_stack(stack)

    def undo(self, stack: StackT) -> None:
        """Mend the stack and wait until it is ready. Errors: WorkbenchError when it does not become so."""
        self.mend_stack(stack)
        stack.wait_until_ready()


@dataclass(frozen=True, kw_only=True)
class Fault(FaultOf[DemoStack]):
    """A fault of the stack of plain processes."""
