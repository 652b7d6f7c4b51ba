"""What happened to containers in the window, as far as the engine remembers."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from incident_lib import clock
from incident_lib.findings.base import Context, finding, ok
from incident_lib.findings.recovery import quiet
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.docker.findings.exit_codes import verdict
from incident_lib.technologies.docker.rows import ContainerEvent, EventsSeen

_SAME_DEATH = timedelta(seconds=5)  # the kernel's report and the end of the process
_STOP_WAIT = timedelta(seconds=40)  # a stop waits this long at most, as most people set it
_STARTING = timedelta(seconds=60)  # a first check that is too early fails
_INTENDED = {"stop", "restart", "kill"}
_TURNS = {"start", "die"}
_PAST = {"pause": "paused", "unpause": "continued", "destroy": "removed", "rename": "renamed"}


def analyze_events(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what happened, by container; one OK where nothing did; INFO where the engine forgot."""
    seen = next(iter(evidence.of(EventsSeen)), None)
    if seen is None:
        return
    found = []
    events = sorted(evidence.of(ContainerEvent), key=lambda event: (event.container, event.at))
    for container, mine in groupby(events, key=lambda event: event.container):
        if not seen.configured or seen.container:
            found += list(_judge(evidence, container, list(mine), context))
    yield from found
    if not seen.is_whole:
        yield _forgotten(evidence, seen)
    if not any(finding.severity.is_bad for finding in found):
        what = (
            f" to {seen.container}"
            if seen.container
            else f" to {len({e.container for e in events})} containers"
        )
        title = f"no problem events{what} since {clock.format_time(seen.seen_from)}"
        yield ok(evidence, title, f"{len(events)} event{'' if len(events) == 1 else 's'}", events=len(events))


def _forgotten(evidence: Evidence, seen: EventsSeen) -> Finding:
    return finding(
        evidence,
        "forgotten",
        FindingSeverity.INFO,
        f"the engine remembers events only since {clock.format_time(seen.seen_from)}",
        f"requested from {clock.format_time(seen.asked_from)}; it keeps {seen.kept_count:,} events, "
        f"{seen.exec_count:,} of them from health checks and the like",
        since=seen.seen_from,
    )


def _judge(
    evidence: Evidence, container: str, events: Sequence[ContainerEvent], context: Context
) -> Iterator[Finding]:
    deaths = [event for event in events if event.action == "die"]
    kernel = [event for event in events if event.action == "oom"]
    for found, moments in _out_of_memory(evidence, container, deaths, kernel):
        yield quiet(found, moments, context)
    own = [death for death in deaths if not _was_requested(death, events)]
    if context.thresholds.severity("container.restarts", len(own), "count"):
        yield quiet(_loop(evidence, container, own), [death.at for death in own], context)
    elif own:
        yield quiet(_died(evidence, container, own, kernel), [death.at for death in own], context)
    yield from _on_request(evidence, container, events)
    yield from _health(evidence, container, events, context)


def _was_requested(death: ContainerEvent, events: Sequence[ContainerEvent]) -> bool:
    """Return whether it was stopped on request: the engine writes `kill` down before the end.

    That explains one end. Of a later one, or of the next container with that name, it says nothing.
    """
    before = [
        event
        for event in events
        if event is not death
        and event.container_id == death.container_id
        and timedelta(0) <= death.at - event.at <= _STOP_WAIT
    ]
    last = next((event for event in reversed(before) if event.action in _INTENDED | _TURNS), None)
    return last is not None and last.action in _INTENDED


def _out_of_memory(
    evidence: Evidence, container: str, deaths: Sequence[ContainerEvent], kernel: Sequence[ContainerEvent]
) -> Iterator[tuple[Finding, list[datetime]]]:
    ended = [event for event in kernel if any(abs(death.at - event.at) <= _SAME_DEATH for death in deaths)]
    for name, events, title in (
        ("oom", ended, f"{container} was killed because it ran out of memory"),
        (
            "worker_killed",
            [event for event in kernel if event not in ended],
            f"a process inside {container} was killed because memory ran out; the container kept running",
        ),
    ):
        if events:
            found = finding(
                evidence,
                name,
                FindingSeverity.CRITICAL,
                title,
                f"the kernel reported it {_times(events)}, last {clock.format_time(events[-1].at)}",
                since=events[0].at,
                container=container,
                count=len(events),
            )
            yield found, [event.at for event in events]


def _times(events: Sequence[ContainerEvent]) -> str:
    return "once" if len(events) == 1 else f"{len(events)} times"


def _loop(evidence: Evidence, container: str, deaths: Sequence[ContainerEvent]) -> Finding:
    codes = ", ".join(sorted({str(death.exit_code) for death in deaths}))
    return finding(
        evidence,
        "restart_loop",
        FindingSeverity.CRITICAL,
        f"{container} died {_times(deaths)}",
        f"exit codes {codes}; last {clock.format_time(deaths[-1].at)}",
        since=deaths[0].at,
        container=container,
        count=len(deaths),
        exit_code=deaths[-1].exit_code,
    )


def _died(
    evidence: Evidence, container: str, deaths: Sequence[ContainerEvent], kernel: Sequence[ContainerEvent]
) -> Finding:
    last = deaths[-1]
    end = verdict(
        last.exit_code, out_of_memory=any(abs(last.at - event.at) <= _SAME_DEATH for event in kernel)
    )
    return finding(
        evidence,
        "die",
        FindingSeverity.WARNING,
        f"{container} died: {end.meaning}",
        f"exit code {last.exit_code}, {clock.format_time(last.at)}; {end.advice}",
        since=deaths[0].at,
        container=container,
        exit_code=last.exit_code,
        count=len(deaths),
    )


def _on_request(evidence: Evidence, container: str, events: Sequence[ContainerEvent]) -> Iterator[Finding]:
    kills = [event for event in events if event.action == "kill"]
    if kills:
        signal = kills[-1].signal
        yield finding(
            evidence,
            "kill",
            FindingSeverity.INFO,
            f"a person or program stopped or signaled {container}",
            f"signal {signal}, {clock.format_time(kills[-1].at)}",
            since=kills[0].at,
            container=container,
            signal=signal,
        )
    restarts = [event for event in events if event.action == "restart"]
    if restarts:
        yield finding(
            evidence,
            "restart",
            FindingSeverity.INFO,
            f"a person or program restarted {container}",
            clock.format_time(restarts[-1].at),
            since=restarts[-1].at,
            container=container,
        )
    for action, past in _PAST.items():
        happened = [event for event in events if event.action == action]
        if happened:
            title = f"{container} was {past}"
            yield finding(
                evidence, action, FindingSeverity.INFO, title, since=happened[-1].at, container=container
            )


def _health(
    evidence: Evidence, container: str, events: Sequence[ContainerEvent], context: Context
) -> Iterator[Finding]:
    past = [event for event in events if event.action == "health_status"]
    ill = [event for event in past if event.health == "unhealthy"]
    if ill:
        is_over = past[-1].health != "unhealthy"
        now = f"until {clock.format_time(past[-1].at)}" if is_over else "and still is"
        starts = [event.at for event in events if event.action == "start" and event.at <= ill[-1].at]
        as_it_started = is_over and starts and ill[-1].at - starts[-1] <= _STARTING
        found = finding(
            evidence,
            "health_status",
            FindingSeverity.INFO if as_it_started else FindingSeverity.WARNING,
            f"{container} became unhealthy, {now}",
            f"{_times(ill)} in the window",
            since=ill[0].at,
            container=container,
            count=len(ill),
        )
        yield quiet(found, [*(event.at for event in ill), past[-1].at], context) if is_over else found
