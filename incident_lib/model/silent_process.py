"""What the process of a server does that does not answer."""

from enum import StrEnum


class Doing(StrEnum):
    """How a process that does not answer spends its time."""

    HALTED = "halted"  # by a signal or a debugger
    WORKING = "working"  # it runs, or wants to
    STUCK = "stuck"  # it waits for a disk, or for memory that was swapped out
    IDLE = "idle"  # it sleeps
