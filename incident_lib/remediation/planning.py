"""A request -> a plan: what would be done to the world as it is now, redacted, named by its hash."""

from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from incident_lib import clock
from incident_lib.connections.change import Action, Proposal, RefusedError, Request
from incident_lib.errors import TargetError
from incident_lib.model.remediation import Plan
from incident_lib.redact import Redactor

LIFETIME = timedelta(minutes=10)


def make_plan(
    request: Request, action: Action, incident: str, redactor: Redactor, *, at: datetime | None = None
) -> tuple[Plan, Proposal]:
    """Return the plan of a complete request, and the proposal behind it, which stays in memory.

    Cost: that of probing the target; nothing is changed. Errors: RefusedError, UsageError.
    """
    proposal = propose(action, request)
    created_at = (at or clock.now()).replace(microsecond=0)
    draft = Plan(
        incident=incident,
        action=action.id,
        target=request.target,
        title=f"{action.title}: {request.target}",
        created_at=created_at,
        expires_at=created_at + LIFETIME,
        arguments=request.arguments,
        commands=proposal.commands,
        affected=proposal.affected,
        risks=proposal.risks,
        undo=proposal.undo,
        steps=proposal.steps,
        world=proposal.world,
        bounds=proposal.bounds,
    )
    redacted: Plan = redactor.struct(draft, Plan)
    if redacted.arguments != draft.arguments:
        raise RefusedError(
            "an argument looks like a secret, which a plan must not hold; pass it in another way"
        )
    return msgspec.structs.replace(redacted, id=hash_of(redacted)), proposal


def propose(action: Action, request: Request) -> Proposal:
    """Return what the action would do now. Errors: RefusedError also where the target cannot be probed."""
    try:
        return action.propose(request)
    except TargetError as error:
        advice = f" ({error.advice})" if error.advice else ""
        raise RefusedError(f"{request.target}: {error.message}{advice}; nothing was changed") from error


def hash_of(plan: Plan) -> str:
    """Return the hash of everything that a plan says, as far as it is typed.

    >>> at = datetime(2026, 1, 15, 14, 31)
    >>> plan = Plan(incident="i", action="restart", target="backend", title="", created_at=at, expires_at=at)
    >>> hash_of(plan) == hash_of(msgspec.structs.replace(plan, id="whatever"))
    True
    >>> hash_of(plan) == hash_of(msgspec.structs.replace(plan, target="db"))
    False
    """
    content = msgspec.json.encode(msgspec.structs.replace(plan, id=""), order="sorted")
    return sha256(content).hexdigest()[:16]


def differences(plan: Plan, now: Plan, proposal: Proposal) -> list[str]:
    """Return how the world differs from what was approved, one sentence each."""
    found = [
        f"{name} was {was}, and is {now.world.get(name, 'not known')}"
        for name, was in plan.world.items()
        if now.world.get(name) != was
    ]
    for name, bound in plan.bounds.items():
        number = proposal.numbers.get(name)
        if number is None or not bound.least <= number <= bound.most:
            found.append(f"{name}: {number}, which is not within {bound.least} to {bound.most}")
    if not found and plan.commands != now.commands:
        found.append("it would now run different commands")
    return found
