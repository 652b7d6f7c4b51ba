"""Drafts for those who wait: text from the state of the incident, through templates."""

from datetime import datetime

import jinja2
import msgspec

from incident_lib.clock import format_duration, format_time
from incident_lib.model import Incident
from incident_lib.resources import resource


def _utc(moment: datetime | None) -> str:
    return format_time(moment) if moment else "none"


def render_declaration(incident: Incident) -> str:
    """Return the declaration of `incident`, as Markdown for the incident channel."""
    return _render("declaration.md.j2", incident=incident)


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What the commander tells those who wait."""

    findings: str
    actions: str
    at: datetime


def render_update(incident: Incident, update: Update) -> str:
    """Return a status update of `incident`, as Markdown for the incident channel."""
    end = incident.resolved_at or update.at
    duration = format_duration(max(0.0, (end - incident.started_at).total_seconds()))
    return _render("update.md.j2", incident=incident, update=update, duration=duration)


def _render(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates", "communication")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown for people, no page
        keep_trailing_newline=True,
    )
    environment.filters["utc"] = _utc
    return environment.get_template(template).render(values)
