"""A person's figure, data frame or file -> what is stored: PNG, CSV, the file; all redacted."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incident_lib.errors import UsageError
from incident_lib.incident.attachments import MOST_BYTES
from incident_lib.redact import Redactor

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 20_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WAYS = "attach a figure or axes of matplotlib, a pandas data frame or series, a table of `show`, or a path"


def content_of(thing: Any, redactor: Redactor) -> tuple[bytes, str, str]:
    """Return what is stored of `thing`: bytes, suffix, and what was left out in words, "" for nothing.

    Errors: UsageError for anything but a figure, a frame or a file.
    """
    figure = getattr(thing, "figure", None)  # of axes, including those that pandas and seaborn return
    for drawn in (thing, figure):
        if type(drawn).__module__.startswith("matplotlib") and hasattr(drawn, "savefig"):
            return _png(drawn, redactor), ".png", ""
    if hasattr(thing, "to_frame"):  # a series
        thing = thing.to_frame()
    if callable(getattr(thing, "frame", None)):  # what `show.table` returned
        thing = thing.frame()
    if hasattr(thing, "to_csv"):
        return _csv(thing, redactor)
    if isinstance(thing, str | Path):
        return (*_file(Path(thing).expanduser()), "")
    raise UsageError(f"{type(thing).__name__} cannot be attached; {_WAYS}")


def _file(path: Path) -> tuple[bytes, str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(
                f"{path} has {path.stat().st_size:,} bytes; attach a part of at most {MOST_BYTES:,}"
            )
        return path.read_bytes(), path.suffix
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; {_WAYS}") from error


def _csv(frame: "pd.DataFrame", redactor: Redactor) -> tuple[bytes, str, str]:
    """Return a frame as CSV, each cell redacted under the name of its column."""
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name:
        frame = frame.reset_index()
    kept = frame.head(MOST_ROWS)
    columns = [str(column) for column in kept.columns]
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(_cell(redactor.text(column)) for column in columns)
    for row in kept.itertuples(index=False, name=None):
        cells = [None if _is_missing(value) else value for value in row]
        texts = [value if value is None else str(value) for value in cells]
        # Column by column: two columns of the same name are two cells, and neither hides the other.
        hidden = [
            next(iter(redactor.value({column: text}).values()))
            for column, text in zip(columns, texts, strict=True)
        ]
        writer.writerow(
            _cell(str(text)) if isinstance(value, str) else text
            for text, value in zip(hidden, cells, strict=True)
        )
    left = len(frame) - len(kept)
    note = f"the first {MOST_ROWS:,} of {len(frame):,} rows" if left else ""
    return target.getvalue().encode(), ".csv", note


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _cell(text: str) -> str:
    """Return a text that a spreadsheet does not read as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _png(figure: Any, redactor: Redactor) -> bytes:
    """Return a figure as a picture whose text was redacted before drawing; the figure itself is unchanged."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

    class Renderer(RendererAgg):  # type: ignore[misc]  # matplotlib has no types here
        """Draws text without its secrets: titles, legends, ticks and annotations."""

        def draw_text(self, gc: Any, x: Any, y: Any, s: str, *rest: Any, **more: Any) -> None:
            """Draw a text without its secrets."""
            super().draw_text(gc, x, y, redactor.text(s), *rest, **more)

        def draw_tex(self, gc: Any, x: Any, y: Any, s: str, *rest: Any, **more: Any) -> None:
            """Draw a formula without its secrets."""
            super().draw_tex(gc, x, y, redactor.text(s), *rest, **more)

        def get_text_width_height_descent(self, s: str, *rest: Any, **more: Any) -> Any:
            """Return the extent of the text as it is drawn."""
            return super().get_text_width_height_descent(redactor.text(s), *rest, **more)

    class Canvas(FigureCanvasAgg):  # type: ignore[misc]  # as above
        """A canvas of that renderer."""

        def get_renderer(self) -> Any:
            """Return an empty renderer of the figure's size."""
            width, height = self.figure.bbox.size
            self.renderer: Any = Renderer(width, height, self.figure.dpi)
            return self.renderer

    before, target = figure.canvas, io.BytesIO()
    try:
        Canvas(figure).print_figure(target, format="png", dpi=144, bbox_inches="tight", facecolor="white")
    finally:
        figure.set_canvas(before)
    return target.getvalue()
