"""What people do about an incident: functions that return values and print nothing.

Commands, notebooks and servers call the same functions. In a notebook: `from incident_lib import response`,
then `response.note(case.folder, "the vendor answers at 15:00")`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from incident_lib.response.drafts import StoredDraft, draft

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


def __getattr__(name: str) -> Any:
    """Import what drafts need on first use: a note must not wait for templates."""
    if name not in {"StoredDraft", "draft"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.drafts"), name)
