"""The journal of changes: plans and their outcomes, in the incident's folder and its timeline."""

import re
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections.change import RefusedError
from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident.events import Draft
from incident_lib.incident.files import folder_error, open_file, write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Event, EventKind
from incident_lib.model.remediation import Outcome, Plan
from incident_lib.remediation.planning import hash_of

FOLDER = "mitigations"
_ID = re.compile(r"[0-9a-f]{16}")


def record_plan(folder: IncidentFolder, plan: Plan) -> Path:
    """Return the file of a plan, which is redacted already; the timeline has it too. Errors: FolderError."""
    path = _path(folder, plan.id)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(plan), indent=1))
    _record(folder, plan, "planned", f"Planned, not approved: {plan.title}")
    return path


def load_plan(folder: IncidentFolder, plan_id: str) -> Plan:
    """Return a plan of this incident, whose content is what its id says. Errors: RefusedError."""
    path = _path(folder, plan_id) if _ID.fullmatch(plan_id) else None
    if path is None or not path.is_file():
        raise RefusedError(
            f"{folder.id} has no plan {plan_id!r}; name an action and a target to make it",
            command=("mitigate", "--list"),
            incident=str(folder.path),
        )
    try:
        plan = decode.load(path, Plan, whole=True)
    except (FileNotFoundError, FolderError) as error:
        raise RefusedError(f"{path} is no plan any more; make a new plan") from error
    if plan.id != plan_id or hash_of(plan) != plan_id:
        raise RefusedError(f"the plan {plan_id} was changed after it was made; make a new plan")
    if plan.incident != folder.id:
        raise RefusedError(
            f"the plan {plan_id} belongs to the incident {plan.incident}, and not to {folder.id}"
        )
    return plan


def check_unused(folder: IncidentFolder, plan: Plan) -> None:
    """Raise RefusedError when the plan was carried out, or begun, before."""
    for event in events_of(folder, plan.id):
        if event.data.get("phase") in {"begun", "ended"}:
            when = clock.format_time(event.recorded_at)
            raise RefusedError(
                f"the plan {plan.id} was used already, at {when}: an approval is for once; make a new plan"
            )


def claim(folder: IncidentFolder, plan: Plan) -> None:
    """Claim the plan, so that no other process executes it meanwhile. Errors: RefusedError, FolderError."""
    path = _path(folder, plan.id).with_suffix(".begun")
    try:
        open_file(path, "xb").close()
    except FileExistsError as error:
        raise RefusedError(
            f"the plan {plan.id} is being executed by another process, or was executed"
        ) from error
    except OSError as error:
        raise folder_error(path, error) from error
    _record(folder, plan, "begun", f"Approved and begun: {plan.title}")


def record_outcome(folder: IncidentFolder, plan: Plan, outcome: Outcome) -> None:
    """Write the outcome to the timeline. Errors: FolderError."""
    text = f"{plan.title}: {outcome.status.value}. {outcome.done}"
    seen = "; ".join(outcome.evidence)
    _record(folder, plan, "ended", text, status=outcome.status.value, seen=seen, next_step=outcome.next_step)


def events_of(folder: IncidentFolder, plan_id: str = "") -> tuple[Event, ...]:
    """Return the events of a plan, or of all."""
    return tuple(
        event
        for event in folder.events
        if event.kind is EventKind.MITIGATION
        and event.data.get("plan")
        and plan_id in {"", event.data["plan"]}
    )


def _path(folder: IncidentFolder, plan_id: str) -> Path:
    return folder.path / FOLDER / f"{plan_id}.json"


def _record(folder: IncidentFolder, plan: Plan, phase: str, text: str, **more: str) -> None:
    data: dict[str, str | list[str]] = {
        "plan": plan.id,
        "phase": phase,
        "action": plan.action,
        "target": plan.target,
        "commands": list(plan.commands),
        **more,
    }
    folder.record(Draft(kind=EventKind.MITIGATION, text=text, source="mitigate", data=data))
