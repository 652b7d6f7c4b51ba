"""A container that was created in the window: a deploy, or the first start of the whole stack. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from incident_lib.model import Evidence, Finding
from incident_lib.technologies.docker.rows import ContainerEvent, ContainerState

_CHANGED = "container.state.changed"
_TOGETHER = timedelta(seconds=60)


def judge_creations(findings: Iterable[Finding], evidence: Iterable[Evidence]) -> list[Finding]:
    """Return the findings, a container that came with most of the others being no deploy of its own.

    One that took another's place is a deploy, whatever the others did.

    >>> judge_creations((), ())
    []
    """
    everything = list(evidence)
    states = [(one.target, state) for one in everything for state in one.of(ContainerState)]
    events = [event for one in everything for event in one.of(ContainerEvent)]
    first = {target for target, state in states if _is_first_start(state, states, events)}
    return [_started(one) if one.id == _CHANGED and one.target in first else one for one in findings]


def _is_first_start(
    state: ContainerState, states: Sequence[tuple[str, ContainerState]], events: Sequence[ContainerEvent]
) -> bool:
    if any(_is_another(event, state) for event in events):
        return False
    others = {other.container_id: other.created_at for _, other in states}
    others.pop(state.container_id, None)
    together = sum(_is_close(state.created_at, at) for at in others.values())
    return bool(together) and 2 * together >= len(others)


def _is_another(event: ContainerEvent, state: ContainerState) -> bool:
    """Return whether another container had that name."""
    same = event.container_id[:12] == state.container_id[:12]
    return bool(event.container_id) and event.container == state.name and not same


def _is_close(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= _TOGETHER


def _started(one: Finding) -> Finding:
    return msgspec.structs.replace(
        one,
        id="container.state.created",
        title=f"{one.data.get('container')} was created together with most of the others: a first start",
    )
