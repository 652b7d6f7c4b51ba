"""What every session with a target has in common."""

from typing import Protocol


class Session(Protocol):
    """An open way to look at one target."""

    vantage: str  # what was reached and from where: "127.0.0.1:5432 from this machine"
    notes: tuple[str, ...]  # what was tried before, and what a reader must know

    def abort(self) -> None:
        """Break off what is going on, from another thread; the caller's driver then raises."""

    def close(self) -> None:
        """Give everything back. Never raises, never waits."""


class NoSession:
    """The session of probes that need none (files, processes, sockets of their own)."""

    def __init__(self, vantage: str = "this machine") -> None:
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def abort(self) -> None:
        """Do nothing: such probes bound themselves."""

    def close(self) -> None:
        """Do nothing."""
