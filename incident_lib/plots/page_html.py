"""What a chart is wrapped in: the figure of a page, and its style where it stands alone."""

from functools import lru_cache
from html import escape

from incident_lib.resources import resource


def styled(html: str) -> str:
    """Return markup with the style of the pages, so that a single output is styled in JupyterLab too."""
    return f'<style data-iw>{_style()}</style><div class="iw">{html}</div>'


def figure_html(title: str, conclusion: str, drawn: str) -> str:
    """Return a chart with its title and what can be seen in it."""
    below = f"<span>{escape(conclusion)}</span>" if conclusion else ""
    return f'<figure class="iw-chart"><figcaption>{escape(title)}{below}</figcaption>{drawn}</figure>'


@lru_cache(maxsize=1)
def _style() -> str:
    return resource("templates", "page", "blocks.css").read_text(encoding="utf-8")
