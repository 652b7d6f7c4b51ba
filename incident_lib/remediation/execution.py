"""Plan, approve, execute, verify: the only code that changes a target."""

from datetime import datetime

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.change import Action, Done, Proposal, RefusedError, Request, Verdict
from incident_lib.errors import FolderError, TargetError, UsageError
from incident_lib.incident.binding import check_configuration
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model.remediation import Outcome, OutcomeStatus, Plan
from incident_lib.remediation import journal
from incident_lib.remediation.actions import find_action
from incident_lib.remediation.planning import differences, make_plan


class NotRecordedError(FolderError):
    """A change was carried out, and its outcome could not be written to the timeline."""


def plan_change(
    settings: Settings,
    folder: IncidentFolder,
    action: str,
    target: str,
    arguments: dict[str, str] | None = None,
    *,
    at: datetime | None = None,
) -> Plan:
    """Return what a change would do, kept in the incident's folder. Changes nothing.

    Cost: that of probing the target. Errors: RefusedError with what to do, UsageError, FolderError.
    """
    folder.require_own()
    check_configuration(settings, folder, "mitigate", action, target)
    journal.settle(folder)
    chosen = find_action(action)
    complete = chosen.complete(arguments or {})
    request = Request(settings=settings, target=target, arguments=complete, incident=folder.path)
    plan, _ = make_plan(request, chosen, folder.id, folder.redactor, at=at)
    journal.record_plan(folder, plan)
    return plan


def execute_plan(settings: Settings, folder: IncidentFolder, plan_id: str) -> Outcome:
    """Return the outcome of exactly the plan of that id, which a person approved by naming it.

    It is executed and verified, and the timeline has it before and after. Errors: NotRecordedError where only
    its end could not be written; RefusedError, and then nothing was changed: an unknown, used, expired or
    edited plan, or a world that has changed since.
    """
    folder.require_own()
    plan = journal.load_plan(folder, plan_id)
    check_configuration(settings, folder, "mitigate", plan.action, plan.target, "--yes", plan_id)
    action = find_action(plan.action)
    _check_usable(folder, plan, action)
    _check_age(plan)
    request = Request(settings=settings, target=plan.target, arguments=plan.arguments, incident=folder.path)
    now, proposal = make_plan(request, action, folder.id, folder.redactor)
    if changed := differences(plan, now, proposal):
        raise RefusedError(
            f"the target has changed since the plan was made: {'; '.join(changed)}. "
            "Nothing was changed; make a new plan"
        )
    _check_age(plan)  # once more: a sick target takes its time to be seen
    with journal.claimed(folder, plan):
        return _execute(request, action, proposal, plan, folder)


def _check_usable(folder: IncidentFolder, plan: Plan, action: Action) -> None:
    if action.carry_out is None or not plan.is_executable:
        raise RefusedError(f"{plan.action} is a checklist for people: there is nothing to execute")
    journal.check_unused(folder, plan)


def _check_age(plan: Plan) -> None:
    if clock.is_ahead(plan.created_at):
        raise RefusedError(
            f"the plan {plan.id} was made at {clock.format_time(plan.created_at)}, which is ahead of this "
            "machine's clock, so its age is unknown; make a new plan and read it again"
        )
    if clock.now() >= plan.expires_at:
        raise RefusedError(
            f"the plan {plan.id} expired at {clock.format_time(plan.expires_at)}; "
            "make a new plan and read it again"
        )


def _execute(
    request: Request, action: Action, proposal: Proposal, plan: Plan, folder: IncidentFolder
) -> Outcome:
    """Return the outcome, which is in the timeline whatever happens, an interruption too."""
    span = clock.Span()
    status, done, verdict = (
        OutcomeStatus.INTERRUPTED,
        "how far it got is unknown: check the target",
        _NOT_SEEN,
    )
    try:
        status, done, verdict = _change(request, action, proposal)
    finally:
        outcome = Outcome(
            plan=plan.id,
            action=plan.action,
            target=plan.target,
            status=status,
            began_at=span.began_at,
            ended_at=span.end(),
            done=folder.redactor.text(done),
            evidence=tuple(folder.redactor.text(line) for line in verdict.evidence),
            next_step=verdict.next_step,
        )
        _record(folder, plan, outcome)
    return outcome


_NOT_SEEN = Verdict(is_verified=False, evidence=())


def _change(request: Request, action: Action, proposal: Proposal) -> tuple[OutcomeStatus, str, Verdict]:
    try:
        done = action.carry_out(request, proposal) if action.carry_out else Done(text="nothing was done")
    except (TargetError, UsageError, OSError) as error:
        advice = getattr(error, "advice", "")
        return OutcomeStatus.FAILED, str(error), Verdict(is_verified=False, evidence=(), next_step=advice)
    verdict = _verified(request, action, proposal)
    if done.left:
        return OutcomeStatus.PARTIAL, f"{done.text}; {done.left}", verdict
    status = OutcomeStatus.VERIFIED if verdict.is_verified else OutcomeStatus.NOT_VERIFIED
    return status, done.text, verdict


def _verified(request: Request, action: Action, proposal: Proposal) -> Verdict:
    try:
        return action.verify(request, proposal) if action.verify else _NOT_SEEN
    except (TargetError, UsageError, OSError) as error:
        return Verdict(is_verified=False, evidence=(f"it could not be checked: {error}",))


def _record(folder: IncidentFolder, plan: Plan, outcome: Outcome) -> None:
    try:
        journal.record_outcome(folder, plan, outcome)
    except FolderError as error:
        raise NotRecordedError(
            f"{plan.title} was executed ({outcome.status.value}: {outcome.done}), but the timeline could "
            f"not be written: {error}"
        ) from error
