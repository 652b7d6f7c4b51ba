"""Health checks: a short question about one service, asked in a lane of its own."""

from collections.abc import Callable
from functools import partial

import msgspec

from incident_lib.connections.session import NoSession
from incident_lib.model import Row, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.redact.excerpt import excerpt

_DETAIL_CHARACTERS = 300


class HealthAnswer(Row, frozen=True, kw_only=True):
    """What a health check found. `http_code` is None where there was no answer."""

    healthy: bool
    detail: str = ""
    http_code: int | None = None


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to check. `ask` gets the seconds that it may take, and may raise TargetError."""

    name: str
    ask: Callable[[float], HealthAnswer]
    url: str = ""  # either this
    container: str = ""  # or this is shown


def lane_of(check: HealthCheck, seconds: float, *, grace_seconds: float) -> Lane:
    """Return the lane that runs one check; past `grace_seconds` more its session is broken off."""
    probe = Probe(
        name="health.check",
        fetch=partial(_fetch, check=check, seconds=seconds),
        question="Is it healthy?",
        source=check.url or check.container,
        deadline_seconds=seconds + grace_seconds,
    )
    return Lane(target=check.name, open=NoSession, probes=(probe,), name="health")


def _fetch(_session: NoSession, _window: Window, *, check: HealthCheck, seconds: float) -> Fetched:
    return Fetched(rows=(check.ask(seconds),))


def plain(text: str) -> str:
    r"""Return one line, at most 300 characters long, without characters that would steer a terminal.

    >>> plain("down\n\x1b[31mred")
    'down [31mred'
    """
    shown = "".join(char if char.isprintable() else " " for char in text)
    return excerpt(" ".join(shown.split()), _DETAIL_CHARACTERS)
