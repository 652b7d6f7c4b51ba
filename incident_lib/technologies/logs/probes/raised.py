"""What a stack trace says in the end."""

import msgspec


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """One error: its type, where in the team's own code it was raised, and its message."""

    type: str
    frame: str
    message: str
