"""Numbers over time, with the line they rise along and the limit they rise to."""

from incident_lib.model.series import Series
from incident_lib.plots.svg import WIDTH, Axis, figure, line, text, time_axis
from incident_lib.units import format_value

_LEFT, _TOP, _HEIGHT = 72.0, 16.0, 110.0


def plot_trend(caption: str, series: Series, *, rise: tuple[float, float] | None = None) -> str:
    """Return one series as a picture; `rise` is where its line begins and ends, drawn with the samples.

    The limit is drawn where it is near: within three times the highest sample.
    """
    points, limit = series.points, series.limit
    if not points:
        return ""
    values = [*(point.value for point in points), *(rise or ())]
    near = limit is not None and limit <= 3 * max(values)
    high = max([*values, limit or 0.0]) if near else max(values)
    start, end = points[0].at, points[-1].at
    x = Axis(start.timestamp(), end.timestamp(), _LEFT, WIDTH - 8)
    y = Axis(0.0, high * 1.05 or 1.0, _TOP + _HEIGHT, _TOP)
    bottom = _TOP + _HEIGHT
    parts = [
        text(_LEFT - 6, _TOP + 8, format_value(high, series.unit), anchor="end"),
        text(_LEFT - 6, bottom, "0", anchor="end"),
        *(
            f'<circle cx="{x.at(point.at.timestamp()):.1f}" cy="{y.at(point.value):.1f}" r="3" class="s1"/>'
            for point in points
        ),
        time_axis(start, end, x, bottom),
    ]
    if rise:
        first, last = (y.at(value) for value in rise)
        parts.append(line(x.at(start.timestamp()), first, x.at(end.timestamp()), last, "mark warning"))
    if near and limit is not None:
        place = y.at(limit)
        parts += [line(_LEFT, place, WIDTH - 8, place, "mark critical")]
        parts += [
            text(
                WIDTH - 8,
                place - 3,
                f"limit {format_value(limit, series.unit)}",
                anchor="end",
                css="critical",
            )
        ]
    return figure(caption, bottom + 20, parts)
