"""The map of what needs what, every target in the colour of its worst finding, every way as it is seen."""

from collections.abc import Mapping, Sequence
from html import escape

import msgspec

from incident_lib.model import FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.plots.svg import WIDTH, figure, shorten

_TALL, _GAP, _TOP = 34.0, 16.0, 6.0
_DOT = 6.0
_ALONG = 0.6  # of the line: there the marks of two lines are apart


class Way(msgspec.Struct, frozen=True):
    """How a dependency is seen from one place: a letter, the severity, and what was seen."""

    letter: str  # "h" from here, "i" from inside the container
    severity: FindingSeverity
    title: str


Ways = Mapping[tuple[str, str], Sequence[Way]]


def plot_topology(topology: Topology, worst: Mapping[str, FindingSeverity], ways: Ways | None = None) -> str:
    """Return the targets in columns, those that need others on the left; one without finding is UNKNOWN.

    `ways` marks the way from a target to what it needs with how it is seen from each place, in its colour.
    """
    columns = layers(topology)
    if not columns:
        return ""
    wide = min(190.0, (WIDTH - 60.0 * (len(columns) - 1)) / len(columns))
    step = (WIDTH - wide) / max(len(columns) - 1, 1) if len(columns) > 1 else 0.0
    place = {
        name: (index * step, _TOP + row * (_TALL + _GAP))
        for index, column in enumerate(columns)
        for row, name in enumerate(column)
    }
    edges = "".join(
        _edge(place[name], place[other], wide)
        for name, needs in topology.depends_on.items()
        for other in needs
        if name in place and other in place
    )
    marks = "".join(
        _marks(place[name], place[other], wide, seen)
        for (name, other), seen in (ways or {}).items()
        if name in place and other in place
    )
    boxes = "".join(
        _box(name, topology.kinds.get(name, ""), worst.get(name, FindingSeverity.UNKNOWN), spot, wide)
        for name, spot in place.items()
    )
    height = _TOP + max(len(column) for column in columns) * (_TALL + _GAP)
    key = "; on the edges: h as seen from here, i from inside the container" if marks else ""
    return figure(f"Dependencies, colored by their worst finding{key}", height, [edges, boxes, marks])


def layers(topology: Topology) -> list[list[str]]:
    """Return the targets column by column: each stands right of everything that needs it.

    >>> layers(Topology(kinds=dict.fromkeys(("db", "web", "api"), ""),
    ...     depends_on={"web": ("api",), "api": ("db",)}))
    [['web'], ['api'], ['db']]
    """
    names = [name for name, kind in topology.kinds.items() if kind != "host"]
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for name in names:
            for other in topology.depends_on.get(name, ()):
                if other in depth:
                    depth[other] = min(max(depth[other], depth[name] + 1), len(names) - 1)
    found = [[name for name in names if depth[name] == index] for index in range(len(names))]
    return [column for column in found if column]


def _edge(start: tuple[float, float], end: tuple[float, float], wide: float) -> str:
    x1, y1 = start[0] + wide, start[1] + _TALL / 2
    x2, y2 = end[0], end[1] + _TALL / 2
    bend = (x2 - x1) / 2
    path = f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    return f'<path d="{path}" class="edge"/>'


def _marks(start: tuple[float, float], end: tuple[float, float], wide: float, ways: Sequence[Way]) -> str:
    """Return a dot for each place from where it was seen, on the line."""
    x1, y1, x2, y2 = start[0] + wide, start[1] + _TALL / 2, end[0], end[1] + _TALL / 2
    x = x1 + (x2 - x1) * (1.5 * _ALONG * (1 - _ALONG) + _ALONG**3)
    y = y1 + (y2 - y1) * (3 * _ALONG**2 - 2 * _ALONG**3)
    apart = 2 * _DOT + 2
    left = x - apart * (len(ways) - 1) / 2
    return "".join(_dot(left + apart * index, y, way) for index, way in enumerate(ways))


def _dot(x: float, y: float, way: Way) -> str:
    return (
        f'<g class="iw-{way.severity.lower()}"><title>{escape(way.title)}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}" class="node"/>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle">{escape(way.letter)}</text></g>'
    )


def _box(name: str, kind: str, severity: FindingSeverity, spot: tuple[float, float], wide: float) -> str:
    x, y = spot
    return (
        f'<g class="iw-{severity.lower()}"><rect x="{x + 1:.1f}" y="{y:.1f}" width="{wide - 2:.1f}" '
        f'height="{_TALL:.0f}" rx="5" class="node"/>'
        f'<text x="{x + 11:.1f}" y="{y + 15:.1f}" class="strong">{escape(shorten(name, 22))}</text>'
        f'<text x="{x + 11:.1f}" y="{y + 28:.1f}">{escape(kind)} · {escape(severity.lower())}</text></g>'
    )
