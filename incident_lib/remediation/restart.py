"""Restart a service: its container through the engine, else the team's command."""

from pathlib import Path
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.config import Service, Settings
from incident_lib.connections import docker_change
from incident_lib.connections.change import Action, Argument, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.connections.places.container import Container, container_of
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model.remediation import Affected
from incident_lib.remediation.commands import check_program, run_command, shown
from incident_lib.remediation.verification import observe, wait_until_well
from incident_lib.technologies import table
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.units import format_duration

_COMMAND_SECONDS = 120
_FORGETS = "what is in its memory is lost: take a snapshot for the post-mortem first: "
_REQUESTS = "requests in progress fail; it does not answer until it has started"


class _Container(msgspec.Struct, frozen=True):
    id: str
    name: str


def propose(request: Request) -> Proposal:
    """Return what a restart would do. Errors: TargetError when the container or process cannot be seen."""
    service = request.service
    if service.container:
        return _propose_container(request, service)
    if service.restart:
        return _propose_command(request, service)
    raise RefusedError(
        f"nothing says how {service.name} is restarted: it has no container in workbench.toml; "
        'set its command, as in restart = ["systemctl", "restart", "NAME"]'
    )


def _propose_container(request: Request, service: Service) -> Proposal:
    about = container_of(service).inspect()
    state: dict[str, Any] = about["State"]
    if state.get("Paused"):
        raise RefusedError(
            f"container {service.container} is paused; docker unpause {service.container} first"
        )
    grace = request.number("grace_seconds", least=0, most=300)
    return Proposal(
        commands=(f"docker restart --time {grace} {service.container}",),
        affected=(_now(service.container, state), *_dependents(request)),
        risks=(
            *_risks(request, service),
            f"it gets {grace} s to stop on its own, then it is killed",
            "its exit code and OOMKilled mark are reset",
        ),
        undo="none: a restart cannot be undone",
        world={
            "container": about["Id"],
            "image": about["Image"],
            "status": str(state.get("Status")),
            "started_at": str(state.get("StartedAt")),
        },
        private=_Container(about["Id"], service.container),
    )


def _risks(request: Request, service: Service) -> tuple[str, ...]:
    technology = table().of_kind(service.kind)
    known = technology.restart_risks if technology else ()
    return (_REQUESTS, *known, f"{_FORGETS}{request.commands.line('triage', '--save')}")


def _now(name: str, state: dict[str, Any]) -> Affected:
    since = str(state.get("StartedAt", ""))[:19].replace("T", " ")
    if state.get("Running"):
        return Affected(what="container", detail=f"{name}, running since {since} UTC")
    return Affected(
        what="container", detail=f"{name}, {state.get('Status')}, exit code {state.get('ExitCode')}"
    )


def _dependents(request: Request) -> tuple[Affected, ...]:
    names = [service.name for service in request.settings.services if request.target in service.depends_on]
    if not names:
        return ()
    return (Affected(what="services that need it", count=len(names), detail=", ".join(names)),)


def _propose_command(request: Request, service: Service) -> Proposal:
    root = request.settings.root
    check_program(service.restart, root, f"restart of {service.name}")
    state = _process(request)
    running = state is not None and state.is_running
    detail = "not known to run" if state is None else state.reason or f"pid {state.pid}: {state.command}"
    return Proposal(
        commands=(shown(service.restart),),
        affected=(Affected(what="process", count=int(running), detail=detail), *_dependents(request)),
        risks=(
            *_risks(request, service),
            "the command is your own; the workbench does not know what else it does",
        ),
        undo="none: a restart cannot be undone",
        world=_world(state),
        private=service.restart,
    )


def _process(request: Request) -> ProcessState | None:
    evidence = observe(request.settings, request.target, "process.state")
    if evidence and evidence.problem:
        raise TargetError(evidence.problem.kind, evidence.problem.message, evidence.problem.advice)
    return next(iter(evidence.of(ProcessState)), None) if evidence else None


def _world(state: ProcessState | None) -> dict[str, str]:
    if state is None:
        return {"process": "not configured"}
    if not state.is_running:
        return {"process": "not running"}
    return {"process": str(state.pid), "started_at": state.started_at.isoformat() if state.started_at else ""}


def carry_out(request: Request, proposal: Proposal) -> Done:
    """Restart it and return what happened. Errors: TargetError, RefusedError."""
    if isinstance(proposal.private, _Container):
        return _restart_container(request, proposal.private)
    ended = run_command(proposal.private, Path(request.settings.root), _COMMAND_SECONDS)
    left = "" if ended.code == 0 else "the command did not succeed; it may have stopped the service"
    return Done(text=f"{proposal.commands[0]} {ended}", left=left)


def _restart_container(request: Request, container: _Container) -> Done:
    grace = request.number("grace_seconds", least=0, most=300)
    started = clock.monotonic()
    session = docker_change.open_for_change(grace)
    try:
        session.restart(container.id, grace)
    except TargetError as error:
        if error.kind in {ProblemKind.NO_ENGINE, ProblemKind.NOT_FOUND}:
            raise
        # It may have been stopped already, so this is no failure that left everything as it was.
        return Done(text=f"requested the restart of {container.name}", left=error.message)
    finally:
        session.close()
    seconds = clock.monotonic() - started
    killed = f"; it did not stop within {grace} s and was killed" if grace <= seconds else ""
    return Done(text=f"restarted {container.name} in {format_duration(seconds)}{killed}")


def verify(request: Request, proposal: Proposal) -> Verdict:
    """Return whether it was started again and is well, after waiting as long as configured."""
    seen = wait_until_well(
        request.settings, request.target, request.number("wait_seconds", least=0, most=600)
    )
    is_new, line = _is_new(request, proposal)
    return Verdict(
        is_verified=seen.is_well and is_new is not False,
        evidence=(*((line,) if line else ()), *seen.lines),
        next_step=""
        if seen.is_well
        else "read the first error after its start: "
        + request.commands.line("logs", "--service", request.target),
    )


def _is_new(request: Request, proposal: Proposal) -> tuple[bool | None, str]:
    """Return whether it is another process than before, None where that is unknown, and a line for people."""
    if isinstance(proposal.private, _Container):
        try:
            started = str(Container(proposal.private.id).inspect()["State"].get("StartedAt"))
        except TargetError as error:
            return False, f"container: {error.message}"
        return started != proposal.world["started_at"], f"docker inspect: started at {started}"
    now = _world(_process(request))
    if now["process"] == "not configured":
        return None, ""
    return now != proposal.world, f"process before: {proposal.world['process']}, now: {now['process']}"


def _is_configured(settings: Settings, target: str) -> bool:
    service = next((each for each in settings.services if each.name == target), None)
    return service is not None and bool(service.container or service.restart)


ACTION = Action(
    is_configured=_is_configured,
    id="restart",
    title="Restart a service",
    targets="a service with a container, or with a `restart` command",
    does="Restarts the container of the service, or runs its `restart` command; waits until it is healthy.",
    undo="It cannot be undone: connections and in-memory data are lost.",
    not_when=(
        "A dependency of the service is what fails: it would wait for that again.",
        "Its start would fail again (a damaged file, a setting, a full disk): read the end of its log first.",
        "It is a database that is recovering from a crash or loading its data: it would start that over.",
        "The reason is still unknown, and only the running process shows it: save its state first.",
    ),
    propose=propose,
    carry_out=carry_out,
    verify=verify,
    arguments=(
        Argument(name="grace_seconds", help="how long a container may take to stop on its own", default="10"),
        Argument(name="wait_seconds", help="how long to wait until it is healthy again", default="60"),
    ),
)
