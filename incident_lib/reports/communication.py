"""Drafts for those who wait: text from the state of the incident, through templates."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from incident_lib.clock import format_time
from incident_lib.errors import UsageError
from incident_lib.model import Incident, IncidentSeverity
from incident_lib.reports.markdown import markdown_templates
from incident_lib.reports.public import InnerNames, first_public, inner_names, problems_of
from incident_lib.reports.situation import Situation, in_words, one_line, plain
from incident_lib.units import format_duration

if TYPE_CHECKING:
    import jinja2


class DraftKind(StrEnum):
    """What can be drafted, each for its readers."""

    DECLARATION = "declaration"
    UPDATE = "update"
    EXECUTIVE = "executive"
    STATUS_PAGE = "status-page"
    ENGINEERING = "engineering"


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What the commander reports to those who wait."""

    findings: str
    actions: str
    at: datetime


def render_declaration(incident: Incident, situation: Situation | None = None) -> str:
    """Return the declaration of `incident`, as Markdown for the incident channel."""
    return _render("declaration.md.j2", incident=incident, situation=situation)


def render_update(incident: Incident, update: Update) -> str:
    """Return a status update of `incident`, as Markdown for the incident channel."""
    end = incident.resolved_at or update.at
    duration = format_duration(max(0.0, (end - incident.started_at).total_seconds()))
    return _render("update.md.j2", incident=incident, update=update, duration=duration)


def render_executive(situation: Situation) -> str:
    """Return the summary for those who decide and do not debug: short, in words of the business."""
    what = ", ".join(situation.purposes)
    return _render("executive.md.j2", incident=situation.incident, situation=situation, what=what)


def render_engineering(situation: Situation) -> str:
    """Return the summary for engineers: causes with support and counter-evidence, findings, work, gaps."""
    return _render("engineering.md.j2", incident=situation.incident, situation=situation)


def render_status_page(situation: Situation) -> str:
    """Return the text for users: no inner names in it, no time of repair, no word that is not true.

    Errors: UsageError for SEV3 and SEV4, whose incidents are not published to users.
    """
    incident = situation.incident
    if not situation.is_for_users and not _was_published(situation):
        raise UsageError(f"{incident.severity.value} has no status-page text; only SEV1 and SEV2 have")
    inner, severity = inner_names(situation.document, incident), incident.severity
    general = ("our service", _effect(incident))
    impact = first_public((one_line(incident.impact),), inner, severity)
    specific = (_public_list(situation, inner) or general[0], impact.rstrip(". ") or general[1])
    problems: tuple[str, ...] = ()
    for what, effect in (specific, general):  # words that are clean alone may not be so next to each other
        text = _status_page(situation, what, effect)
        problems = problems_of(text, inner, severity)
        if not problems:
            return text
    raise UsageError(f"the text for users would contain {problems[0]}; write it by hand")


def _status_page(situation: Situation, what: str, effect: str) -> str:
    is_outage = situation.incident.severity is IncidentSeverity.SEV1
    return _render(
        "status-page.md.j2",
        incident=situation.incident,
        situation=situation,
        what=what,
        effect=effect,
        article="an" if is_outage else "a",
        noun="outage of" if is_outage else "problem with",
    )


def render_draft(kind: DraftKind, situation: Situation) -> str:
    """Return the draft of that kind. Errors: UsageError where this severity has none."""
    if kind is DraftKind.DECLARATION:
        return render_declaration(_now(situation), situation)
    if kind is DraftKind.UPDATE:
        update = Update(findings=situation.findings, actions=situation.actions, at=situation.at)
        return render_update(_now(situation), update)
    others = {
        DraftKind.EXECUTIVE: render_executive,
        DraftKind.ENGINEERING: render_engineering,
        DraftKind.STATUS_PAGE: render_status_page,
    }
    return others[kind](situation)


def _now(situation: Situation) -> Incident:
    """Return the incident as it will stand once this is sent: the next update counts from now."""
    return msgspec.structs.replace(situation.incident, updated_at=situation.at)


def _public_list(situation: Situation, inner: InnerNames) -> str:
    severity = situation.incident.severity
    known = [p for p in situation.purposes if not problems_of(p, inner, severity)]
    return " and ".join((", ".join(known[:-1]), known[-1])) if len(known) > 1 else "".join(known)


def _effect(incident: Incident) -> str:
    return {
        IncidentSeverity.SEV1: "All users are affected",
        IncidentSeverity.SEV2: "Many users see errors or slow responses",
    }.get(incident.severity, "Some users may see errors")


def _was_published(situation: Situation) -> bool:
    """Return whether users were informed before: then they are informed of the end as well."""
    return any(str(event.data.get("kind", "")) == DraftKind.STATUS_PAGE for event in situation.events)


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> "jinja2.Environment":
    environment = markdown_templates("communication")
    environment.filters |= {
        "utc": lambda moment: format_time(moment) if moment else "none",
        "minute": lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC",
        "plain": plain,
        "one_line": one_line,
        "in_words": in_words,
    }
    return environment
