"""An executed notebook -> one self-contained HTML page, through nbconvert and the workbench's template."""

import re
from functools import lru_cache
from html import escape
from typing import Any

import msgspec

from incident_lib.characters import visible_markup
from incident_lib.model import Analysis
from incident_lib.model.notebooks import BY_NAME, display_name
from incident_lib.model.run import ExecutionStatus, NotebookRecord
from incident_lib.reports import blocks
from incident_lib.reports.page import FATES, Banner, Frame, banner, page_globals
from incident_lib.resources import resource
from incident_lib.run.lean import prepare
from incident_lib.units import format_duration

_SETUP = {"parameters", "injected-parameters", "setup"}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_ACTIVE = re.compile(r"</?(?:meta|base|link|iframe|frame|object|embed|form)\b[^>]*>?", re.IGNORECASE)
_TAG = re.compile(r"<[a-z][^<>]*>", re.IGNORECASE)
_LOADS = re.compile(
    r"\s(?:on\w+|src|srcset|poster|background)\s*=\s*(?![\"']?data:image/)(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"(</?h)([1-5])(?=[\s>])")
_FIGURE_ENDS = "</figure>"
_OUR_STYLE = re.compile(r"<style data-iw>.*?</style>", re.DOTALL)


def render_page(notebook: Any, record: NotebookRecord, frame: Frame, analysis: Analysis) -> str:
    """Return the page of a notebook, which says at the top when the notebook did not complete."""
    incomplete = banner(record)
    failed = [record.name] if incomplete else []
    took = f" in {format_duration(record.seconds)}" if record.seconds is not None else ""
    page = msgspec.structs.replace(
        frame.page(display_name(record.name), record.name, failed),
        banner=incomplete,
        fallback=_markup(_kernel_output(record) + _fallback(record.name, analysis)) if incomplete else "",
        notebook=record.name,
        notebook_status=f"{FATES[record.status]}{took}",
    )
    html, _ = exporter().from_notebook_node(notebook, resources={"page": page})
    return blocks.without_dead_links(blocks.unique_ids(visible_markup(str(html))), "index.html")


def warm_up() -> None:
    """Import nbconvert and compile the template, so that the first page does not wait for that."""
    exporter().template  # noqa: B018 - made when it is first used


@lru_cache(maxsize=1)
def exporter() -> Any:
    """Return nbconvert's exporter with our template; made once per process, because that is slow."""
    prepare()
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    class PageExporter(TemplateExporter):  # type: ignore[misc]  # nbconvert has no types
        """Without HTMLExporter's second parse of the whole page, and without its addresses elsewhere."""

        file_extension = ".html"
        output_mimetype = "text/html"

        @property
        def default_config(self) -> Any:
            """Return the configuration without any preference for an output's kind."""
            return Config({"NbConvertBase": {"display_data_priority": []}})

    made = PageExporter(
        template_name="page",
        extra_template_basedirs=[str(resource("templates"))],
        template_file="index.html.j2",
        preprocessors=[],
        default_preprocessors=[],
    )
    made.environment.autoescape = True
    made.environment.globals.update(page_globals())
    for name, function in _FILTERS.items():
        made.register_filter(name, function)
    return made


def show_output(output: Any) -> Any:
    """Return one output of a cell as HTML. Scripts are dropped; the page forbids them as well."""
    if output.output_type == "stream":
        return _markup(f'<pre class="stream" tabindex="0">{escape(_plain(output.text))}</pre>')
    if output.output_type == "error":
        return _markup(_error(output))
    data = output.get("data", {})
    for kind, show in _SHOWERS:
        if kind in data:
            return _markup(show(_joined(data[kind])))
    return _markup(f'<p class="never">an output of type {escape(", ".join(data) or "none")} is not shown</p>')


def chart_in(notebook: Any, title: str) -> str:
    """Return the first chart of a notebook with a title that begins so, "" where it has none."""
    wanted = '<figure class="iw-chart"><figcaption>' + escape(title)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        html = _joined(output.get("data", {}).get("text/html", ""))
        if (begin := html.find(wanted)) >= 0 and (end := html.find(_FIGURE_ENDS, begin)) >= 0:
            return _html(html[begin : end + len(_FIGURE_ENDS)])
    return ""


def _error(output: Any) -> str:
    trace = escape(_plain("\n".join(output.traceback)))
    return (
        f'<p class="iw-note iw-critical"><b>{escape(output.ename)}</b> {escape(output.evalue)}</p>'
        f'<details class="code"><summary>where it happened</summary><pre tabindex="0">{trace}</pre></details>'
    )


def _kernel_output(record: NotebookRecord) -> str:
    """Return the last output of a kernel whose notebook did not complete, folded."""
    if not record.kernel_said:
        return ""
    written = escape(_plain(record.kernel_said))
    shown = f'<pre tabindex="0">{written}</pre>'
    return f'<details class="code"><summary>what its kernel wrote</summary>{shown}</details>'


def _fallback(name: str, analysis: Analysis) -> str:
    """Return the findings of the notebook's area, so that its page answers even when it did not run."""
    areas = BY_NAME[name].areas if name in BY_NAME else ("",)
    found = tuple(
        finding for finding in analysis.findings if any(f.id.startswith(areas) for f in finding.apart)
    )
    if not found:
        return ""
    return f"<section><h2>What was found in this area</h2>{blocks.findings(found, level=3)}</section>"


def _safe_markdown(source: str) -> Any:
    """Return Markdown as HTML; HTML in it is shown as text, because a notebook may quote foreign text."""
    prepare()
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    html = MarkdownWithMath(renderer=IPythonRenderer(escape=True, exclude_anchor_links=True)).render(source)
    # The title of the incident is the one heading of the first level.
    return _markup(_HEADING.sub(lambda tag: f"{tag[1]}{int(tag[2]) + 1}", html))


def _html(text: str) -> str:
    """Return markup of an output without what runs or loads; the page's policy forbids it as well."""
    quiet = _ACTIVE.sub("", _SCRIPT.sub("", _OUR_STYLE.sub("", text)))
    return _TAG.sub(lambda tag: _LOADS.sub("", tag[0]), quiet)


def _image(kind: str) -> Any:
    return lambda data: f'<img alt="output of the notebook" src="data:{kind};base64,{escape(data.strip())}">'


def _plain(text: Any) -> str:
    return _ANSI.sub("", _joined(text))


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text) if isinstance(text, list) else str(text)


def _markup(html: str) -> Any:
    from markupsafe import Markup

    return Markup(html)  # noqa: S704 - made above, from escaped parts


_SHOWERS = (
    ("text/html", _html),
    ("image/svg+xml", _html),
    ("image/png", _image("image/png")),
    ("image/jpeg", _image("image/jpeg")),
    ("text/markdown", lambda text: str(_safe_markdown(text))),
    ("text/plain", lambda text: f'<pre class="stream" tabindex="0">{escape(_plain(text))}</pre>'),
)
_FILTERS = {
    "show_output": show_output,
    "safe_markdown": _safe_markdown,
    "is_setup": lambda tags: not _SETUP.isdisjoint(tags),
    "describe_fate": lambda fate: f"This cell: {FATES[ExecutionStatus(fate['status'])]}.",
    "duration": format_duration,
}
__all__ = ["Banner", "exporter", "render_page", "show_output"]
