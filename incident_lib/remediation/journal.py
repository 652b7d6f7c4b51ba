"""The journal of changes: plans and their outcomes, in the incident's folder and its timeline."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.connections.change import RefusedError
from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident.events import Draft
from incident_lib.incident.files import folder_error, open_file, sync_folder, write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.leftovers import hold, is_held
from incident_lib.model import Event, EventKind
from incident_lib.model.remediation import PLANS, Outcome, OutcomeStatus, Plan
from incident_lib.remediation.planning import hash_of

_BEGUN = "Approved and begun: "
UNKNOWN = "started, but no outcome was recorded: how far it got is unknown; check the target"
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
        raise RefusedError(f"{path} is no longer a valid plan; make a new plan") from error
    if plan.id != plan_id or hash_of(plan) != plan_id:
        raise RefusedError(f"the plan {plan_id} was changed after it was made; make a new plan")
    if plan.incident != folder.id:
        raise RefusedError(f"the plan {plan_id} belongs to the incident {plan.incident}, not to {folder.id}")
    return plan


def check_unused(folder: IncidentFolder, plan: Plan) -> None:
    """Raise RefusedError when the plan was carried out, or begun, before."""
    for event in events_of(folder, plan.id):
        if event.data.get("phase") in {"begun", "ended"}:
            when = clock.format_time(event.recorded_at)
            state = "its outcome is not yet known" if _is_running(folder, plan.id) else "see its outcome"
            if any(begun.data["plan"] == plan.id for begun in unfinished(folder)):
                state = UNKNOWN
            raise RefusedError(
                f"the plan {plan.id} was already used, at {when} ({state}): an approval is valid once; make "
                f"a new plan"
            )


@contextmanager
def claimed(folder: IncidentFolder, plan: Plan) -> Iterator[None]:
    """Claim the plan, so that no other process executes it, and show that this one lives while it does.

    Errors: RefusedError, FolderError; then nothing was changed.
    """
    path = _claim(folder, plan.id)
    try:
        file = open_file(path, "xb")
    except FileExistsError as error:
        if _is_running(folder, plan.id):
            raise RefusedError(f"the plan {plan.id} is being executed by another process") from error
        raise RefusedError(
            f"the plan {plan.id} was approved before, but its process ended before it changed anything; "
            f"make a new plan"
        ) from error
    except OSError as error:
        raise folder_error(path, error) from error
    with file:
        hold(file.fileno())
        sync_folder(path.parent)
        _record(folder, plan, "begun", f"{_BEGUN}{plan.title}")
        yield


def unfinished(folder: IncidentFolder) -> tuple[Event, ...]:
    """Return the beginnings of changes without an outcome, which no process of this machine works on."""
    begun = {
        str(event.data["plan"]): event for event in events_of(folder) if event.data.get("phase") == "begun"
    }
    left = {plan: event for plan, event in begun.items() if not _is_running(folder, plan)}
    # Read again: what was running a moment ago may have ended, and recorded it.
    ended = {event.data["plan"] for event in events_of(folder) if event.data.get("phase") == "ended"}
    return tuple(event for plan, event in left.items() if plan not in ended)


def settle(folder: IncidentFolder) -> None:
    """Record of each change whose process died in between that its outcome is unknown. Errors: FolderError.

    Only where it was begun on this machine: elsewhere it may go on.
    """
    if not unfinished(folder):
        return
    with folder.deciding():
        for begun in unfinished(folder):
            if _claim(folder, str(begun.data["plan"])).exists():
                text = f"{title_of(begun)}: {OutcomeStatus.INTERRUPTED.value}. {UNKNOWN}"
                data = {**begun.data, "phase": "ended", "status": OutcomeStatus.INTERRUPTED.value}
                folder.record(Draft(kind=EventKind.MITIGATION, text=text, source="mitigate", data=data))


def title_of(begun: Event) -> str:
    """Return the title of the change that an event says is begun."""
    return begun.text.removeprefix(_BEGUN)


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
    return folder.path / PLANS / f"{plan_id}.json"


def _claim(folder: IncidentFolder, plan_id: str) -> Path:
    return _path(folder, plan_id).with_suffix(".begun")


def _is_running(folder: IncidentFolder, plan_id: str) -> bool:
    """Return whether a process of this machine executes the plan now."""
    try:
        return bool(_ID.fullmatch(plan_id)) and is_held(_claim(folder, plan_id))
    except OSError:
        return False


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
