"""How a record is drawn: by `plots`, which rests on the model, so that it is named here, not imported."""

from collections.abc import Sequence
from datetime import datetime
from pkgutil import resolve_name
from typing import Any

_DRAW = "incident_lib.plots.records:draw"

Change = tuple[datetime, str, str]


def draw(record: Any, *, onset: datetime | None, changes: Sequence[Change], ax: Any) -> Any:
    """Return the axes that a record is drawn in, or a sentence where it has nothing to draw."""
    return resolve_name(_DRAW)(record, onset=onset, changes=changes, ax=ax)
