"""Sampling: the quick probes of everything, repeatedly, for what only time shows."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.findings.base import reason_of
from incident_lib.incident.binding import check_configuration
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.samples import writing_samples
from incident_lib.investigation.collect import collect
from incident_lib.investigation.exclusive import one_at_a_time
from incident_lib.investigation.plan import plan_lanes
from incident_lib.investigation.setup import signer_for
from incident_lib.model import Evidence, Window
from incident_lib.model.sample import Sample
from incident_lib.model.series import series_of
from incident_lib.probes.base import Lane
from incident_lib.technologies import comparers
from incident_lib.units import format_value

_DEADLINE_SECONDS = 15.0
_RISEN_RATIO = 0.02  # of its limit: less is not worth a line during a watch
_TURN_SECONDS = 2.0  # it waits for another collection, and then the next sample is due
_LOG_SECONDS = 60.0  # of the log that a sample reads


def sample(settings: Settings, *, deadline_seconds: float = _DEADLINE_SECONDS) -> Sample:
    """Return what the quick probes measured once; what could not be measured is named, never 0.

    Source: the probes with `in_watch`, one connection per server. Cost: one statement, request or reading
    each; about three seconds, since CPU and memory of containers are read for two. Not redacted yet.
    """
    with one_at_a_time(settings, seconds=_TURN_SECONDS):
        at = clock.now()
        window = Window(at - timedelta(seconds=_LOG_SECONDS), at)
        evidence = tuple(collect(watched_lanes(settings), window, deadline_seconds))
    return sample_of(evidence, window)


def sample_of(evidence: tuple[Evidence, ...], window: Window) -> Sample:
    """Return the numbers of what was collected, and what was not measured. Pure."""
    readers = comparers().readings
    return Sample(
        at=window.end,
        readings=tuple(
            reading
            for each in evidence
            if each.has_rows and (read := readers.get(each.probe))
            for reading in read(each)
        ),
        unseen=tuple(f"{each.ref}: {reason_of(each)}" for each in evidence if not each.has_rows),
    )


def watch_trend(
    settings: Settings,
    folder: IncidentFolder,
    *,
    every_seconds: float,
    for_seconds: float,
    on_sample: Callable[[Sample], None] = lambda _sample: None,
) -> tuple[Sample, ...]:
    """Return the samples of one watch, each stored in the incident as it comes.

    If interrupted, what there is stays and is sealed. Errors: FolderError, RedactionError.
    """
    folder.require_own()
    check_configuration(settings, folder)
    taken: list[Sample] = []
    end = clock.monotonic() + for_seconds
    with writing_samples(folder.path, folder.redactor, signer=signer_for(settings)) as writer:
        while True:
            due = clock.monotonic() + every_seconds
            taken.append(writer.add(sample(settings)))
            on_sample(taken[-1])
            if due > end:
                return tuple(taken)
            time.sleep(max(0.0, due - clock.monotonic()))


def most_risen(first: Sample, now: Sample) -> str:
    """Return in words the number that came nearest to its limit since the first sample, "" without one."""
    risen = []
    for series in series_of((*first.readings, *now.readings)):
        values = [point.value for point in series.points]
        if len(values) == 2 and series.limit:  # known in both
            risen.append(((values[1] - values[0]) / series.limit, series))
    share, most = max(risen, key=lambda entry: entry[0], default=(0.0, None))
    if most is None or share < _RISEN_RATIO:
        return ""
    before, after = (format_value(point.value, most.unit) for point in most.points)
    return f"{most.labels['target']} {most.labels['what']} {before} → {after}"


def watched_lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the lanes of everything, with only those of their probes that take part in a watch."""
    lanes = []
    for lane in plan_lanes(settings):
        probes = tuple(
            replace(probe, fetch=partial(probe.fetch, **probe.in_watch))
            for probe in lane.probes
            if probe.in_watch is not None
        )
        if probes:
            lanes.append(replace(lane, probes=probes))
    return tuple(lanes)
