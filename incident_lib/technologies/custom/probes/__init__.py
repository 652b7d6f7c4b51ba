"""The custom probes of a team, from `[[probe]]`: in the session of their service where it has one."""

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
    ProbeKind.SQL: "that of the statement, at most 2 s",
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
        joined = [
            custom
            for custom in waiting
            if custom.target == lane.target and _LANES.get(custom.kind) == lane.name
        ]
        waiting = [custom for custom in waiting if custom not in joined]
        probes = (*lane.probes, *(_probe(custom, settings) for custom in joined))
        together.append(msgspec.structs.replace(lane, probes=probes) if joined else lane)
    groups: dict[tuple[str, str], list[OwnProbe]] = {}
    for custom in waiting:
        groups.setdefault((custom.target, f"own-{custom.kind.value}"), []).append(custom)
    for (target, name), group in groups.items():
        probes = tuple(_probe(custom, settings) for custom in group)
        together.append(Lane(target=target, open=NoSession, probes=probes, name=name))
    return tuple(together)


def _probe(custom: OwnProbe, settings: Settings) -> Probe:
    seconds = settings.limits.http_seconds + _GRACE_SECONDS if custom.kind is ProbeKind.HTTP else 5.0
    return Probe(
        name=custom.name,
        fetch=_fetch(custom, settings),
        question=custom.question or f"{custom.heading}?",
        source=_source(custom),
        needs="read permission",
        cost=_COST[custom.kind],
        tier=1,
        deadline_seconds=seconds,
    )


def _fetch(custom: OwnProbe, settings: Settings) -> Fetch:
    if custom.kind is ProbeKind.SQL:
        return partial(sql.fetch_statement, custom=custom)
    if custom.kind is ProbeKind.COMMAND:
        return partial(
            command.fetch_command, custom=custom, container=settings.service(custom.target).container
        )
    if custom.kind is ProbeKind.FILE:
        return partial(file.fetch_file, custom=custom, path=settings.file(custom.file))
    return partial(http.fetch_answer, custom=custom, settings=settings)


def _source(custom: OwnProbe) -> str:
    """Return the source of a probe, for evidence of what could not be collected."""
    if custom.kind is ProbeKind.SQL:
        return custom.sql
    if custom.kind is ProbeKind.COMMAND:
        return " ".join(custom.command)
    if custom.kind is ProbeKind.FILE:
        return f"{custom.measure} of {custom.file}"
    return "GET " + ("its address" if custom.url.startswith(("env:", "file:")) else safe_url(custom.url))
