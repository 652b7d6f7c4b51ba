"""What a notebook cell shows: HTML in JupyterLab and in pages, a line of text elsewhere."""

from collections.abc import Sequence
from typing import Any

from incident_lib.characters import visible_line, visible_markup
from incident_lib.plots.page_html import styled


class Block:
    """What a cell shows when it is the value of its last line; `axes` are those of its charts, in order."""

    def __init__(self, html: str, summary: str, axes: Sequence[Any] = ()) -> None:
        self.html = visible_markup(html)
        self.summary = visible_line(summary)
        self.axes = tuple(axes)

    def _repr_html_(self) -> str:
        """Return the HTML with its style, so that a single output is styled in JupyterLab too."""
        return styled(self.html)

    def __repr__(self) -> str:
        return f"<{self.summary}>"
