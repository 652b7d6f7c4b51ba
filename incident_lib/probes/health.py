"""Health checks: a short question about one service, asked in a lane of its own."""

from collections.abc import Callable

import msgspec

from incident_lib.connections.session import NoSession, Session
from incident_lib.model import Row, Window
from incident_lib.probes.base import Fetched, Lane, Probe

PROBE = "health.check"


class HealthAnswer(Row, frozen=True, kw_only=True):
    """What a health check found. `http_code` is None where there was no answer."""

    healthy: bool
    detail: str = ""
    http_code: int | None = None


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to check. `ask` gets the seconds that it may take; it may raise TargetError."""

    name: str
    ask: Callable[[float], HealthAnswer]
    url: str = ""  # either this
    container: str = ""  # or this is shown


def lane_of(check: HealthCheck, seconds: float) -> Lane:
    """Return the lane that runs one check."""

    def fetch(_session: Session, _window: Window) -> Fetched:
        """Return the answer of the check."""
        return Fetched(rows=(check.ask(seconds),))

    question = "Is it healthy?"
    probe = Probe(name=PROBE, fetch=fetch, question=question, source=check.url, deadline_seconds=seconds)
    return Lane(target=check.name, open=NoSession, probes=(probe,), name="health")
