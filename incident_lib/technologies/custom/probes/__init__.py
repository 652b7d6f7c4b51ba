"""The team's own probes, from `[[probe]]`: in the session of their service where it has one."""

from collections.abc import Iterable
from functools import partial

import msgspec

from incident_lib.config import OwnProbe, ProbeKind, Settings
from incident_lib.connections.session import NoSession
from incident_lib.connections.urls import safe_url
from incident_lib.probes.base import Fetch, Lane, Probe
from incident_lib.technologies.custom.probes import command, file, http, sql

_LANES = {ProbeKind.SQL: "postgres", ProbeKind.COMMAND: "docker"}
_GRACE_SECONDS = 1.0
_COST = {
    ProbeKind.SQL: "that of the statement, two seconds at most",
    ProbeKind.HTTP: "one request",
    ProbeKind.COMMAND: "one process in the container",
    ProbeKind.FILE: "one read",
}


def with_own(lanes: Iterable[Lane], settings: Settings) -> tuple[Lane, ...]:
    """Return `lanes` and the team's probes: statements and commands behind ours, in the same session.

    What needs no session (HTTP, files) gets a lane of its own, one for each target and kind.
    """
    waiting = list(settings.document.probe)
    together = []
    for lane in lanes:
        own = [one for one in waiting if one.target == lane.target and _LANES.get(one.kind) == lane.name]
        waiting = [one for one in waiting if one not in own]
        probes = (*lane.probes, *(_probe(one, settings) for one in own))
        together.append(msgspec.structs.replace(lane, probes=probes) if own else lane)
    groups: dict[tuple[str, str], list[OwnProbe]] = {}
    for one in waiting:
        groups.setdefault((one.target, f"own-{one.kind.value}"), []).append(one)
    for (target, name), own in groups.items():
        probes = tuple(_probe(one, settings) for one in own)
        together.append(Lane(target=target, open=NoSession, probes=probes, name=name))
    return tuple(together)


def _probe(own: OwnProbe, settings: Settings) -> Probe:
    seconds = settings.limits.http_seconds + _GRACE_SECONDS if own.kind is ProbeKind.HTTP else 5.0
    return Probe(
        name=own.name,
        fetch=_fetch(own, settings),
        question=own.question or f"{own.heading}?",
        source=_source(own),
        needs="the right to read it",
        cost=_COST[own.kind],
        tier=1,
        deadline_seconds=seconds,
    )


def _fetch(own: OwnProbe, settings: Settings) -> Fetch:
    if own.kind is ProbeKind.SQL:
        return partial(sql.fetch_statement, own=own)
    if own.kind is ProbeKind.COMMAND:
        return partial(command.fetch_command, own=own, container=settings.service(own.target).container)
    if own.kind is ProbeKind.FILE:
        return partial(file.fetch_file, own=own, path=settings.file(own.file))
    return partial(http.fetch_answer, own=own, settings=settings)


def _source(own: OwnProbe) -> str:
    """Return what is asked, for evidence of what could not be asked."""
    if own.kind is ProbeKind.SQL:
        return own.sql
    if own.kind is ProbeKind.COMMAND:
        return " ".join(own.command)
    if own.kind is ProbeKind.FILE:
        return f"{own.measure} of {own.file}"
    return "GET " + ("its address" if own.url.startswith(("env:", "file:")) else safe_url(own.url))
