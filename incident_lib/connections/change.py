"""What an action is: propose, carry out, verify. Each is a function; technologies list theirs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import config
from incident_lib.config import Service, Settings
from incident_lib.errors import UsageError
from incident_lib.model.commands import Commands
from incident_lib.model.remediation import Affected, Bound


class RefusedError(UsageError):
    """Why a change is not planned or not carried out, and what to do instead. Nothing was changed."""


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may be said of an action: `--arg NAME=VALUE`."""

    name: str
    help: str
    default: str | None = None  # None: it must be given

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{self.name}={'...' if self.default is None else self.default}"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    settings: Settings
    target: str
    arguments: dict[str, str] = {}
    incident: Path | None = None  # its folder

    @property
    def commands(self) -> Commands:
        """What commands carry that come next."""
        return self.settings.commands(self.incident)

    @property
    def service(self) -> Service:
        """The service that is the target. Errors: UsageError naming those there are."""
        return self.settings.service(self.target)

    def number(self, name: str, *, least: int, most: int) -> int:
        """Return an argument that is a whole number. Errors: RefusedError with the bounds."""
        text = self.arguments[name]
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise RefusedError(f"{name}={text} is not a whole number from {least} to {most}")
        return int(text)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What an action would do to the world as it is now. `private`, for carrying it out, stays in memory."""

    commands: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()
    risks: tuple[str, ...] = ()
    undo: str = ""
    steps: tuple[str, ...] = ()
    world: dict[str, str] = {}
    numbers: dict[str, int] = {}  # as they are now
    bounds: dict[str, Bound] = {}  # as they may be when it is carried out
    private: Any = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was really changed. `left` says what was not, when that is so."""

    text: str
    left: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the target shows afterwards."""

    is_verified: bool
    evidence: tuple[str, ...]
    next_step: str = ""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of change. `carry_out` and `verify` are None for a checklist."""

    id: str  # "postgres.terminate": what findings propose and people type
    title: str
    targets: str  # what it may be aimed at, for people
    # Its page in the documentation: what it does, how to take it back, when it helps nothing or harms.
    does: str = ""
    undo: str = ""
    not_when: tuple[str, ...] = ()
    propose: Callable[[Request], Proposal]
    carry_out: Callable[[Request, Proposal], Done] | None = None
    verify: Callable[[Request, Proposal], Verdict] | None = None
    arguments: tuple[Argument, ...] = ()
    # Whether this configuration says how it is done to that target: what cannot be done is not proposed.
    is_configured: Callable[[Settings, str], bool] = lambda _settings, _target: True

    def complete(self, given: dict[str, str]) -> dict[str, str]:
        """Return all arguments, defaults filled in. Errors: RefusedError for unknown and missing ones."""
        known = {argument.name: argument for argument in self.arguments}
        for name in given:
            if name not in known:
                has = ", ".join(known) or "none"
                raise RefusedError(
                    f"{self.id} has no argument {name!r}{config.nearest(name, known)}; it has: {has}"
                )
        for argument in self.arguments:
            if argument.default is None and not given.get(argument.name, "").strip():
                raise RefusedError(
                    f"{self.id} needs {argument.name}: {argument.help}; add --arg {argument.name}=..."
                )
        return {name: given.get(name, argument.default or "") for name, argument in known.items()}
