"""A service's runbook: configuration, known causes and past incidents, around what people wrote."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from incident_lib.config import Dependency, Service
from incident_lib.config.tables import Document
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands
from incident_lib.model.runbook import Command
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.reports import escape
from incident_lib.reports.generated import block, document
from incident_lib.reports.markdown import markdown_templates
from incident_lib.reports.postmortem_causes import fill
from incident_lib.reports.runbook_commands import commands_of, first_commands
from incident_lib.technologies import table

_RELATIONS = {"": "here", "users": "at what needs it", "needs": "at what it needs", "any": "anywhere"}
_COMMANDS = 4  # for each cause


class PastIncident(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier incident says of the service."""

    id: str
    title: str
    severity: IncidentSeverity
    status: str
    started_at: datetime
    seconds: float | None  # None: not resolved
    href: str = ""  # its post-mortem or newest page, relative to the runbook
    causes: tuple[str, ...] = ()  # ids of hypotheses that blamed the service
    confirmed: tuple[str, ...] = ()
    helped: tuple[str, ...] = ()  # mitigations that were verified


class RunbookFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a runbook is made of."""

    target: Service | Dependency
    settings: Document
    topology: Topology
    patterns: tuple[Pattern, ...]
    past: tuple[PastIncident, ...] = ()  # the newest first
    proposed: Commands = Commands()  # what proposed commands carry


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One cause that may be behind trouble of the service. Its id is the anchor that pages link."""

    id: str
    title: str
    symptoms: tuple[tuple[str, str], ...]  # finding id, where it is seen
    commands: tuple[Command, ...]
    next_check: str
    first_action: str
    mitigation: str  # the command that plans it, "" without
    past: tuple[PastIncident, ...]


def render(facts: RunbookFacts, redactor: Redactor) -> str:
    """Return the runbook as Markdown in generated blocks, to be merged into what people wrote."""
    environment = markdown_templates("runbook")

    def generated(name: str, caller: Callable[[], str]) -> str:
        """Return a generated block, redacted and marked."""
        return block(name, redactor.text(caller()))

    environment.globals |= {"block": generated, "link": escape.link}
    target = facts.target
    text = environment.get_template("runbook.md.j2").render(
        target=target,
        kind=facts.topology.kinds.get(target.name, "outside"),
        is_ours=isinstance(target, Service),
        needs=[_neighbour(name, facts) for name in target.depends_on],
        users=[_neighbour(name, facts) for name in sorted(facts.topology.users(target.name))],
        health=_health(target),
        first=first_commands(target),
        triage=facts.proposed.line("triage"),
        issues=issues(facts),
        settings=facts.settings,
        severities=list(IncidentSeverity),
        past=facts.past,
    )
    return document(text)


def issues(facts: RunbookFacts) -> tuple[Issue, ...]:
    """Return the causes that the service can have, those that it had before first."""
    kind = facts.topology.kinds.get(facts.target.name, "outside")
    found = [_issue(pattern, facts) for pattern in facts.patterns if kind in pattern.kinds]
    return tuple(sorted(found, key=lambda issue: -len(issue.past)))


def _issue(pattern: Pattern, facts: RunbookFacts) -> Issue:
    target = facts.target
    data = {"target": target.name}
    return Issue(
        id=pattern.id,
        title=fill(pattern.title, data, "…"),
        symptoms=tuple(_symptoms(pattern)),
        commands=tuple(_commands(pattern, target)),
        next_check=fill(pattern.next_check, data, "…"),
        first_action=fill(pattern.first_action, data, "…"),
        mitigation=_mitigation(pattern, facts),
        past=tuple(incident for incident in facts.past if pattern.id in incident.causes),
    )


def _symptoms(pattern: Pattern) -> Iterator[tuple[str, str]]:
    for clue in dict.fromkeys((*pattern.when, *pattern.also)):
        relation, _, name = clue.rpartition(":")
        yield name, _RELATIONS.get(relation, relation)


def _commands(pattern: Pattern, target: Service | Dependency) -> Iterator[Command]:
    """Yield the commands that show this cause: of the probes that its clues on the target name."""
    names = [clue for clue in (*pattern.when, *pattern.also, *pattern.support) if ":" not in clue]
    commands: dict[str, Command] = {}
    for name in names:
        for command in commands_of(".".join(name.split(".")[:2]), target):
            commands.setdefault(command.text, command)
    yield from list(commands.values())[:_COMMANDS]


def _mitigation(pattern: Pattern, facts: RunbookFacts) -> str:
    """Return the command that plans the first action, "" where this configuration cannot execute it."""
    target = facts.target
    if not isinstance(target, Service):
        return ""
    if pattern.mitigation == "restart" and (target.container or target.restart):
        return facts.proposed.line("mitigate", "restart", target.name)
    kind = table().kinds.get(target.kind)
    is_deployed = kind and kind.is_deployed and facts.settings.deploy.rollback
    if is_deployed and pattern.mitigation == "rollback":
        return facts.proposed.line("mitigate", "rollback", target.name)
    return ""


def _health(target: Service | Dependency) -> list[str]:
    if isinstance(target, Dependency):
        return [target.url]
    if not target.url or target.url.startswith(("env:", "file:")):
        return []
    return [target.url.rstrip("/") + path for path in target.health]


def _neighbour(name: str, facts: RunbookFacts) -> dict[str, Any]:
    entries: tuple[Service | Dependency, ...] = (*facts.settings.service, *facts.settings.dependency)
    entry = next((each for each in entries if each.name == name), None)
    return {"name": name, "purpose": entry.purpose if entry else "", "owner": entry.owner if entry else ""}
