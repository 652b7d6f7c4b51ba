"""A container that was created in the window: a deploy, or the first start of the whole stack. Pure."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding
from incident_lib.technologies.docker.rows import ContainerEvent, ContainerState

_TOGETHER = timedelta(seconds=60)


def judge_first_starts(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, a container that came with most of the others being no deploy of its own.

    One that took another's place is a deploy, whatever the others did.
    """
    states = [(each.target, state) for each in situation.evidence for state in each.of(ContainerState)]
    events = [event for each in situation.evidence for event in each.of(ContainerEvent)]
    first = {target: state.name for target, state in states if _is_first_start(state, states, events)}
    return [
        msgspec.structs.replace(
            finding,
            id="container.state.created",
            title=f"{first[finding.target]} was created together with most of the others: a first start",
        )
        if finding.target in first and situation.catalogue.has(finding, Flag.CREATED)
        else finding
        for finding in findings
    ]


def _is_first_start(
    state: ContainerState, states: Sequence[tuple[str, ContainerState]], events: Sequence[ContainerEvent]
) -> bool:
    for event in events:
        same = event.container_id[:12] == state.container_id[:12]
        if event.container_id and event.container == state.name and not same:
            return False  # another container had that name
    others = {other.container_id: other.created_at for _, other in states}
    others.pop(state.container_id, None)
    together = sum(abs(state.created_at - at) <= _TOGETHER for at in others.values())
    return bool(together) and 2 * together >= len(others)
