"""Sampling: a quick look at everything, again and again, for what only time shows."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from msgspec.structs import replace

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections import http
from incident_lib.connections.urls import safe_url
from incident_lib.correlation.measures import readings
from incident_lib.findings.base import reason_of
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.samples import writing_samples
from incident_lib.investigation.collect import collect
from incident_lib.investigation.plan import plan_lanes
from incident_lib.investigation.turn import one_at_a_time
from incident_lib.model import Evidence, Window
from incident_lib.model.sample import Sample
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.http.probes import HttpSession
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.units import format_value

_PROCESS = "process.state"
# Each is one statement, one request or a few files of /proc; nothing that scans a catalog or a log's past.
QUICK = (
    "postgres.saturation",
    "redis.memory",
    _PROCESS,
    "docker.stats",
    "http.health",
    "logs.lines",
    "host.disk",
    "host.memory",
)
_DEADLINE_SECONDS = 15.0
_RISEN_RATIO = 0.02  # of its limit: less is nothing to tell while it is watched
_TURN_SECONDS = 2.0  # somebody's look is waited for, and then the next sample is due
_LOG_SECONDS = 60.0  # of the log that a sample reads


def sample(settings: Settings, *, deadline_seconds: float = _DEADLINE_SECONDS) -> Sample:
    """Return what one quick look at everything measured; what could not be seen is named, never 0.

    Source: the probes of QUICK, one connection a server. Cost: one statement, request or reading each; about
    three seconds, as CPU and memory of containers are read for two. Not redacted yet.
    """
    with one_at_a_time(settings, seconds=_TURN_SECONDS):
        at = clock.now()
        window = Window(at - timedelta(seconds=_LOG_SECONDS), at)
        evidence = tuple(collect(quick_lanes(settings), window, deadline_seconds))
    return sample_of(evidence, window)


def sample_of(evidence: tuple[Evidence, ...], window: Window) -> Sample:
    """Return the numbers of what was collected, and what was not seen. Pure."""
    return Sample(
        at=window.end,
        readings=tuple(number for one in evidence for number in readings(one)),
        unseen=tuple(f"{one.ref}: {reason_of(one)}" for one in evidence if not one.has_rows),
    )


def watch_trend(
    settings: Settings,
    folder: IncidentFolder,
    *,
    every_seconds: float,
    for_seconds: float,
    told: Callable[[Sample], None] = lambda _sample: None,
) -> tuple[Sample, ...]:
    """Return the samples of one watch, each stored in the incident as it comes.

    Interrupted, what there is stays and is sealed. Errors: FolderError, RedactionError.
    """
    taken: list[Sample] = []
    end = clock.monotonic() + for_seconds
    with writing_samples(folder.path, folder.redactor) as writer:
        while True:
            due = clock.monotonic() + every_seconds
            taken.append(writer.add(sample(settings)))
            told(taken[-1])
            if due > end:
                return tuple(taken)
            time.sleep(max(0.0, due - clock.monotonic()))


def most_risen(first: Sample, now: Sample) -> str:
    """Return in words the number that came nearest to its limit since the first sample, "" without one."""
    before = {(one.target, one.name, one.what): one.value for one in first.readings}
    risen = []
    for one in now.readings:
        old = before.get((one.target, one.name, one.what))
        if old is not None and one.value is not None and one.limit:
            risen.append(((one.value - old) / one.limit, old, one))
    share, old, most = max(risen, key=lambda entry: entry[0], default=(0.0, 0.0, None))
    if most is None or share < _RISEN_RATIO:
        return ""
    return f"{most.target} {most.what} {format_value(old, most.unit)} → {format_value(most.value, most.unit)}"


def quick_lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the lanes of everything with their quick probes alone."""
    lanes = []
    for lane in plan_lanes(settings):
        probes = tuple(_quick(probe) for probe in lane.probes if probe.name in QUICK)
        if probes:
            lanes.append(replace(lane, probes=probes))
    return tuple(lanes)


def _quick(probe: Probe) -> Probe:
    """Return the probe as it looks once: what takes time in a sample is what the watch is for."""
    if probe.name == "http.health":
        return replace(probe, fetch=fetch_once)
    fetch: Callable[..., Fetched] = probe.fetch
    return replace(probe, fetch=partial(fetch, longer=False)) if probe.name == _PROCESS else probe


def fetch_once(session: HttpSession, _window: Window) -> Fetched:
    """Return what came of one GET of each health address. Shape: one HttpAnswer an address."""
    deadline = clock.monotonic() + session.seconds
    return Fetched(
        rows=tuple(_ask(url, session, deadline) for url in session.urls if deadline > clock.monotonic()),
        source="; ".join(f"GET {safe_url(url)}" for url in session.urls),
    )


def _ask(url: str, session: HttpSession, deadline: float) -> HttpAnswer:
    answer = http.get(url, seconds=deadline - clock.monotonic(), ca=session.ca)
    return HttpAnswer(
        url=safe_url(url),
        path=urlsplit(safe_url(url)).path or "/",
        status=answer.status,
        total_seconds=answer.total_seconds,
        sample_seconds=(answer.total_seconds,),
        error_kind=answer.error.kind if answer.error else None,
        error=answer.error.message if answer.error else "",
    )
