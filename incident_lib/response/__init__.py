"""What people do about an incident: functions that return values and print nothing.

Commands, notebooks and servers call the same ones. In a notebook: `from incident_lib import response`, then
`response.note(case.folder, "the vendor answers at 15:00")`.
"""

from incident_lib.response.drafts import StoredDraft, draft
from incident_lib.response.lifecycle import (
    Declared,
    Update,
    acknowledge,
    add_task,
    assign,
    classify,
    close,
    decide,
    declare,
    finish_task,
    note,
    reopen,
    resolve,
    update,
)

__all__ = [
    "Declared",
    "StoredDraft",
    "Update",
    "acknowledge",
    "add_task",
    "assign",
    "classify",
    "close",
    "decide",
    "declare",
    "draft",
    "finish_task",
    "note",
    "reopen",
    "resolve",
    "update",
]
