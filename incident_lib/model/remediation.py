"""Changes to a target: what is planned, on which world it stands, and what came of it."""

from datetime import datetime
from enum import StrEnum

import msgspec

PLANS = "mitigations"  # the folder in an incident's folder


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a change touches: what, and how much of it where that can be counted."""

    what: str  # "sessions that wait behind it", "keys"
    count: int | None = None  # None where it was not counted
    unit: str = ""  # "B" for bytes; empty for things
    detail: str = ""  # their names


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What a number of the world may have become meanwhile, both ends included."""

    least: int = 0
    most: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One change, before anybody approved it. It holds no secret, and `id` is the hash of all the rest."""

    id: str = ""
    incident: str
    action: str
    target: str
    title: str
    created_at: datetime
    expires_at: datetime
    arguments: dict[str, str] = {}
    commands: tuple[str, ...] = ()  # exactly what will be sent or run; empty for a checklist
    affected: tuple[Affected, ...] = ()
    risks: tuple[str, ...] = ()
    undo: str = ""
    steps: tuple[str, ...] = ()  # of a checklist, which a person does and the workbench does not
    world: dict[str, str] = {}  # must still be so when it is executed
    bounds: dict[str, Bound] = {}  # numbers that must still be within these

    @property
    def is_executable(self) -> bool:
        """Whether the workbench can carry it out; a checklist is for people."""
        return bool(self.commands)


class OutcomeStatus(StrEnum):
    """How a change ended. Only VERIFIED says that it worked."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"  # carried out, and the target does not show it
    PARTIAL = "partial"  # carried out in part
    FAILED = "failed"  # nothing was changed, as far as can be known
    INTERRUPTED = "interrupted"  # the outcome is unknown


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an approved plan."""

    plan: str
    action: str
    target: str
    status: OutcomeStatus
    began_at: datetime
    ended_at: datetime
    done: str  # what was really done, with numbers
    evidence: tuple[str, ...] = ()  # what was seen afterwards, each with its source
    next_step: str = ""
