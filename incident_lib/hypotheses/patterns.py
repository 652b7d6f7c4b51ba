"""Patterns as data: which findings speak for a cause, which against, and what to do about it."""

import tomllib
from typing import Literal

import msgspec

from incident_lib.errors import ConfigError
from incident_lib.model.notebooks import InBatch, names
from incident_lib.model.renamed import current_id


class ActionItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A follow-up that a cause asks for, as a proposal: a person gives it an owner."""

    text: str  # begins with a verb; {target} and the other names of the title are filled in
    category: Literal["prevent", "detect", "mitigate", "process"]
    priority: Literal["P1", "P2", "P3"]


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cause that incidents have, as data.

    A clue is a finding id, or a glob of ids, seen from the blamed target: `postgres.locks.blocked` on
    the target itself, `outside:...` on it if it is an outside dependency, `users:...` on anything that
    needs it, `needs:...` on anything it needs, `any:...` anywhere. Where a log line names an address,
    `named:...` is a line of a user about the target, `unnamed:...` a line of the target about nothing that
    is configured. An id named in full may be of any severity but UNKNOWN; a glob means WARNING and CRITICAL.

    What only lines of a log stand for may be denied by a measurement: `denied_by` are clues to those that do,
    but for the lines in `not_denied`, and `undenied` says why there are none. A denied cause weighs less, and
    reads as its `denied_` texts say.

    A pattern with `unlisted` is also held against what logs such a cause and needs no configured target of
    these kinds; `unlisted` names the target then.
    """

    id: str
    title: str  # {target} and the data of the first matching finding are filled in
    titles: dict[str, str] = {}  # another title where the first finding has that id
    kinds: tuple[str, ...]  # of targets that it can blame
    unlisted: str = ""  # "the database of {user}": what {target} reads where only a log knows of it
    when: tuple[str, ...]  # at least one must be there
    hints: tuple[str, ...] = ()  # or one of these, which say less
    also: tuple[str, ...] = ()  # at least one of these too, if any are named
    # What it causes (`also`, `support`, its symptoms) began before `when` did, or so much later at most,
    # where both have a time.
    within_seconds: int = 0
    lasts_to: tuple[str, ...] = ()  # clues to the end of what `when` began: the seconds count from there
    ends_with: tuple[str, ...] = ()  # of `also`: what goes on long after `when` came is not its effect
    # Changes that explain what `when` rests on, where that did not go on long after them.
    passes_with: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()  # refuting: one is enough
    support: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    certain: tuple[str, ...] = ()  # of `when`: nothing in `against` weakens what rests on one of them
    denied_by: tuple[str, ...] = ()
    not_denied: tuple[str, ...] = ()
    undenied: str = ""
    denied_title: str = ""
    denied_check: str = ""
    denied_action: str = ""
    follows: tuple[str, ...] = ()  # changes of the target; one minutes before the onset supports it
    must_follow: bool = False
    base: float  # how specific the required clues are, 0 to 1
    # Ids of its symptoms; `beside:ID` at a target that shares a user with it, `alone:ID` only where it is no
    # symptom itself.
    explains: tuple[str, ...] = ()
    # Further symptoms of it where the finding of that id is what it rests on.
    explains_by: dict[str, tuple[str, ...]] = {}
    is_symptom: bool = False  # gives way when something that the target needs is to blame
    is_last: bool = False  # it rests only on findings that no other cause rests on
    is_quiet: bool = False  # users do not feel it yet: what needs the target does not fail of it
    next_check: str
    next_checks: dict[str, str] = {}  # another one where the first finding has that id
    first_action: str
    first_actions: dict[str, str] = {}  # and another action
    mitigation: str = ""  # the action that carries out `first_action`: a runbook proposes it
    notebook: str  # of those that every batch runs
    whys: tuple[str, ...] = ()  # questions that begin the five whys
    action_items: tuple[ActionItem, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a notebook that no batch runs. Errors: ValueError, which the decoder gives its place."""
        if self.notebook not in (known := names(InBatch.ALWAYS)):
            raise ValueError(f"`notebook` of {self.id!r} is {self.notebook!r}; there are: {', '.join(known)}")

    def without_target(self) -> "Pattern":
        """Return the pattern as held against what logs the cause, where no target of its kinds is known.

        What users log about the target is seen at that user itself; nothing else of it can be seen.
        """
        clues = {
            field: tuple(clue[len(_USERS) :] for clue in getattr(self, field) if clue.startswith(_USERS))
            for field in ("also", "support")
        }
        lines = tuple(
            clue[len(_USERS) :]
            for clue in (*self.when, *self.hints)
            if clue.startswith(f"{_USERS}logs.lines.class.")
        )
        denials = tuple(clue for clue in self.denied_by if clue.startswith("any:"))
        return msgspec.structs.replace(
            self,
            when=(),
            hints=lines,
            unless=(),
            against=(),
            denied_by=denials,
            follows=(),
            must_follow=False,
            **clues,
        )

    def in_current_names(self) -> tuple["Pattern", dict[str, str]]:
        """Return the pattern with the finding ids of today, and those that it named by an earlier name."""
        clues = {field: tuple(map(_current_clue, getattr(self, field))) for field in CLUES}
        texts = {
            field: {current_id(name): text for name, text in getattr(self, field).items()}
            for field in ("titles", "next_checks", "first_actions")
        }
        explains_by = {current_id(name): symptoms for name, symptoms in self.explains_by.items()}
        before = [
            *(clue for field in CLUES for clue in getattr(self, field)),
            *self.titles,
            *self.next_checks,
            *self.first_actions,
            *self.explains_by,
        ]
        renamed = {name: _current_clue(name) for name in before if _current_clue(name) != name}
        return msgspec.structs.replace(self, **clues, **texts, explains_by=explains_by), renamed


_USERS = "users:"
# The fields of a pattern that hold clues.
CLUES = (
    "when", "hints", "also", "lasts_to", "unless", "support", "against", "certain", "denied_by",
    "not_denied", "follows",
)  # fmt: skip


def _current_clue(clue: str) -> str:
    relation, colon, name = clue.rpartition(":")
    return f"{relation}{colon}{current_id(name)}"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pattern: tuple[Pattern, ...]


def parse_patterns(text: str, name: str) -> tuple[Pattern, ...]:
    """Return the patterns of a TOML text. Errors: ConfigError naming the file and the key."""
    try:
        return msgspec.convert(tomllib.loads(text), _File).pattern
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{name}: {error}") from error
