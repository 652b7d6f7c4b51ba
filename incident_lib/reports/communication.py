"""Drafts for those who wait: text from the state of the incident, through templates."""

from datetime import datetime

import jinja2

from incident_lib.clock import format_time
from incident_lib.model import Incident
from incident_lib.resources import resource


def _utc(moment: datetime | None) -> str:
    return format_time(moment) if moment else "none"


def render_declaration(incident: Incident) -> str:
    """Return the declaration of `incident`, as Markdown for the incident channel."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates", "communication")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown for people, no page
        keep_trailing_newline=True,
    )
    environment.filters["utc"] = _utc
    return environment.get_template("declaration.md.j2").render(incident=incident)
