"""The exception tree, and the kinds of problem that a target can have.

    WorkbenchError            anything that the workbench raises on purpose
    ├── UsageError            a wrong call: exit code 2
    │   ├── ConfigError       a wrong configuration file
    │   └── RefusedError      a change that is not planned or not executed (connections/change.py)
    ├── RedactionError        redaction failed, so nothing was written
    ├── FolderError           an incident folder that cannot be read or written
    ├── TargetError           a target that could not be seen
    └── NotebookFailedError   a notebook that did not run to its end (run/engine.py)

A sick target is data (`TargetError` becomes Evidence); a wrong call is an exception that reaches the user.
"""

from collections.abc import Mapping
from enum import StrEnum


class ProblemKind(StrEnum):
    """Why a probe could not see, or not see all. The value is part of finding ids."""

    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    NAME_NOT_RESOLVED = "name_not_resolved"
    TLS = "tls"
    DENIED = "denied"  # a login of ours was refused
    FULL = "full"  # too many clients
    STARTING = "starting"  # starting up, shutting down, loading
    BUSY = "busy"  # alive, but refuses every command for now
    NOT_FOUND = "not_found"  # no such database, container, file
    PROTOCOL = "protocol"  # an answer that makes no sense
    WRONG_PEER = "wrong_peer"  # something else answers there, and it is known what
    PRIVILEGE = "privilege"  # logged in, but not allowed to read
    UNSUPPORTED = "unsupported"  # version, extension, tool that is not there
    TOO_LARGE = "too_large"  # an answer past our limit of bytes: what it holds is not known
    NOT_CALLED = "not_called"  # a name leads where no request of ours may go
    NO_ENGINE = "no_engine"  # no Docker socket, or no right to use it
    NOT_CONFIGURED = "not_configured"  # a secret that is not set, no address known
    SKIPPED = "skipped"  # not tried, because something before it failed
    DEADLINE = "deadline"  # the deadline of the run came first
    BUG = "bug"  # ours

    @property
    def is_ours(self) -> bool:
        """Whether the inability says something about us and nothing about the target.

        >>> ProblemKind.NO_ENGINE.is_ours, ProblemKind.REFUSED.is_ours
        (True, False)
        """
        return self in _OURS


_OURS = frozenset(
    {
        ProblemKind.PRIVILEGE,
        ProblemKind.UNSUPPORTED,
        ProblemKind.TOO_LARGE,
        ProblemKind.NO_ENGINE,
        ProblemKind.NOT_CONFIGURED,
        ProblemKind.SKIPPED,
        ProblemKind.DEADLINE,
        ProblemKind.BUG,
    }
)


class WorkbenchError(Exception):
    """Anything that the workbench raises on purpose. The message says what to do.

    `command` holds the words of the next command, for the incident at `incident` if that is known; the code
    that shows the error turns them into a line.
    """

    def __init__(self, message: str, *, command: tuple[str, ...] = (), incident: str = "") -> None:
        super().__init__(message)
        self.command = command
        self.incident = incident


class UsageError(WorkbenchError):
    """A wrong call: flag, name, time. Exit code 2."""


class ConfigError(UsageError):
    """A wrong configuration file: where, which key, and what was expected. Exit code 2."""


class RedactionError(WorkbenchError):
    """Redaction failed, so nothing was written."""


class FolderError(WorkbenchError):
    """An incident folder that cannot be read or written."""


class TargetError(WorkbenchError):
    """A target that could not be seen: `probes.base.run` makes Evidence of it. No user ever sees it."""

    def __init__(
        self,
        kind: ProblemKind,
        message: str,
        advice: str = "",
        *,
        numbers: Mapping[str, float] | None = None,
        answered: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.advice = advice
        self.numbers = dict(numbers or {})  # what the message says in numbers, by name with unit
        self.answered = answered  # the target itself gave up in time and said so: that is no silence
