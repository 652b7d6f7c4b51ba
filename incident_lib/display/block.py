"""What a notebook cell shows: HTML in JupyterLab and in pages, a line of text elsewhere."""

from functools import lru_cache

from incident_lib.characters import visible_line, visible_markup
from incident_lib.resources import resource


class Block:
    """What a cell shows when it is the value of its last line."""

    def __init__(self, html: str, summary: str) -> None:
        self.html = visible_markup(html)
        self.summary = visible_line(summary)

    def _repr_html_(self) -> str:
        """Return the HTML with its style, so that a single output is styled in JupyterLab too."""
        return f'<style data-iw>{_style()}</style><div class="iw">{self.html}</div>'

    def __repr__(self) -> str:
        return f"<{self.summary}>"


@lru_cache(maxsize=1)
def _style() -> str:
    return resource("templates", "page", "blocks.css").read_text(encoding="utf-8")
