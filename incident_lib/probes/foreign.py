"""Code of other packages, called so that a bug in it costs its own probes and nothing else."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.connections.session import NoSession, Session
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.model.rows import is_registered
from incident_lib.probes import base
from incident_lib.probes.base import Fetched, Lane, Probe

LOAD = "extension.load"


def guarded(call: Callable[[], object]) -> Problem | None:
    """Return what went wrong in `call`, None when nothing did: `probes.base.run` catches it."""

    def fetch(_session: Any, _window: Window) -> Fetched:
        """Return nothing, if the call returns."""
        call()
        return Fetched()

    now = clock.now()
    probe = Probe(name=LOAD, fetch=fetch, question="Can it be used?", source="")
    return base.run(probe, NoSession(), "", Window(now, now)).problem


def guarded_lane(lane: Lane) -> Lane:
    """Return the lane, whose opening raises nothing but TargetError and whose records can all be stored."""
    probes = tuple(
        msgspec.structs.replace(probe, fetch=partial(_fetch, fetch=probe.fetch)) for probe in lane.probes
    )
    return msgspec.structs.replace(lane, probes=probes, open=partial(_open, lane.open))


def failed_lane(target: str, source: str, problem: Problem) -> Lane:
    """Return a lane that reports, as UNKNOWN, that a package cannot be used."""
    probe = Probe(
        name=LOAD,
        fetch=partial(_refuse, problem=problem),
        question="Can the probes of this package be used?",
        source=source,
    )
    return Lane(target=target, open=NoSession, probes=(probe,), name="extension")


def _open(opening: Callable[[], Session]) -> Session:
    """Return the session. Errors: TargetError, whatever else the package raises."""
    opened: list[Session] = []
    if problem := guarded(lambda: opened.append(opening())):
        raise TargetError(problem.kind, problem.message, problem.advice, answered=problem.answered)
    return opened[0]


def _fetch(session: Any, window: Window, *, fetch: Callable[..., Fetched], **options: Any) -> Fetched:
    """Return what `fetch` returns, if it can be stored and read again."""
    fetched = fetch(session, window, **options)
    if not isinstance(fetched, Fetched) or not all(is_registered(row) for row in fetched.rows):
        raise TargetError(
            ProblemKind.BUG,
            "the probe returned no records that can be kept",
            "return Fetched with Measurement rows, or with those of the technology's record",
        )
    return fetched


def _refuse(_session: Any, _window: Window, *, problem: Problem) -> Fetched:
    advice = "correct or uninstall the package that adds it"
    raise TargetError(ProblemKind.NOT_CONFIGURED, problem.message, advice)
