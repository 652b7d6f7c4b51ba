"""The post-mortem as a self-contained HTML file: what stands in the Markdown, people's words included."""

import re

import mistune
from markupsafe import Markup

from incident_lib.model import Incident
from incident_lib.reports.page import environment
from incident_lib.reports.postmortem_status import TO_WRITE, completeness, describe_due

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_WAITING = re.compile(rf"<em>({TO_WRITE}.*?)</em>")


def render_page(markdown: str, incident: Incident) -> str:
    """Return the page; HTML in the Markdown is shown as text, links that could run something are dropped."""
    state = completeness(markdown)
    return (
        environment()
        .get_template("postmortem/page.html.j2")
        .render(
            incident=incident,
            due=describe_due(incident),
            missing=state.missing,
            content=Markup(to_html(markdown)),  # noqa: S704 - mistune escapes what is not its own
        )
    )


class _Renderer(mistune.HTMLRenderer):
    """Escapes all HTML, but knows the entities that `escape` wrote for signs that look like HTML."""

    def text(self, text: str) -> str:
        """Return plain text, escaped once."""
        return mistune.safe_entity(text)


def to_html(markdown: str) -> str:
    r"""Return Markdown as HTML, without comments; other HTML in it is escaped.

    >>> to_html("a <b>\n<!-- incident:end x -->\n[x](javascript:alert(1))")
    '<p>a &lt;b&gt;</p>\n<p><a href="#harmful-link">x</a></p>\n'
    """
    convert = mistune.create_markdown(renderer=_Renderer(), plugins=["table", "strikethrough", "task_lists"])
    html = str(convert(_COMMENT.sub("", markdown)))
    return _WAITING.sub(r'<em class="waits">\1</em>', html)
