"""What every page shows around its content, and the environment that its templates are rendered in."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup, escape

from incident_lib import clock
from incident_lib.characters import visible_markup
from incident_lib.incident import page_policy
from incident_lib.model import Incident
from incident_lib.model.commands import Commands
from incident_lib.model.notebooks import display_name
from incident_lib.model.run import ExecutionStatus, NotebookRecord
from incident_lib.resources import distribution, resource
from incident_lib.units import format_duration

if TYPE_CHECKING:
    import jinja2

FATES = {
    ExecutionStatus.COMPLETED: "completed",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.TIMED_OUT: "timed out",
    ExecutionStatus.KERNEL_DIED: "its kernel died",
    ExecutionStatus.INTERRUPTED: "interrupted",
    ExecutionStatus.NOT_RUN: "not run",
}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a page of the same run."""

    text: str
    href: str
    here: bool = False
    bad: bool = False


class Banner(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader must know before anything else."""

    title: str
    text: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The frame of one page."""

    title: str
    incident: Incident
    snapshot: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    made_at: str
    version: str
    verify: str  # the command that checks the seals
    banner: Banner | None = None
    fallback: str = ""  # HTML that stands in for a notebook that did not complete
    notebook: str = ""
    notebook_status: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same on all pages of one run."""

    incident: Incident
    snapshot: str
    collected_at: datetime
    made_at: datetime
    notebooks: tuple[str, ...]
    proposed: Commands = Commands()  # what proposed commands carry

    def page(self, title: str, name: str = "", failed: Iterable[str] = ()) -> Page:
        """Return the frame of the page of notebook `name`, or of the index."""
        bad = set(failed)
        links = [Link(text="Start here", href="index.html", here=not name)]
        links += [
            Link(
                text=display_name(notebook),
                href=f"{notebook}.html",
                here=notebook == name,
                bad=notebook in bad,
            )
            for notebook in self.notebooks
        ]
        return Page(
            title=title,
            incident=self.incident,
            snapshot=self.snapshot,
            facts=facts(self.incident, self.collected_at, self.made_at),
            links=tuple(links),
            made_at=clock.format_time(self.made_at),
            version=_version(),
            verify=self.proposed.line("verify"),
        )


def facts(incident: Incident, collected_at: datetime, made_at: datetime) -> tuple[tuple[str, str], ...]:
    """Return the facts of the page's head: name and text."""
    rows: list[tuple[str, str]] = [(incident.start_label, moment(incident.started_at))]
    if incident.resolved_at:
        rows.append(("Resolved", moment(incident.resolved_at)))
    seconds = ((incident.resolved_at or collected_at) - incident.started_at).total_seconds()
    if seconds >= 0:
        rows.append(("Duration" if incident.resolved_at else "Duration so far", format_duration(seconds)))
    rows.append(("Evidence collected", moment(collected_at)))
    if due := incident.next_update_at:
        late = (made_at - due).total_seconds()
        lateness = f", {format_duration(late)} late when this page was made" if late > 0 else ""
        rows.append(("Next update due", moment(due) + lateness))
    for name, text in (
        ("Impact", incident.impact),
        ("Commander", incident.commander),
        ("Services", ", ".join(incident.services)),
    ):
        if text:
            rows.append((name, text))
    return tuple(rows)


def banner(record: NotebookRecord) -> Banner | None:
    """Return the banner of a notebook that did not complete, None when it did."""
    if record.status is ExecutionStatus.COMPLETED:
        return None
    titles = {
        ExecutionStatus.NOT_RUN: "This notebook was not run",
        ExecutionStatus.KERNEL_DIED: "The kernel of this notebook died, so it is incomplete",
        ExecutionStatus.TIMED_OUT: "This notebook ran out of time, so it is incomplete",
        ExecutionStatus.INTERRUPTED: "This notebook was interrupted, so it is incomplete",
    }
    return Banner(
        title=titles.get(record.status, "This notebook failed, so it is incomplete"), text=record.error
    )


@cache
def environment() -> "jinja2.Environment":
    """Return the environment of the pages; everything is escaped unless it is our markup.

    There is one, as it keeps the templates that it has compiled.
    """
    import jinja2

    class Template(jinja2.Template):
        """A page without characters that cannot be seen, wherever they came from."""

        def render(self, *args: Any, **values: Any) -> str:
            """Return the page."""
            return visible_markup(super().render(*args, **values))

    class Environment(jinja2.Environment):
        template_class = Template

    made = Environment(
        loader=jinja2.FileSystemLoader([resource("templates"), resource("templates", "page")]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(page_globals())
    return made


def warm_up(name: str) -> None:
    """Compile a template and those that it names, so that the first page does not wait for that."""
    from jinja2.meta import find_referenced_templates

    made = environment()
    made.get_template(name)
    if made.loader:
        source, _, _ = made.loader.get_source(made, name)
        for other in find_referenced_templates(made.parse(source)):
            if other:
                warm_up(other)


def page_globals() -> dict[str, Any]:
    """Return what every page's template asks for by name."""
    return {
        "policy": Markup(page_policy.policy()),  # noqa: S704 - ours, and no text from elsewhere
        "script": Markup(page_policy.script()),  # noqa: S704 - ours
        "moment": moment,
    }


def moment(at: datetime) -> Markup:
    """Return a moment in UTC, to which the page's script adds the reader's own zone."""
    text = escape(clock.format_time(at))
    return Markup(f'<time class="iw-both" datetime="{at.isoformat()}">{text}</time>')  # noqa: S704 - ours


def _version() -> str:
    _, version = distribution()
    return version or "(not installed)"
