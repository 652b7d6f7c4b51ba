"""Figures over incidents as one self-contained page."""

from collections.abc import Mapping
from datetime import datetime

from markupsafe import Markup

from incident_lib import clock
from incident_lib.model.history import Figures
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.reports.page import environment
from incident_lib.reports.timeline import Milestone, durations
from incident_lib.units import format_duration

_MONTHS = 24
_MILESTONES = {
    "began": "the first trouble in the logs, else what was declared",
    "detected": "when it was declared",
    "acknowledged": "when someone started working on it",
    "mitigated": "when the first mitigation was verified",
    "resolved": "when it was resolved",
}


def definitions() -> dict[str, str]:
    """Return each length of time by name, with what it counts from and to: those of the post-mortem."""
    unknown = {name: Milestone(name=name, at=None, source="") for name in _MILESTONES}
    return {length.name: length.definition for length in durations(unknown)}


def spell(seconds: float | None, count: int) -> str:
    """Return a length of time that `count` incidents have, for people.

    >>> spell(None, 0), spell(None, 3), spell(90, 3)
    ('unknown', 'too few', '1m 30s')
    """
    if seconds is None:
        return "too few" if count else "unknown"
    return format_duration(seconds)


def render_figures(figures: Figures, *, left_out: tuple[str, ...], made_at: datetime) -> str:
    """Return the page. `left_out`: what could not be counted, and why."""
    return (
        environment()
        .get_template("history/figures.html.j2")
        .render(
            title="Incidents in figures",
            figures=figures,
            measures=[
                (
                    measure,
                    spell(measure.median_seconds, measure.count),
                    spell(measure.p90_seconds, measure.count),
                )
                for measure in figures.measures
            ],
            milestones=_MILESTONES,
            plots=[
                _plot("By month, the last 24 with incidents", _newest(figures.by_month)),
                _plot("By severity", figures.by_severity),
                _plot("By first hypothesis", figures.by_hypothesis),
                _plot("By service (an incident of several counts for each)", figures.by_service),
                _plot("By status", figures.by_status),
            ],
            left_out=left_out,
            made_at=clock.format_time(made_at),
        )
    )


def _newest(by_month: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(by_month.items())[-_MONTHS:])


def _plot(caption: str, counts: Mapping[str, int]) -> Markup:
    bars = [
        Bar(label=name, parts=(("s1", float(number), ""),), note=str(number))
        for name, number in counts.items()
    ]
    drawn = plot_bars(caption, bars)
    if isinstance(drawn, str):
        return Markup("")
    from incident_lib.plots.chart import to_html

    return Markup(to_html(drawn))  # noqa: S704 - charts escape what they are given
