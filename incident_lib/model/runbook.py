"""Commands that a person can paste, made from the configuration: they read and change nothing.

A secret is never written out: `env:NAME` becomes "$NAME", `file:PATH` becomes "$(cat PATH)".
"""

from shlex import quote

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command for a shell, and what it shows."""

    text: str
    shows: str


def shell_reference(value: str) -> str:
    """Return an address for a shell, a secret only by reference.

    >>> shell_reference("env:DATABASE_URL"), shell_reference("file:secrets/db.dsn"), shell_reference("http://a/b?c")
    ('"$DATABASE_URL"', '"$(cat secrets/db.dsn)"', "'http://a/b?c'")
    """
    scheme, _, rest = value.partition(":")
    if scheme == "env" and rest.isidentifier():
        return f'"${rest}"'
    return f'"$(cat {quote(rest)})"' if scheme == "file" else quote(value)
