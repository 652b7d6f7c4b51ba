"""What may be done about a diagnosis: from hypotheses and findings to actions. Pure."""

from collections.abc import Iterator

from incident_lib.config import Settings
from incident_lib.findings.catalogue import Flag
from incident_lib.model import EVERYTHING, Analysis, ProposedAction
from incident_lib.model.commands import Commands
from incident_lib.remediation.actions import ACTIONS
from incident_lib.technologies import catalogue
from incident_lib.units import some_of

# Only where the first thing to do is a change that the workbench has. Who is to be signalled in PostgreSQL is
# named by a finding, as a hypothesis knows no process id.
_BY_HYPOTHESIS = {
    "bad-deploy": "rollback",
    "service-down": "restart",
    "memory-leak": "restart",
    "out-of-memory": "restart",
    "worker-killed": "restart",
    "app-pool-exhausted": "restart",
    "event-loop-blocked": "restart",
    "open-files": "restart",
    "db-down": "restart",
    "redis-down": "restart",
    "host-disk-full": "docker.prune",
    "tls-expired": "tls.renew",
    "tls-wrong-name": "tls.renew",
    "tls-chain": "tls.renew",
}
_BY_ENGINE = frozenset({"restart"})  # a container's
_MOST = 3  # hypotheses that are worth an action


def proposed_actions(analysis: Analysis, settings: Settings) -> tuple[ProposedAction, ...]:
    """Return the changes that the diagnosis supports and that can be executed as configured.

    Shape: the likeliest first, each once; none for a span of the past.
    """
    if analysis.looks_back:
        return ()
    seen: dict[tuple[str, str, str], ProposedAction] = {}
    for proposed in (*_of_hypotheses(analysis), *_of_findings(analysis)):
        key = (proposed.action, proposed.target, str(sorted(proposed.arguments.items())))
        if proposed.action in ACTIONS and not _missing(proposed, analysis, settings):
            seen.setdefault(key, proposed)
    return tuple(seen.values())


def what_is_missing(analysis: Analysis, settings: Settings) -> tuple[str, ...]:
    """Return what keeps the likeliest changes from being executed, each once, as sentences."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for proposed in () if analysis.looks_back else _of_hypotheses(analysis):
        if proposed.action in ACTIONS and (why := _missing(proposed, analysis, settings)):
            reasons.setdefault((proposed.action, why), []).append(proposed.target)
    return tuple(
        f"{action} of {some_of(list(dict.fromkeys(targets)))} is not proposed: {why}"
        for (action, why), targets in reasons.items()
    )


def _missing(proposed: ProposedAction, analysis: Analysis, settings: Settings) -> str:
    """Return why an action cannot be executed, "" where it can."""
    action = ACTIONS[proposed.action]
    service = next((each for each in settings.services if each.name == proposed.target), None)
    if not action.is_configured(settings, proposed.target):
        return f"it needs {action.targets} (workbench.toml)"
    if service is None or not service.container or service.restart or action.id not in _BY_ENGINE:
        return ""
    has = catalogue().has
    silent = next((f for f in analysis.findings if has(f, Flag.ENGINE_SILENT)), None)
    if silent is not None:
        return f"the Docker engine cannot be used from here ({silent.title})"
    if any(f.target == service.name and has(f, Flag.NO_CONTAINER) for f in analysis.apart):
        return f"there is no container {service.container}"
    return ""


def _of_hypotheses(analysis: Analysis) -> Iterator[ProposedAction]:
    by_ref = {name: finding for finding in analysis.apart for name in (finding.id, finding.ref)}
    for hypothesis in analysis.hypotheses[:_MOST]:
        if hypothesis.symptom_of.startswith(f"{EVERYTHING}:"):
            continue  # one event: nothing is mended one by one
        action = _BY_HYPOTHESIS.get(hypothesis.id)
        if action and not hypothesis.symptom_of:  # it is mended where its cause is
            yield ProposedAction(action=action, target=hypothesis.target, text=hypothesis.title)
        for name in hypothesis.support:
            yield from by_ref[name].actions if name in by_ref else ()


def _of_findings(analysis: Analysis) -> Iterator[ProposedAction]:
    shared = analysis.covered
    for finding in analysis.findings:
        if finding.severity.is_bad and finding.target not in shared:
            yield from finding.actions


def command_of(proposed: ProposedAction, commands: Commands) -> str:
    """Return the command line that plans a proposed action, and changes nothing.

    >>> restart = ProposedAction(action="restart", target="backend", text="")
    >>> command_of(restart, Commands(incident="2026-01-15-checkout-503s"))
    'incident mitigate restart backend --incident 2026-01-15-checkout-503s'
    """
    arguments = [word for pair in proposed.arguments.items() for word in ("--arg", "=".join(pair))]
    return commands.line("mitigate", proposed.action, proposed.target, *arguments)
