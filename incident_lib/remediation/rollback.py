"""Roll back: the team's command, with the version that ran before, from the deploy log."""

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.errors import TargetError
from incident_lib.model.remediation import Affected
from incident_lib.remediation.commands import (
    check_program,
    fill,
    refusal_of_template,
    refusal_of_version,
    run_command,
    shown,
)
from incident_lib.remediation.verification import observe, wait_until_well
from incident_lib.technologies.deploys.probes import TARGET
from incident_lib.technologies.deploys.rows import Deployment
from incident_lib.units import format_duration

_COMMAND_SECONDS = 600
_KEY = "[deploy] rollback"
_FIELDS = frozenset({"previous", "service"})


class _Back(msgspec.Struct, frozen=True):
    command: tuple[str, ...]
    version: str


def propose(request: Request) -> Proposal:
    """Return what a rollback would run. Errors: RefusedError where command or version are not known."""
    service = request.service
    command = request.settings.document.deploy.rollback
    if not command:
        raise RefusedError(
            "no rollback command is configured; "
            'set [deploy] rollback = ["./deploy.sh", "--version", "{previous}"]'
        )
    if refusal := refusal_of_template(command, _FIELDS, _KEY):
        raise RefusedError(refusal)
    rows = _deployments(request)
    current = rows[-1]
    previous = request.arguments["to"] or previous_version(rows)
    if refusal := refusal_of_version(previous, command):
        raise RefusedError(f"{refusal}; give one with --arg to=VERSION")
    if previous == current.version:
        raise RefusedError(f"{service.name} {previous} is already running")
    age = format_duration(max(0.0, (clock.now() - current.at).total_seconds()))
    filled = fill(command, {"previous": previous, "service": service.name})
    check_program(filled, request.settings.root, _KEY)
    return Proposal(
        commands=(shown(filled),),
        affected=(
            Affected(what="deployed", detail=f"{service.name} {current.version}, {age} ago"),
            Affected(what="goes back to", detail=f"{service.name} {previous}"),
        ),
        risks=(
            f"everything that {current.version} introduced is undone, including its fixes",
            "its database changes stay: make sure the older version can read them",
            "the command is your own; the workbench does not know what else it does",
        ),
        undo=f"deploy {current.version} again",
        world={"deployed": current.version, "deployed_at": current.at.isoformat(), "previous": previous},
        private=_Back(filled, previous),
    )


def _deployments(request: Request) -> tuple[Deployment, ...]:
    """Return the deployments of the target, oldest first. Source: [deploy] log, command or git."""
    evidence = observe(request.settings, TARGET, "deploys.log")
    if evidence is None:
        raise RefusedError(
            "no deploy log is configured, so the previous version is unknown; set [deploy] log"
        )
    rows = tuple(row for row in evidence.of(Deployment) if row.service in {request.target, ""})
    if rows:
        return rows
    if evidence.problem:
        raise TargetError(evidence.problem.kind, evidence.problem.message, evidence.problem.advice)
    raise RefusedError(f"the deploy log has no deployment of {request.target}")


def previous_version(rows: tuple[Deployment, ...]) -> str:
    """Return the version before the one that runs; never one that a rollback has already left.

    Errors: RefusedError where there is none.

    >>> from datetime import UTC, datetime
    >>> def log(*versions):
    ...     at = datetime(2026, 1, 15, tzinfo=UTC)
    ...     return tuple(Deployment(at=at, service="backend", version=name) for name in versions)
    >>> previous_version(log("1.4.1", "1.4.2", "1.5.0"))
    '1.4.2'
    >>> previous_version(log("1.4.1", "1.4.2", "1.5.0", "1.4.2"))
    '1.4.1'
    """
    current = rows[-1].version
    if not current.strip():
        raise RefusedError("the deploy log does not give the running version; give one with --arg to=VERSION")
    first = next(number for number, row in enumerate(rows) if row.version == current)
    if first == 0:
        others = sorted({row.version for row in rows} - {current})
        left = f"; {', '.join(others)} came after it and were rolled back" if others else ""
        raise RefusedError(
            f"the deploy log has nothing before {current}{left}; give a version with --arg to=VERSION"
        )
    return rows[first - 1].version


def carry_out(request: Request, proposal: Proposal) -> Done:
    """Run the command and return how it ended. Errors: RefusedError where it cannot be started."""
    ended = run_command(proposal.private.command, request.settings.root, _COMMAND_SECONDS)
    left = "" if ended.code == 0 else "the command did not succeed; find out which version is running"
    return Done(text=f"{proposal.commands[0]} {ended}", left=left)


def verify(request: Request, proposal: Proposal) -> Verdict:
    """Return whether the deploy log names the older version now, and the service is well."""
    seen = wait_until_well(
        request.settings, request.target, request.number("wait_seconds", least=0, most=600)
    )
    try:
        logged = _deployments(request)[-1].version
    except (TargetError, RefusedError) as error:
        logged = f"not known: {error}"
    says = logged == proposal.private.version
    return Verdict(
        is_verified=says and seen.is_well,
        evidence=(f"deploys.log: {request.target} {logged}", *seen.lines),
        next_step=f"watch the error rate for a few minutes: {request.commands.line('triage')}"
        if says and seen.is_well
        else "find out which version is running; a command that does not write the deploy log cannot be "
        "verified",
    )


def _is_configured(settings: Settings, target: str) -> bool:
    is_service = any(service.name == target for service in settings.services)
    command = settings.document.deploy.rollback
    return is_service and bool(command) and not refusal_of_template(command, _FIELDS, _KEY)


ACTION = Action(
    is_configured=_is_configured,
    id="rollback",
    title="Roll back a deployment",
    targets="a service in the deploy log, with [deploy] rollback",
    does="Runs the configured command with the previous or the given version, and waits until the service "
    "is healthy again.",
    undo="Deploy the newer version again.",
    not_when=(
        "Trouble began before the deploy, or long after it.",
        "The new version changed the schema or stored data that the old one cannot read.",
        "Other services already rely on the new version.",
    ),
    propose=propose,
    carry_out=carry_out,
    verify=verify,
    arguments=(
        Argument(name="to", help="the version to go back to; the previous version if empty", default=""),
        Argument(name="wait_seconds", help="how long to wait until it is healthy again", default="60"),
    ),
)
