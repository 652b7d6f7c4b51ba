"""What a record has to draw: a series as it is, evidence by the series or the samples in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_lib.model import Evidence
from incident_lib.model.series import Series
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.plots.rates import Change, plot_rates
from incident_lib.plots.trends import plot_trend
from incident_lib.technologies import comparers
from incident_lib.technologies.logs.rows import LogBucket
from incident_lib.technologies.logs.series import failures
from incident_lib.units import format_value


def draw(
    record: Series | Evidence,
    *,
    onset: datetime | None = None,
    changes: Sequence[Change] = (),
    ax: Any = None,
) -> Any:
    """Return the axes that a record is drawn in, or a sentence where it has nothing to draw."""
    if isinstance(record, Evidence):
        return _evidence(record, onset=onset, changes=changes, ax=ax)
    if any(point.total is not None for point in record.points):
        return plot_rates(record, onset=onset, changes=changes, ax=ax)
    return plot_trend(record, onset=onset, changes=changes, ax=ax)


def _evidence(evidence: Evidence, *, onset: datetime | None, changes: Sequence[Change], ax: Any) -> Any:
    """Return the log's failures over time, or each number that a baseline compares as a bar."""
    if evidence.of(LogBucket):
        return plot_rates(failures(evidence), onset=onset, changes=changes, ax=ax)
    read = comparers().reader(evidence)
    readings = [each for each in (read(evidence) if read else ()) if each.value is not None]
    if not readings:
        return f"{evidence.ref} has nothing to draw."
    unit = readings[0].unit
    same = [each for each in readings if each.unit == unit]
    bars = [
        Bar(
            label=each.what,
            parts=(("s1", each.value or 0.0, each.name),),
            note=format_value(each.value, unit),
            limit=each.limit,
        )
        for each in sorted(same, key=lambda each: -(each.value or 0.0))
    ]
    return plot_bars(evidence.ref, bars, ax=ax)
