"""Names that were given up, in what earlier versions stored and in what teams wrote. Pure.

Probes keep the name of the engine they ask, and so do paths of evidence; findings and limits bear the name of
what they are about.
"""

from msgspec.structs import replace

from incident_lib.model.finding import Analysis, Finding

_IDS = {
    "docker.container.": "container.state.",
    "docker.containers.": "container.list.",
    "docker.events.": "container.events.",
    "docker.processes.": "container.processes.",
    "docker.stats.": "container.stats.",
}
_OLD_IDS = tuple(_IDS)
_KEYS = {"docker.": "container."}


def current_id(finding_id: str) -> str:
    """Return the id of today for a finding's id or a glob of ids, of whatever version.

    >>> current_id("docker.events.oom"), current_id("docker.container.*"), current_id("docker.engine.ok")
    ('container.events.oom', 'container.state.*', 'docker.engine.ok')
    """
    return _renamed(finding_id, _IDS)


def current_key(threshold: str) -> str:
    """Return the key of today for a key of `[thresholds]`.

    >>> current_key("docker.memory.warning_ratio"), current_key("redis.memory.warning_ratio")
    ('container.memory.warning_ratio', 'redis.memory.warning_ratio')
    """
    return _renamed(threshold, _KEYS)


def current_names(analysis: Analysis) -> Analysis:
    """Return conclusions of whatever version with the ids of today."""
    return replace(
        analysis,
        findings=tuple(
            _current(finding) if finding.signs or finding.id.startswith(_OLD_IDS) else finding
            for finding in analysis.findings
        ),
        hypotheses=tuple(
            replace(
                each,
                support=tuple(map(current_id, each.support)),
                against=tuple(map(current_id, each.against)),
            )
            if any(name.startswith(_OLD_IDS) for name in (*each.support, *each.against))
            else each
            for each in analysis.hypotheses
        ),
    )


def _current(finding: Finding) -> Finding:
    return replace(finding, id=current_id(finding.id), signs=tuple(map(_current, finding.signs)))


def stored_ids(finding_id: str) -> tuple[str, ...]:
    """Return all ids under which earlier versions stored such a finding, that of today first.

    >>> stored_ids("container.events.oom")
    ('container.events.oom', 'docker.events.oom')
    """
    return (
        finding_id,
        *(old + finding_id.removeprefix(new) for old, new in _IDS.items() if finding_id.startswith(new)),
    )


def _renamed(name: str, prefixes: dict[str, str]) -> str:
    for old, new in prefixes.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
