"""The templates of texts that people read as Markdown: nothing is escaped unless a filter says so."""

from typing import TYPE_CHECKING

from incident_lib.reports import escape
from incident_lib.resources import resource
from incident_lib.units import format_duration

if TYPE_CHECKING:
    import jinja2


def markdown_templates(folder: str) -> "jinja2.Environment":
    """Return the templates of `templates/FOLDER`; foreign text goes through `cell`, `inline` or `lines`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates", folder)),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, and `escape` guards every foreign text
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cell": escape.cell,
        "inline": escape.inline,
        "lines": escape.lines,
        "code": escape.code,
        "fence": escape.fence,
        "duration": format_duration,
    }
    return environment
