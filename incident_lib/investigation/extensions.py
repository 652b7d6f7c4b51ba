"""Probes from other packages: the one place that reads the entry points `incident_lib.probes`.

Such a package names a module (or object) with what modules of `probes` and `findings` have: PROBES, and where
it has them `lanes(settings)`, ANALYZERS and ON_FAILURE. Whatever is wrong with it is UNKNOWN in the findings.
"""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.session import NoSession, Session
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Analyzer, Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity, Problem, Row, Window
from incident_lib.probes import base
from incident_lib.probes.base import Fetch, Fetched, Lane, Probe

GROUP = "incident_lib.probes"
PROBE = "extension.load"


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """What other packages add."""

    lanes: tuple[Lane, ...] = ()
    analyzers: dict[str, Analyzer] = {}
    on_failure: dict[str, Analyzer] = {}


def load_extensions(settings: Settings, taken: frozenset[str]) -> Extensions:
    """Return what the installed packages add; for one that fails a lane that says so. Raises nothing.

    `taken` are names of probes that are there already.
    """
    lanes: list[Lane] = []
    analyzers: dict[str, Analyzer] = {}
    on_failure: dict[str, Analyzer] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        found: list[Extensions] = []
        if problem := _guarded(partial(_read, point, settings, taken, found)):
            lanes.append(_failed(point, problem))
            continue
        lanes += found[0].lanes
        analyzers |= found[0].analyzers
        on_failure |= found[0].on_failure
        taken |= {probe.name for lane in found[0].lanes for probe in lane.probes}
    return Extensions(lanes=tuple(lanes), analyzers=analyzers, on_failure=on_failure)


def _read(point: EntryPoint, settings: Settings, taken: frozenset[str], into: list[Extensions]) -> None:
    module: Any = point.load()
    lanes: tuple[Lane, ...] = ()
    if hasattr(module, "lanes"):
        lanes = tuple(module.lanes(settings))
    elif module.PROBES:
        lanes = (Lane(target=point.name, open=NoSession, probes=tuple(module.PROBES), name=point.name),)
    names = {probe.name for lane in lanes for probe in lane.probes}
    if double := sorted(names & taken):
        raise TargetError(
            ProblemKind.NOT_CONFIGURED, f"a probe is called {double[0]!r} already", "use a prefix of its own"
        )
    into.append(
        Extensions(
            lanes=tuple(_checked(lane) for lane in lanes if lane.probes),
            analyzers=_safe(getattr(module, "ANALYZERS", {}), names),
            on_failure=_safe(getattr(module, "ON_FAILURE", {}), names),
        )
    )


def _checked(lane: Lane) -> Lane:
    probes = tuple(
        msgspec.structs.replace(probe, fetch=partial(_fetch, fetch=probe.fetch)) for probe in lane.probes
    )
    return msgspec.structs.replace(lane, probes=probes, open=partial(_open, lane.open))


def _open(opening: Callable[[], Session]) -> Session:
    """Return the session. Errors: TargetError, whatever else the package raises."""
    opened: list[Session] = []
    if problem := _guarded(lambda: opened.append(opening())):
        raise TargetError(problem.kind, problem.message, problem.advice)
    return opened[0]


def _fetch(session: Any, window: Window, *, fetch: Fetch) -> Fetched:
    """Return what `fetch` returns, if it can be stored and read again."""
    fetched = fetch(session, window)
    if not isinstance(fetched, Fetched) or not all(isinstance(row, get_args(Row)) for row in fetched.rows):
        raise TargetError(
            ProblemKind.BUG,
            "the probe gave no records that can be kept",
            "return Fetched with Measurement rows",
        )
    return fetched


def _safe(analyzers: dict[str, Analyzer], names: set[str]) -> dict[str, Analyzer]:
    return {name: partial(_judge, analyzer=one) for name, one in analyzers.items() if name in names}


def _judge(evidence: Evidence, context: Context, *, analyzer: Analyzer) -> Iterator[Finding]:
    found: list[Finding] = []
    problem = _guarded(lambda: found.extend(analyzer(evidence, context)))
    yield from (one for one in found if isinstance(one, Finding))
    if problem:
        title = f"not assessed: {problem.message}"
        yield finding(evidence, "unknown", FindingSeverity.UNKNOWN, title, problem.advice)


def _guarded(call: Callable[[], object]) -> Problem | None:
    """Return what went wrong with foreign code, None when nothing did: `probes.base.run` catches it."""

    def fetch(_session: Any, _window: Window) -> Fetched:
        """Return nothing, if the package's own code runs through."""
        call()
        return Fetched()

    now = clock.now()
    probe = Probe(name=PROBE, fetch=fetch, question="Can it be used?", source="")
    return base.run(probe, NoSession(), "", Window(now, now)).problem


def _failed(point: EntryPoint, problem: Problem) -> Lane:
    probe = Probe(
        name=PROBE,
        fetch=partial(_refuse, problem=problem),
        question="Can the probes of this package be used?",
        source=f"entry point {point.name} = {point.value}",
    )
    return Lane(target=point.name, open=NoSession, probes=(probe,), name="extension")


def _refuse(_session: Any, _window: Window, *, problem: Problem) -> Fetched:
    advice = "correct or uninstall the package that adds it"
    raise TargetError(ProblemKind.NOT_CONFIGURED, problem.message, advice)
