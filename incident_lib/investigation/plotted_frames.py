"""Data frames and columns whose `.plot()` draws in the style of the pages: UTC, units, onset and changes.

Imports pandas: only modules that create data frames may import this.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
from pandas.plotting import PlotAccessor

from incident_lib.model.series import Point, Series
from incident_lib.technologies.logs.series import LINES, REQUESTS
from incident_lib.units import UNITS

_HEIGHT = 140.0
_SLOTS = 100  # of a log, over time
_MOST_KEYS = 4  # column names that fit above the axes
_OVER_TIME = {"line", "area"}


class Plots(PlotAccessor):  # type: ignore[misc]  # pandas has no types
    """pandas plots in the style of the pages; without options, the content of the frame decides."""

    def __call__(self, *args: Any, ax: Any = None, **options: Any) -> Any:
        """Return the axes; without options, a log over time, or every number over time.

        Returns a sentence if there is nothing to draw. Options are those of pandas.
        """
        from incident_lib.plots import chart

        data = self._parent
        if not args and not options:
            if {"time", "level", "status"} <= set(getattr(data, "columns", ())):
                return _log(data, ax)
            data = _over_time(data)
            if isinstance(data, str):
                return data
        is_over_time = isinstance(data.index, pd.DatetimeIndex) and options.get("kind", "line") in _OVER_TIME
        if args or not is_over_time:
            with chart.drawing():
                return PlotAccessor(data)(*args, **options, **({"ax": ax} if ax is not None else {}))
        return _drawn_over_time(data, ax, options)


class Column(pd.Series):  # type: ignore[misc]  # pandas has no types
    """A column of a frame."""

    plot = property(Plots)

    @property
    def _constructor(self) -> Callable[..., "Column"]:
        return Column

    @property
    def _constructor_expanddim(self) -> Callable[..., "Frame"]:
        return Frame


class Frame(pd.DataFrame):  # type: ignore[misc]  # pandas has no types
    """A data frame; the results of its pandas methods (a query, a resampling) have this type, too."""

    plot = property(Plots)

    @property
    def _constructor(self) -> Callable[..., "Frame"]:
        return Frame

    @property
    def _constructor_sliced(self) -> Callable[..., Column]:
        return Column


def _log(lines: Any, ax: Any) -> Any:
    """Return requests and those answered with 5xx over time; lines and errors if no line has a status."""
    from incident_lib.plots.rates import plot_rates

    timed = lines[lines["time"].notna()]
    service = str(lines.attrs.get("service", "log"))
    served = bool(timed["status"].notna().any())
    counted = timed[timed["status"].notna()] if served else timed
    bad = (counted["status"] >= 500) if served else (counted["level"] >= "ERROR")
    if counted.empty:
        return f"{service}: no line with a time."
    span = (counted["time"].max() - counted["time"].min()).total_seconds()
    step = max(1.0, float(-(-span // _SLOTS)))
    slots = pd.DataFrame(
        {"at": counted["time"].dt.floor(timedelta(seconds=step)), "bad": bad.fillna(value=False)}
    )
    found = slots.groupby("at")["bad"].agg(["sum", "count"])
    points = tuple(
        Point(at.to_pydatetime(warn=False), float(row["sum"]), float(row["count"]))
        for at, row in found.iterrows()
    )
    series = Series(
        name=REQUESTS if served else LINES, labels={"target": service}, points=points, step_seconds=step
    )
    return plot_rates(series, onset=lines.attrs.get("onset"), changes=lines.attrs.get("changes", ()), ax=ax)


def _over_time(data: Any) -> Any:
    """Return the numbers by time, or a sentence if there is no time or no number."""
    if isinstance(data, pd.DataFrame) and not isinstance(data.index, pd.DatetimeIndex):
        times = data.select_dtypes("datetimetz").columns
        if not len(times):
            return "This frame has no time column; name what to draw, such as frame.plot.barh(x=..., y=...)."
        data = data.set_index(times[0]).sort_index()
        data = data[data.index.notna()]
    numbers = data.select_dtypes("number") if isinstance(data, pd.DataFrame) else data
    if numbers.empty or (isinstance(numbers, pd.DataFrame) and numbers.isna().all(axis=None)):
        return "This frame has no numeric column to draw."
    return numbers


def _drawn_over_time(data: Any, ax: Any, options: dict[str, Any]) -> Any:
    """Return the axes with the columns over time, their unit on the axis."""
    from incident_lib.plots import chart
    from incident_lib.plots.palette import SERIES

    chosen = options.get("y", data.columns if isinstance(data, pd.DataFrame) else [data.name or "value"])
    names = [chosen] if isinstance(chosen, str) else [str(name) for name in chosen]
    units = {unit_of(name) for name in names}
    unit = units.pop() if len(units) == 1 else "count"
    start, end = data.index.min().to_pydatetime(warn=False), data.index.max().to_pydatetime(warn=False)
    onset, changes = data.attrs.get("onset"), data.attrs.get("changes", ())
    marks = chart.marks_of(start, end, onset, changes)
    keyed = len(names) <= _MOST_KEYS and len(names) > 1
    axes = ax if ax is not None else chart.new_axes(_HEIGHT, rows=len(marks))
    with chart.drawing():
        legend = options.pop("legend", not keyed and len(names) > 1)
        PlotAccessor(data)(ax=axes, x_compat=True, legend=legend, rot=0, **options)
        low, high = axes.get_ylim()
        chart.time_axis(axes, start, end)
        what = names[0] if len(names) == 1 else "" if keyed else ", ".join(names)
        chart.value_axis(axes, unit, high, what, low=min(0.0, low), row=len(marks))
        if keyed:
            chart.keys(axes, tuple(zip(SERIES, names, strict=False)), row=len(marks))
        chart.mark(axes, marks)
    return axes


def unit_of(name: str) -> str:
    """Return the unit that a column's name ends in, "count" if there is none.

    >>> unit_of("resident_bytes"), unit_of("transaction_seconds"), unit_of("status")
    ('bytes', 'seconds', 'count')
    """
    return next((unit for unit in UNITS if f"_{name}".endswith(f"_{unit}")), "count")
