"""Pieces that answer to a person in JupyterLab: filters over a log, and a button that collects again.

What a page keeps of them is plain HTML of what they showed first: no script, and nothing to click.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from typing import Any

from incident_lib.display.answers import verdict
from incident_lib.display.block import Block
from incident_lib.errors import WorkbenchError
from incident_lib.investigation.case import Case
from incident_lib.reports import blocks
from incident_lib.response.notebooks import renew_changed
from incident_lib.units import format_count

_MOST_LINES, _STEPS = 200, 60
_EVERY = "every level"
_EVERYTHING = "everything"


class Interactive(Block):
    """A block with controls in JupyterLab; everywhere else it is the block alone."""

    def __init__(self, html: str, summary: str, controls: Callable[[], Any]) -> None:
        super().__init__(html, summary)
        self._controls = controls

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """Return the controls for JupyterLab, and for pages the HTML."""
        controls = self._controls()._repr_mimebundle_()
        return {**controls, "text/html": self._repr_html_(), "text/plain": repr(self)}


def explore(case: Case, service: str = "") -> Interactive:
    """Return the log of a service with controls: service, words, level, span.

    Errors: UsageError naming the nearest service.
    """
    services = [evidence.target for evidence in case.of("logs.lines") if case.log_text(evidence.target)]
    first = service or next(iter(services), "")
    if service:
        case.log_text(service)  # names the nearest where there is none
    html = _lines(case, first) if first else blocks.note("The snapshot holds no log.")

    def controls() -> Any:
        """Return the controls, each of which shows the lines anew."""
        import ipywidgets as widgets

        moments = _moments(case)
        whole = (0, len(moments) - 1)
        chosen = widgets.Dropdown(options=services, value=first or None, description="Service")
        words = widgets.Text(placeholder="text in the line", description="Filter", continuous_update=False)
        levels = (_EVERY, "INFO", "WARNING", "ERROR", "CRITICAL")
        level = widgets.Dropdown(options=levels, value=_EVERY, description="From level")
        span = widgets.SelectionRangeSlider(
            options=[(f"{moment:%H:%M:%S}", moment) for moment in moments],
            index=whole,
            description="Range (UTC)",
            continuous_update=False,
            layout=widgets.Layout(width="36em"),
        )
        shown = widgets.HTML(Block(html, "")._repr_html_())

        def show(_change: Any) -> None:
            """Show the lines that the controls choose."""
            within = None if span.index == whole else span.value  # the log may begin before the window
            found = _lines(case, chosen.value, words.value, level.value, within) if chosen.value else html
            shown.value = Block(found, "")._repr_html_()

        for control in (chosen, words, level, span):
            control.observe(show, names="value")
        return widgets.VBox([widgets.HBox([chosen, words, level]), span, shown])

    return Interactive(html, f"log of {first}" if first else "no log", controls)


def collect_again(case: Case) -> Interactive:
    """Return a button that collects again, everything or one probe of one target, into the incident.

    Nothing is collected before it is clicked; then `case` shows the new snapshot.
    """
    html = blocks.note(
        f"This is snapshot {case.snapshot}, collected at {case.collected_at:%H:%M:%S} UTC. To collect again: "
        "case.refresh()"
    )

    def controls() -> Any:
        """Return the choice, the button, and what came of it."""
        import ipywidgets as widgets

        known = [_EVERYTHING, *sorted(evidence.ref for evidence in case.evidence)]
        what = widgets.Combobox(options=known, value=_EVERYTHING, description="Collect", ensure_option=True)
        button = widgets.Button(description="Collect again", icon="refresh", button_style="primary")
        shown = widgets.HTML(Block(html, "")._repr_html_())

        def collect(_button: Any) -> None:
            """Collect what is chosen, and show the verdict, or why not."""
            button.disabled, button.description = True, "Collecting ..."
            try:
                target, _, probe = what.value.partition("/") if what.value != _EVERYTHING else ("", "", "")
                case.refresh(probe, target)
                note = blocks.note(f"Snapshot {case.snapshot}. Run the cells below again to use it.")
                shown.value = Block(note + verdict(case).html, "")._repr_html_()
            except WorkbenchError as error:
                shown.value = Block(blocks.note(f"Not collected: {error}", kind="warning"), "")._repr_html_()
            finally:
                renew_changed()  # a click runs no cell
                button.disabled, button.description = False, "Collect again"

        button.on_click(collect)
        return widgets.VBox([widgets.HBox([what, button]), shown])

    return Interactive(html, f"snapshot {case.snapshot}", controls)


def _moments(case: Case) -> list[datetime]:
    step = case.window.length / _STEPS
    return [case.window.start + n * step for n in range(_STEPS)] + [case.window.end + timedelta(seconds=1)]


def _lines(
    case: Case,
    service: str,
    words: str = "",
    level: str = _EVERY,
    span: tuple[datetime, datetime] | None = None,
) -> str:
    """Return the newest lines that fit, as HTML, and how many there are."""
    frame = case.logs(service)
    if words:
        frame = frame[[words.lower() in text.lower() for text in frame["text"]]]
    if level != _EVERY:
        frame = frame[frame["level"] >= level]
    if span:  # a line without a time is in every span
        frame = frame[frame["time"].isna() | ((frame["time"] >= span[0]) & (frame["time"] <= span[1]))]
    newest = "\n".join(text.rstrip("\n") for text in frame["text"].tail(_MOST_LINES))
    count = format_count(len(frame), "line")
    cut = f", the last {_MOST_LINES} are shown" if len(frame) > _MOST_LINES else ""
    return f'<p class="iw-why">{escape(service)}: {count}{cut}</p><pre class="iw-log">{escape(newest)}</pre>'
