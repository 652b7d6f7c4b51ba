"""What draws a figure of matplotlib as small SVG for pages: text as text, colours by name, no id.

matplotlib's own SVG is five times as long, names its clips and glyphs with ids that must differ in one page,
and knows one set of colours. Imports matplotlib: only what draws may import this.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path

from incident_lib.characters import visible_markup
from incident_lib.plots.palette import PROPERTIES, SOFT
from incident_lib.plots.text_width import FONT_SIZE, text_width

_COLUMN = 3.0  # in a line of very many points, only the lowest and highest of each such column can be seen
_MANY = 400
_ANCHORS = {"left": "", "center": "middle", "right": "end"}
_DOT = Path.unit_circle()
_ON_CURVE = {Path.CURVE3: 2, Path.CURVE4: 3}  # points of a curve
_BASE64 = "data:image/png;base64,"


def render_svg(figure: Figure, label: str) -> str:
    """Return a figure as an SVG element for a page, with its text alternative.

    Everything that is drawn is in it in order, so that the same figure is the same text.
    """
    width, height = figure.get_size_inches() * 72
    renderer = SvgRenderer(width, height)
    dpi = figure.dpi
    figure.set_dpi(72)  # one point is one unit
    try:
        figure.draw(renderer)
    finally:
        figure.set_dpi(dpi)
    return (
        f'<svg viewBox="0 0 {_number(width)} {_number(height)}" role="img" aria-label="{escape(label)}">'
        f"{visible_markup(''.join(renderer.parts))}</svg>"
    )


class SvgRenderer(RendererBase):  # type: ignore[misc]  # matplotlib has no types
    """Collects the elements of one figure."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self.width, self.height = width, height
        self.parts: list[str] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size in points."""
        return self.width, self.height

    def flipy(self) -> bool:
        """Return whether y counts from the top."""
        return True

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        """Return about how much room a text takes, whatever font a reader has."""
        del ismath
        size = prop.get_size_in_points()
        return text_width(s, size), size * 0.95, size * 0.22

    def _get_font_height_metrics(self, prop: Any) -> tuple[float, float, float]:
        size = prop.get_size_in_points()
        return size * 0.76, size * 0.22, size * 0.2

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Any,
        rgbFace: Any = None,  # noqa: N803 - matplotlib's own
    ) -> None:
        """Draw a line or an area, cut at the clip's edge."""
        fill = _is_seen(rgbFace)
        stroke = gc.get_linewidth() > 0 and _is_seen(gc.get_rgb())
        if not (fill or stroke):
            return
        lines = _lines(path, transform, gc.get_clip_rectangle(), self.height, is_filled=fill)
        if lines:
            self.parts.append(f'<path d="{lines}"{_fill(gc, rgbFace)}{_stroke(gc) if stroke else ""}/>')

    def draw_markers(  # noqa: PLR0917 - matplotlib's own
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Any,
        path: Path,
        trans: Any,
        rgbFace: Any = None,  # noqa: N803 - matplotlib's own
    ) -> None:
        """Draw markers; dots as one line of no length with round ends."""
        if not (_is_seen(rgbFace) and np.array_equal(marker_path.vertices, _DOT.vertices)):
            super().draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
            return
        box = gc.get_clip_rectangle()
        points = trans.transform(path.vertices)
        places = [
            f"M{_number(x)} {_number(self.height - y)}h0"
            for x, y in points
            if np.isfinite((x, y)).all() and (box is None or box.padded(1).contains(x, y))
        ]
        if places:
            wide = _number(2 * marker_trans.transform((1, 0))[0] - 2 * marker_trans.transform((0, 0))[0])
            paint = _paint("stroke", rgbFace, gc.get_alpha() if gc.get_forced_alpha() else None)
            paint += f' stroke-width="{wide}" stroke-linecap="round"'
            self.parts.append(f'<path d="{"".join(places)}" fill="none"{paint}/>')

    def draw_text(  # noqa: PLR0913, PLR0917 - matplotlib's own
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,  # noqa: FBT002 - matplotlib's own
        mtext: Any = None,
    ) -> None:
        """Write a text where it is anchored, so that a font of another width moves it to one side only."""
        del ismath
        anchor = ""
        if mtext is not None and not angle:
            x = mtext.get_transform().transform(mtext.get_unitless_position())[0]
            anchor = _ANCHORS[mtext.get_horizontalalignment()]
        size = prop.get_size_in_points()
        about = f' text-anchor="{anchor}"' if anchor else ""
        about += f' font-size="{_number(size)}"' if abs(size - FONT_SIZE) > 0.1 else ""
        about += ' font-weight="600"' if str(prop.get_weight()) in {"bold", "semibold", "600", "700"} else ""
        about += f' transform="rotate({_number(-angle)} {_number(x)} {_number(y)})"' if angle else ""
        colour = gc.get_rgb()
        about += "" if to_hex(colour) == SOFT else _paint("fill", colour, None)
        self.parts.append(f'<text x="{_number(x)}" y="{_number(y)}"{about}>{escape(s)}</text>')

    def draw_image(self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None) -> None:
        """Draw a picture, such as a scatter that an engineer made coarse."""
        del gc
        if transform is not None:
            return
        from PIL import Image

        high, wide = im.shape[:2]
        file = io.BytesIO()
        Image.fromarray(im[::-1]).save(file, "png")
        data = base64.b64encode(file.getvalue()).decode()
        self.parts.append(
            f'<image x="{_number(x)}" y="{_number(self.height - y - high)}" width="{wide}" height="{high}" '
            f'href="{_BASE64}{data}"/>'
        )


def _lines(path: Path, transform: Any, box: Any, height: float, *, is_filled: bool) -> str:
    """Return the commands of a path: rounded, upright and level lines short, columns of points as one."""
    clip = None
    if box is not None:
        grown = box.padded(2)
        path = path.transformed(transform)
        if is_filled:
            path = path.clip_to_bbox(grown)
        else:
            clip = (grown.x0, grown.y0, grown.x1, grown.y1)
        transform = None
    cleaned = path.cleaned(transform=transform, remove_nans=True, clip=clip, simplify=False, curves=True)
    vertices, codes = cleaned.vertices, cleaned.codes
    if len(vertices) > _MANY and set(codes[:-1]) <= {Path.MOVETO, Path.LINETO} and not is_filled:
        vertices, codes = _thinned(vertices, codes)
    pen = _Pen()
    for (x, y), code in zip(vertices, codes, strict=True):
        if code == Path.CLOSEPOLY:
            pen.close()
        elif code in _ON_CURVE:
            pen.bend(_number(x), _number(height - y), _ON_CURVE[code])
        elif code != Path.STOP:
            pen.go(_number(x), _number(height - y), is_drawn=code == Path.LINETO)
    return "".join(pen.written) if pen.has_drawn else ""


class _Pen:
    """Writes the commands of a path; level and upright lines have short ones."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.has_drawn = False
        self._at = ("", "")
        self._curve: list[str] = []

    def go(self, x: str, y: str, *, is_drawn: bool) -> None:
        """Go to a place, with or without a line."""
        if not is_drawn:
            self.written.append(f"M{x} {y}")
        elif (x, y) != self._at:
            self.has_drawn = True
            self.written.append(f"H{x}" if y == self._at[1] else f"V{y}" if x == self._at[0] else f"L{x} {y}")
        self._at = x, y

    def bend(self, x: str, y: str, count: int) -> None:
        """Take one point of a curve that has `count` of them."""
        self._curve.append(f"{x} {y}")
        if len(self._curve) == count:
            self.written.append(("Q" if count == 2 else "C") + " ".join(self._curve))
            self._curve, self._at, self.has_drawn = [], (x, y), True

    def close(self) -> None:
        """Go back to where it began."""
        self.written.append("Z")
        self._at = ("", "")


def _thinned(vertices: Any, codes: Any) -> tuple[Any, Any]:
    """Return the first, lowest, highest and last point of each narrow column of each stroke, in order."""
    column = np.floor(vertices[:, 0] / _COLUMN)
    starts: list[int] = np.flatnonzero(
        (np.diff(column, prepend=np.nan) != 0) | (codes == Path.MOVETO)
    ).tolist()
    kept: list[int] = []
    for first, after in zip(starts, [*starts[1:], len(vertices)], strict=True):
        high = vertices[first:after, 1]
        kept += sorted({first, first + int(high.argmin()), first + int(high.argmax()), after - 1})
    return vertices[kept], codes[kept]


def _fill(gc: GraphicsContextBase, face: Any) -> str:
    if not _is_seen(face):
        return ' fill="none"'
    return _paint("fill", face, gc.get_alpha() if gc.get_forced_alpha() else None)


def _stroke(gc: GraphicsContextBase) -> str:
    colour = gc.get_rgb()
    width = gc.get_linewidth()
    made = _paint("stroke", colour, gc.get_alpha() if gc.get_forced_alpha() else None)
    made += f' stroke-width="{_number(width)}"' if width != 1 else ""
    dashes = gc.get_dashes()[1]
    if dashes is not None:
        made += f' stroke-dasharray="{" ".join(_number(float(dash)) for dash in dashes)}"'
    return made


def _paint(what: str, colour: Sequence[float], alpha: float | None) -> str:
    """Return a colour as its name in the page, with the value for readers that know no names."""
    value = to_hex(colour)
    name = PROPERTIES.get(value)
    paint = f"var({name},{value})" if name else value
    seen = alpha if alpha is not None else colour[3] if len(colour) > 3 else 1.0
    return f' {what}="{paint}"' + (f' {what}-opacity="{seen:.2g}"' if seen < 1 else "")


def _is_seen(colour: Iterable[float] | None) -> bool:
    if colour is None:
        return False
    parts = tuple(colour)
    return len(parts) < 4 or parts[3] > 0


def _number(value: float) -> str:
    """Return a place with one decimal at most.

    >>> _number(12.04), _number(0.96), _number(-0.01), _number(3)
    ('12', '1', '0', '3')
    """
    return "0" if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
