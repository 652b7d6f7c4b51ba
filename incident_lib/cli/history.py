"""`incident similar` and `figures`: what past incidents know."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from incident_lib import clock, config
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.console import plain
from incident_lib.cli.search import print_damaged
from incident_lib.history.figures import NO_HYPOTHESIS, NO_SNAPSHOT, Measured
from incident_lib.history.figures import figures as count_all
from incident_lib.history.past import PastIncident, read_all
from incident_lib.history.similar import Similar, Similarities, past_signature, similar_incidents
from incident_lib.incident.files import write_atomic
from incident_lib.investigation.case import load_conclusions
from incident_lib.investigation.observed import onset_of
from incident_lib.model.history import Figures
from incident_lib.reports import timeline
from incident_lib.reports.figures_page import definitions, render_figures, spell
from incident_lib.units import format_count


def similar(arguments: argparse.Namespace) -> int:
    """Return 0, whatever is found. Errors: UsageError when the incident has no snapshot."""
    settings, folder = open_folder(arguments)
    about, analysis = load_conclusions(folder.snapshot("latest"))
    found = similar_incidents(settings.incidents, analysis, about.topology, folder.id, limit=arguments.limit)
    if arguments.json:
        return print_json(
            {
                "incident": folder.id,
                "snapshot": about.id,
                "similar": found.found,
                "looked_at": found.looked_at,
                "known": found.known,
                "damaged": found.damaged,
            }
        )
    _print_similar(folder.id, found)
    print_damaged(settings, found.damaged)
    return 0


def figures(arguments: argparse.Namespace) -> int:
    """Return 0. Prints the figures, and writes them as a page with --html."""
    settings = config.load(arguments.config)
    known, damaged = read_all(settings.incidents)
    counted = count_all([_measured(past) for past in known], definitions())
    left_out = tuple(f"{past.path}: {past.text}" for past in damaged)
    if arguments.html:
        page = render_figures(counted, left_out=left_out, made_at=clock.now())
        write_atomic(Path(arguments.html), page.encode())
    if arguments.json:
        return print_json({"figures": counted, "damaged": damaged})
    _print_figures(counted)
    print_damaged(settings, damaged)
    if arguments.html:
        print(Path(arguments.html).resolve().as_uri())
    return 0


def _measured(past: PastIncident) -> Measured:
    """Return an incident with the lengths of time that its post-mortem names too."""
    facts = tuple(
        timeline.SnapshotFacts(
            id=snapshot.id,
            window=snapshot.window,
            analysis=snapshot.analysis,
            onset=onset_of(snapshot.analysis),
        )
        for snapshot in past.snapshots
    )
    known = timeline.durations(timeline.milestones(past.incident, facts))
    first = past_signature(past).first
    return Measured(
        incident=past.incident,
        hypothesis=first[0] if first else NO_HYPOTHESIS if facts else NO_SNAPSHOT,
        seconds={duration.name: duration.seconds for duration in known},
    )


def _print_similar(incident: str, found: Similarities) -> None:
    for past in found.found:
        print(f"{past.score:.2f}  {past.severity}  {past.started_at:%Y-%m-%d %H:%M}  {plain(past.title)}")
        for word, text in (("id", past.incident), *(("alike", why) for why in past.why), *_helped(past)):
            print(f"      {word:9} {plain(text)}")
    if not found.found:
        print(f"None of {format_count(found.known, 'other incident')} resembles {incident}.")


def _helped(past: Similar) -> Iterable[tuple[str, str]]:
    if not past.resolution.is_known:
        yield "helped", "not written down"
    if past.resolution.reason:
        yield "resolved", past.resolution.reason
    yield from (("did", text) for text in past.resolution.mitigations)
    if past.resolution.cause:
        yield "cause", past.resolution.cause


def _print_figures(counted: Figures) -> None:
    print(format_count(counted.incidents_count, "incident"))
    for name, counts in (
        ("severity", counted.by_severity),
        ("status", counted.by_status),
        ("service", counted.by_service),
        ("first hypothesis", counted.by_hypothesis),
    ):
        if counts:
            print(f"{name:17} {', '.join(f'{plain(key)} {number}' for key, number in counts.items())}")
    print(f"{'':22} {'n':>4} {'median':>9} {'90 %':>9} {'missing':>8}  counted")
    for measure in counted.measures:
        median, most = (
            spell(length, measure.count) for length in (measure.median_seconds, measure.p90_seconds)
        )
        numbers = f"{measure.name:22} {measure.count:>4} {median:>9} {most:>9} {measure.missing_count:>8}"
        print(f"{numbers}  {measure.definition}")
